"""A tenant as it comes with whatever is read beside it: its columns, and its value from a row."""

from typing import Any

from portal.core.registry import Tenant
from portal.store.tables import TENANTS

TENANT_COLUMNS = (
    TENANTS.c.id.label("tenant_id"),
    TENANTS.c.slug,
    TENANTS.c.name.label("tenant_name"),
    TENANTS.c.status,
    TENANTS.c.idle_minutes,
    TENANTS.c.absolute_hours,
)


def tenant_from(row: Any) -> Tenant:
    """Make the tenant's value from a row with TENANT_COLUMNS."""
    return Tenant(
        id=row.tenant_id,
        slug=row.slug,
        name=row.tenant_name,
        suspended=row.status != "active",
        idle_minutes=row.idle_minutes,
        absolute_hours=row.absolute_hours,
    )
