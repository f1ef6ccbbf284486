"""What an address would do had an uploaded CSV been applied."""

from collections.abc import Iterator

from portal.core.address import Domain
from portal.core.registry import Policy
from portal.flows.editing.bulk_domains import Asked, read
from portal.flows.editing.explanation import Supposed, SupposedWay
from portal.services import Services


def supposed_by(
    services: Services, asked: Asked, content: bytes, domain: Domain
) -> Iterator[Supposed]:
    """Give the tenants that a file is about as they would be, as far as this domain asks.

    A domain counts as proven: what waits for its proof is told beside it. Raises SeedError.
    """
    for entry in read(services, asked, content).domains.named(domain.lookup_names()):
        bundle = services.registry.tenant(entry.tenant)
        if bundle is not None:
            way = SupposedWay(Policy(entry.policy), entry.connections, verified=True)
            yield Supposed(tenant=bundle, domains={Domain(entry.name): way})
