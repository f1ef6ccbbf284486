"""The list of domains as a CSV file, of the kind that an upload and a seeds folder take."""

import csv
import io
from collections.abc import Iterator

from flask import Response, request

from admin.access import blueprint, operators_only, scope
from admin.domains import FILTERS, sought
from admin.framing import harmless, searched
from portal.seeding.csv_rows import HEADER
from portal.store import listing
from portal.web.context import services


@blueprint.get("/domains.csv")
@operators_only
def export_domains_of_all() -> Response:
    """Give the domains of all tenants."""
    return _file(None)


@blueprint.get("/tenants/<tenant>/domains.csv")
def export_domains(tenant: str) -> Response:
    """Give a tenant's domains, as far as the search and the filter let them through."""
    del tenant
    return _file(scope().tenant.id)


def _file(tenant_id: int | None) -> Response:
    search, only = sought(searched()), request.args.get("only", "")
    database = services().database

    def lines() -> Iterator[str]:
        yield _line(HEADER)
        with database.read() as connection:
            for row in listing.all_domains(
                connection, tenant_id, search=search, only=only if only in FILTERS else ""
            ):
                yield _line((row.tenant, row.name, "|".join(row.connections), row.policy))

    response = Response(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="domains.csv"'
    return response


def _line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([harmless(cell) for cell in cells])
    return buffer.getvalue()
