"""One document -> the tenant or the operators that it describes, or everything wrong with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from portal.core.address import Address, AddressError, Domain
from portal.core.entries import (
    ClientEntry,
    ConnectionEntry,
    DomainEntry,
    Place,
    SecretSource,
    TenantEntry,
    UserEntry,
)
from portal.seeding.claims import why_not_claimable
from portal.seeding.document import Document, spell
from portal.seeding.document import Path as KeyPath
from portal.seeding.mending import mended
from portal.seeding.problems import Problems, suggestion
from portal.seeding.schema import (
    ClientSeed,
    ConnectionSeed,
    DomainSeed,
    OperatorSeed,
    OperatorsFile,
    TenantFile,
    UserSeed,
)
from portal.seeding.sources import SourceError, parse_source
from portal.seeding.wording import domain_mend, words_for

_Model = TypeVar("_Model", bound=BaseModel)
_PASSES = 3


@dataclass(frozen=True, slots=True)
class FromFile:
    """What one file holds: a tenant with its domains, or operators."""

    tenant: TenantEntry | None = None
    domains: tuple[DomainEntry, ...] = ()
    operators: tuple[UserEntry, ...] | None = None


def convert(document: Document, name: str, *, folder: Path, problems: Problems) -> FromFile:
    """Make a document into entries. What is wrong goes to `problems`, all of it."""
    return _Converter(document, name, folder=folder, problems=problems).convert()


class _Converter:
    def __init__(self, document: Document, name: str, *, folder: Path, problems: Problems) -> None:
        self._document = document
        self._name = name
        self._folder = folder
        self._problems = problems

    def convert(self) -> FromFile:
        for fault in self._document.faults:
            self._wrong(fault.path, fault.message, line=fault.line)
        data = self._document.data
        if not isinstance(data, dict) or not data:
            self._wrong((), "a seed file is a mapping with `tenant:` or `operators:` at its top")
            return FromFile()
        if "operators" in data and data["operators"] is None:
            self._wrong(("operators",), "must be a list; [] is nobody")
            return FromFile()
        data = _without_empty_sections(data)
        if "operators" in data and "tenant" in data:
            self._wrong(("operators",), "stands in a file of its own, beside no tenant")
            data = {key: value for key, value in data.items() if key != "operators"}
        if "operators" in data:
            operators = self._validated(OperatorsFile, data)
            return FromFile(operators=self._people(operators.operators) if operators else ())
        tenant = self._validated(TenantFile, data)
        return self._tenant(tenant) if tenant else FromFile()

    def _validated(self, model: type[_Model], data: Any) -> _Model | None:
        """Give the model; where the file is wrong, one of what is sound in it, to check that."""
        for _ in range(_PASSES):
            try:
                return model.model_validate(data)
            except ValidationError as error:
                found = list(words_for(error, model, data))
                for path, message in found:
                    self._wrong(path, message)
                data = mended(data, [path for path, _ in found])
        return None

    def _tenant(self, seed: TenantFile) -> FromFile:
        entry = TenantEntry(
            slug=seed.tenant,
            place=self._place(("tenant",)),
            name=seed.name,
            status=seed.status,
            idle_minutes=seed.session.idle_minutes,
            absolute_hours=seed.session.absolute_hours,
            clients=tuple(self._client(key, client) for key, client in seed.clients.items()),
            connections=tuple(
                self._connection(key, connection, seed.clients)
                for key, connection in seed.connections.items()
            ),
            users=self._people(seed.users),
        )
        domains = [self._domain(raw, domain, seed) for raw, domain in seed.domains.items()]
        return FromFile(tenant=entry, domains=tuple(d for d in domains if d))

    def _client(self, key: str, seed: ClientSeed) -> ClientEntry:
        path: KeyPath = ("clients", key)
        if seed.auth_method == "none" and seed.client_secret:
            self._wrong((*path, "client_secret"), "a client with auth_method none has no secret")
        if seed.private_key and seed.auth_method != "private_key_jwt":
            self._wrong((*path, "private_key"), "goes with auth_method private_key_jwt alone")
        return ClientEntry(
            key=key,
            place=self._place(path),
            issuer_place=self._place((*path, "issuer")),
            issuer=seed.issuer,
            client_id=seed.client_id,
            auth_method=seed.auth_method,
            scopes=tuple(seed.scopes),
            connection_param=seed.connection_param,
            secret=self._source(seed.client_secret, (*path, "client_secret")),
            private_key=self._source(seed.private_key, (*path, "private_key")),
        )

    def _connection(
        self, key: str, seed: ConnectionSeed, clients: Iterable[str]
    ) -> ConnectionEntry:
        path: KeyPath = ("connections", key)
        if seed.client is not None and seed.client not in clients:
            hint = suggestion(seed.client, clients)
            self._wrong((*path, "client"), f'there is no client "{seed.client}" here{hint}')
        if seed.roles and not seed.role_claim:
            self._wrong((*path, "roles"), "need a role_claim that carries the groups")
        return ConnectionEntry(
            key=key,
            place=self._place(path),
            name=seed.name,
            client=seed.client,
            ssojet_connection=seed.ssojet_connection,
            authorize_params={k: _param(v) for k, v in seed.authorize_params.items()},
            enabled=seed.enabled,
            email_verified=seed.email_verified,
            new_users=seed.new_users,
            require_claims=seed.require_claims,
            role_claim=seed.role_claim,
            roles=dict(seed.roles),
        )

    def _domain(self, raw: str, seed: DomainSeed, tenant: TenantFile) -> DomainEntry | None:
        path: KeyPath = ("domains", raw)
        try:
            name = Domain.parse(raw).name
        except AddressError as error:
            self._wrong(path, f"{error}{domain_mend(raw)}")
            return None
        if why := why_not_claimable(name):
            self._wrong(path, why)
        keys = tuple(seed.connections or ((seed.connection,) if seed.connection else ()))
        for part, message in _wrong_way(seed, keys, tenant):
            self._wrong((*path, part) if part else path, message)
        return DomainEntry(
            name=name,
            tenant=tenant.tenant,
            place=self._place(path),
            policy=seed.policy or ("optional" if keys else "password"),
            connections=keys,
            subdomains=seed.subdomains,
            verified=seed.verified,
            rollout=seed.rollout,
        )

    def _people(self, seeds: Iterable[UserSeed | OperatorSeed]) -> tuple[UserEntry, ...]:
        section = "users" if "tenant" in self._document.data else "operators"
        found = (self._person(seed, (section, index)) for index, seed in enumerate(seeds))
        return tuple(user for user in found if user)

    def _person(self, seed: UserSeed | OperatorSeed, path: KeyPath) -> UserEntry | None:
        if seed.password and seed.password_hash:
            self._wrong((*path, "password"), "and password_hash exclude each other")
        try:
            address = Address.parse(seed.email)
        except AddressError as error:
            self._wrong((*path, "email"), str(error))
            return None
        entry = UserEntry(
            key=address.key,
            place=self._place((*path, "email")),
            email=str(address),
            name=seed.name,
            role="operator",
            password=self._source(seed.password, (*path, "password")),
            password_hash=seed.password_hash.get_secret_value() if seed.password_hash else None,
        )
        if isinstance(seed, UserSeed):
            return replace(entry, role=seed.role, sso_exempt=seed.sso_exempt)
        return entry

    def _source(self, text: SecretStr | None, path: KeyPath) -> SecretSource | None:
        if text is None:
            return None
        try:
            return parse_source(text.get_secret_value(), self._place(path), folder=self._folder)
        except SourceError as error:
            self._wrong(path, str(error))
            return None

    def _place(self, path: KeyPath, line: int | None = None) -> Place:
        return Place(self._name, line or self._document.line(path), spell(path))

    def _wrong(self, path: KeyPath, message: str, *, line: int | None = None) -> None:
        self._problems.add(self._place(path, line), message)


def _wrong_way(
    seed: DomainSeed, keys: tuple[str, ...], tenant: TenantFile
) -> Iterator[tuple[str, str]]:
    """Say what is wrong with where a domain leads."""
    which = "connection" if seed.connection else "connections"
    if seed.connection and seed.connections:
        yield "connections", "and connection exclude each other"
    if len(set(keys)) != len(keys):
        yield "connections", "one connection stands twice"
    for key in dict.fromkeys(keys):
        if key not in tenant.connections:
            hint = suggestion(key, tenant.connections)
            yield which, f'there is no connection "{key}" here{hint}'
    if seed.policy in {"optional", "required"} and not keys:
        yield "policy", f"{seed.policy} needs a connection; name one, or use password"


def _without_empty_sections(data: dict[str, Any]) -> dict[str, Any]:
    """Read a key without a value as one that is left out, and a bare domain as all defaults."""
    kept = {key: value for key, value in data.items() if value is not None}
    if isinstance(domains := kept.get("domains"), dict):
        kept["domains"] = {name: {} if v is None else v for name, v in domains.items()}
    return kept


def _param(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
