"""Changes that stand in a form and are not saved, as questions about an address."""

from dataclasses import replace

from admin.access import scope
from admin.explain_address import tried
from admin.forms import sentence
from admin.frame_pages import Form
from admin.overview_pages import Explained
from portal.core.address import Address, AddressError
from portal.core.changes import Item
from portal.core.registry import Client
from portal.flows.editing.explanation import Supposed
from portal.store.tenant_items import client_items
from portal.web.context import services


def try_connection(current: Item, form: Form) -> tuple[Form, Explained | None]:
    """Answer what the form of a connection asks to try; the form says where it cannot be told."""
    bundle = scope().bundle
    assert bundle is not None, "this is a page of a tenant"
    way = bundle.connection(current.key)
    raw = form.value("try")
    if not raw or way is None or form.errors:
        return form, None
    try:
        address = Address.parse(raw)
    except AddressError as error:
        return Form(form.values, {"try": sentence("The address", str(error))}, form.seen), None
    wanted = replace(way, name=form.value("name") or way.name, client=_client(form.value("client")))
    return form, tried(address, Supposed(tenant=bundle, connections={current.key: wanted}))


def _client(key: str) -> Client | None:
    """Give a client, good for routing and for nothing else."""
    if not key:
        return services().registry.default_client
    with services().database.read() as connection:
        found = next((c for c in client_items(connection, scope().ref) if c.key == key), None)
    if found is None:
        return None
    issuer, client_id = str(found.fields["issuer"]), str(found.fields["client_id"])
    return Client(key, scope().tenant.slug, issuer, client_id, redirect_uri="")


def of_person(email: str, *, disabled: bool, exempt: bool) -> tuple[tuple[str, Explained], ...]:
    """Answer how a person signs in, and how they would with the mark changed or switched off."""
    bundle = scope().bundle
    assert bundle is not None, "this is a page of a tenant"
    try:
        address = Address.parse(email)
    except AddressError:
        return ()
    mark = "Without the break-glass mark" if exempt else "As break-glass"
    state = "Switched on again" if disabled else "Switched off"
    return (
        ("Now", tried(address)),
        (mark, tried(address, Supposed(tenant=bundle, exempt=not exempt))),
        (state, tried(address, Supposed(tenant=bundle, disabled=not disabled))),
    )
