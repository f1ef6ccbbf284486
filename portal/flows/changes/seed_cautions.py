"""What in sound seed files somebody should look at twice, as far as the files alone can tell."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from portal.core.entries import ClientEntry, Place, SourceKind
from portal.core.errors import SignInFailure
from portal.oidc.metadata import discovery_url
from portal.seeding.desired import Desired
from portal.seeding.problems import MOST_HINTS, Problem, suggestion


def cautions(desired: Desired, *, allow_local_issuers: bool) -> Iterator[Problem]:
    """Give secrets that stand in clear, and issuers that the portal will not go to."""
    for source in desired.sources():
        if source.kind is SourceKind.LITERAL:
            text = "the secret stands in clear in the file; use env: or file:"
            yield Problem(source.place, text)
    for tenant in desired.tenants:
        for client in tenant.clients:
            if text := _unfit_issuer(client, allow_local=allow_local_issuers):
                yield Problem(client.issuer_place, text)


def open_questions(desired: Desired) -> Iterator[Problem]:
    """Give the tenants that only a CSV names: the registry has them, or the files are refused."""
    described = [tenant.slug for tenant in desired.tenants]
    named: dict[str, list[str]] = {}
    first: dict[str, Place] = {}
    for (slug, key), place in desired.elsewhere.items():
        first.setdefault(slug, place)
        named.setdefault(slug, []).extend([key] if key else [])
    for number, (slug, keys) in enumerate(named.items()):
        hint = suggestion(slug, described) if number < MOST_HINTS else ""
        whole = f"it, with the connections {', '.join(keys)}" if keys else "it"
        yield Problem(
            first[slug],
            f'no file here describes tenant "{slug}"; plan and apply look into the '
            f"registry, and refuse these rows unless it has {whole}{hint}",
        )


def _unfit_issuer(client: ClientEntry, *, allow_local: bool) -> str:
    """Say why a sign-in would not go to an issuer, by its looks alone."""
    try:
        discovery_url(client.issuer, allow_local=True)
    except SignInFailure as failure:
        return f"no sign-in will go there: {failure.detail}; write it as the issuer's metadata does"
    if urlsplit(client.issuer).scheme == "https" or allow_local:
        return ""
    return (
        "the issuer is not https, and no sign-in will go there; give its https URL, or set "
        "PORTAL_ALLOW_LOCAL_ISSUERS=true for one in your own network"
    )
