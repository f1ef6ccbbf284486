"""The registry as seed files describe it, whatever they were read from.

Apart from `folder`, which loads a reader for each kind of file: plans and admin pages do without.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from portal.core.entries import Place, SecretSource, SourceKind, TenantEntry, UserEntry
from portal.seeding.staging import StagedDomains


@dataclass(frozen=True, slots=True)
class Desired:
    """The registry as seed files want it; its domains stay on the disk (`StagedDomains`).

    `operators` is None where no file names any. `elsewhere` are tenants and connections that only
    a CSV names: the registry must have them. `whole` says that a folder was read, which is what
    pruning measures the whole registry by.
    """

    folder: Path
    tenants: tuple[TenantEntry, ...]
    domains: StagedDomains
    operators: tuple[UserEntry, ...] | None = None
    elsewhere: Mapping[tuple[str, str], Place] = field(default_factory=dict)
    whole: bool = True

    def people(self) -> Iterable[tuple[str | None, UserEntry]]:
        """Give every user with the slug of the tenant; operators with None."""
        for tenant in self.tenants:
            for user in tenant.users:
                yield tenant.slug, user
        for operator in self.operators or ():
            yield None, operator

    def sources(self) -> Iterable[SecretSource]:
        """Give every place that a secret comes from."""
        for tenant in self.tenants:
            for client in tenant.clients:
                yield from (s for s in (client.secret, client.private_key) if s)
        for _, user in self.people():
            if user.password:
                yield user.password


def reference_names(desired: Desired) -> set[str]:
    """Give the environment variables that the files refer to."""
    names = {source.text for source in desired.sources() if source.kind is SourceKind.ENV}
    keys = {source.key for source in desired.sources() if source.key.startswith("env:")}
    return names | {key.removeprefix("env:") for key in keys}


def at_issuer(desired: Desired, issuer: str) -> Desired:
    """Give the same registry with every client at another issuer: the demo's own provider."""
    tenants = tuple(
        replace(tenant, clients=tuple(replace(client, issuer=issuer) for client in tenant.clients))
        for tenant in desired.tenants
    )
    return replace(desired, tenants=tenants)
