"""Routing by seed files alone is routing by the registry that they become."""

import pytest

from portal.core.address import Address
from portal.core.routing import Asked, decide, resolve
from portal.flows.changes.seed_rules import account_for, rules_for
from portal.seeding.folder import read_folder
from portal.store import accounts
from portal.store.registry import Registry

FILE = """
    tenant: acme
    name: Acme
    clients: {main: {issuer: "https://idp.example", client_id: a}}
    connections:
      okta: {name: Okta, client: main}
      off: {name: Off, client: main, enabled: false}
      default: {name: Default}
    domains:
      acme.example: {connection: okta, policy: required, subdomains: true, rollout: 50}
      closer.acme.example: {connections: [okta, default]}
      off.example: {connection: "off", policy: required}
      claimed.example: {connection: okta, verified: false}
      default.example: {connection: default, policy: optional}
      plain.example:
    users: [{email: it@acme.example, sso_exempt: true}]
"""
ADDRESSES = [
    "it@acme.example",
    "ann@acme.example",
    "bob@acme.example",
    "ann@sub.acme.example",
    "ann@closer.acme.example",
    "ann@off.example",
    "ann@claimed.example",
    "ann@default.example",
    "ann@plain.example",
    "ann@elsewhere.example",
]


@pytest.mark.parametrize("wants_sso", [True, False])
def test_the_files_answer_as_the_registry_will(seeds, database, wants_sso):
    seeds.write(acme=FILE)
    seeds.apply(database)
    desired = read_folder(seeds.folder)
    registry = Registry(database, base_url="https://portal.example")
    asked = Asked(wants_sso=wants_sso)
    for text in ADDRESSES:
        address = Address.parse(text)
        with database.read() as connection:
            stored = accounts.by_address(connection, address)
        by_registry = decide(
            resolve(registry.candidates(address.domain), address.domain),
            address,
            asked=asked,
            account=stored,
        )
        by_files = decide(
            resolve(rules_for(desired, address.domain, default_client=None), address.domain),
            address,
            asked=asked,
            account=account_for(desired, address),
        )
        assert by_files.trace == by_registry.trace, text
        assert type(by_files.decision) is type(by_registry.decision)
