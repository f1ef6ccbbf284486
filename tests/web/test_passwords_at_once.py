"""Many passwords of one address at once: the right ones wait for each other, the wrong ones end."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Semaphore

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr
from sqlalchemy import update

from portal.core.address import Address
from portal.crypto import Passwords
from portal.flows.outcomes import SignedIn, Throttled, Visitor, WrongPassword
from portal.flows.signing.password import check_password
from portal.services import Services, build_services
from portal.store import accounts
from portal.store.engine import Database
from portal.store.tables import USERS
from portal.throttle import PER_ADDRESS, ChecksUnderWay
from tests.builders import add_tenant, add_user

ADDRESS = Address.parse("ann@acme.example")
RIGHT, WRONG = SecretStr("right"), SecretStr("wrong")


class Slow(Passwords):
    """Checks that last, as real ones do, so that many are under way at once."""

    def __init__(self) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), at_once=4)

    def verify(self, stored, password, *, known=""):
        time.sleep(0.1)
        return super().verify(stored, password, known=known)


@pytest.fixture
def services(database: Database, make_settings) -> Iterator[Services]:
    url = database.url.render_as_string(hide_password=False)
    passwords = Slow()
    built = build_services(make_settings(PORTAL_DATABASE_URL=url), passwords=passwords)
    with database.transaction() as connection:
        acme = add_tenant(connection, "acme")
        hashed = passwords.hash(RIGHT.get_secret_value())
        add_user(connection, str(ADDRESS), acme, password_hash=hashed)
    yield built
    built.close()


def at_once(services: Services, *passwords: SecretStr) -> Counter[type]:
    """Let everybody try at the same moment; give how many came to what."""
    with services.database.read() as connection:
        account = accounts.by_address(connection, ADDRESS)
    barrier = Barrier(len(passwords))

    def one(password: SecretStr) -> type:
        barrier.wait()
        return type(check_password(services, ADDRESS, password, Visitor(), account=account))

    with ThreadPoolExecutor(len(passwords)) as crowd:
        return Counter(crowd.map(one, passwords))


def test_more_right_passwords_at_once_than_places_are_all_let_in(services: Services):
    assert at_once(services, *[RIGHT] * (3 * PER_ADDRESS)) == {SignedIn: 3 * PER_ADDRESS}


def test_more_wrong_passwords_at_once_than_places_are_ten_and_no_more(services: Services):
    outcomes = at_once(services, *[WRONG] * (3 * PER_ADDRESS))
    assert outcomes == {WrongPassword: PER_ADDRESS, Throttled: 2 * PER_ADDRESS}
    began = time.monotonic()
    assert at_once(services, RIGHT) == {Throttled: 1}
    assert time.monotonic() - began < 1  # nobody waits for what does not come back


def test_right_ones_among_wrong_ones_never_make_room_for_an_eleventh(services: Services):
    outcomes = at_once(services, *([WRONG, RIGHT] * 15))
    assert outcomes[WrongPassword] <= PER_ADDRESS
    assert outcomes[WrongPassword] + outcomes[SignedIn] + outcomes[Throttled] == 30


def test_who_waits_tries_again_when_a_check_of_the_same_address_ends():
    checks = ChecksUnderWay(patience=10)
    waits = Event()

    def late() -> bool:
        with checks.one("ann") as another_ended:
            waits.set()
            return another_ended()

    with ThreadPoolExecutor(1) as other:
        with checks.one("ann"):
            answer = other.submit(late)
            waits.wait(5)
        assert answer.result(5)


def test_nobody_waits_where_no_check_of_the_same_address_is_under_way():
    checks = ChecksUnderWay(patience=10)
    began = time.monotonic()
    with checks.one("ann") as another_ended, checks.one("bob"):
        assert not another_ended()
    assert time.monotonic() - began < 1


def test_nobody_waits_longer_than_the_patience_nor_beside_too_many():
    began = time.monotonic()
    hasty = ChecksUnderWay(patience=0.1)
    with hasty.one("ann"), hasty.one("ann") as another_ended:
        assert not another_ended()
    crowded = ChecksUnderWay(patience=10, room=Semaphore(0))
    with crowded.one("ann"), crowded.one("ann") as another_ended:
        assert not another_ended()
    assert 0.1 <= time.monotonic() - began < 1


def test_a_hash_of_old_parameters_that_two_sign_ins_renew_at_once_lets_both_in(services: Services):
    dearer = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    store(services, dearer.hash(RIGHT.get_secret_value()))
    assert at_once(services, RIGHT, RIGHT, RIGHT) == {SignedIn: 3}


def test_a_password_that_is_changed_while_the_old_one_is_checked_lets_the_old_one_in_no_more(
    services: Services,
):
    with services.database.read() as connection:
        before = accounts.by_address(connection, ADDRESS)
    store(services, services.passwords.hash("another"))
    found = check_password(services, ADDRESS, RIGHT, Visitor(), account=before)
    assert isinstance(found, WrongPassword)


def store(services: Services, hashed: str) -> None:
    with services.database.transaction() as connection:
        connection.execute(update(USERS).values(password_hash=hashed))
