"""Secrets: sealed with rotation, shown nowhere, passwords in equal work for everybody."""

import threading

import pytest
from argon2 import PasswordHasher

from portal.crypto import (
    CookieSeal,
    Passwords,
    PasswordsBusyError,
    UnreadableSecretError,
    Vault,
    derived_key,
    is_argon2id,
    new_key,
    new_token,
    token_hash,
)


def test_sealed_secret_opens_again_and_shows_nothing():
    vault = Vault([new_key()])
    sealed = vault.seal("planted")
    assert vault.open(sealed) == "planted"
    assert repr(sealed) == "Sealed(…)"
    assert b"planted" not in sealed.token


def test_old_key_still_opens_after_a_new_one_is_put_first():
    old, new = new_key(), new_key()
    sealed = Vault([old]).seal("planted")
    assert Vault([new, old]).open(sealed) == "planted"
    assert Vault([new]).open(Vault([new, old]).reseal(sealed)) == "planted"


def test_lost_key_is_an_error_that_shows_nothing():
    sealed = Vault([new_key()]).seal("planted")
    with pytest.raises(UnreadableSecretError) as error:
        Vault([new_key()]).open(sealed)
    assert "planted" not in str(error.value)
    assert error.value.__suppress_context__


def test_what_is_no_key_is_refused():
    with pytest.raises(ValueError, match="Fernet"):
        Vault(["short"])


def test_derived_keys_differ_by_purpose_and_secret():
    keys = {derived_key(secret, purpose) for secret in "ab" for purpose in "xy"}
    assert len(keys) == 4


def test_cookie_seal_opens_its_own_and_nothing_else():
    seal = CookieSeal(derived_key("secret", "attempt"))
    sealed = seal.seal("planted")
    assert seal.open(sealed) == "planted"
    assert seal.seal("planted") != sealed
    assert "planted" not in sealed
    changed = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]
    for other in (changed, sealed[:-4], "", "é", "x", "A" * 16):
        with pytest.raises(UnreadableSecretError):
            seal.open(other)
    with pytest.raises(UnreadableSecretError):
        CookieSeal(derived_key("another", "attempt")).open(sealed)


def test_token_is_long_and_only_its_hash_is_comparable():
    assert len({new_token() for _ in range(100)}) == 100
    assert token_hash("x") == token_hash("x") != token_hash("y")


def test_right_password_passes_and_wrong_ones_fail(cheap_passwords: Passwords):
    stored = cheap_passwords.hash("right")
    assert cheap_passwords.verify(stored, "right")
    assert not cheap_passwords.verify(stored, "wrong")
    assert not cheap_passwords.verify("no hash at all", "right")


def test_unknown_user_costs_a_verification_too(monkeypatch, cheap_passwords: Passwords):
    seen: list[str] = []
    real = PasswordHasher.verify

    def spy(self, stored, password):
        seen.append(stored)
        return real(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", spy)
    assert not cheap_passwords.verify(None, "anything")
    assert len(seen) == 1
    assert is_argon2id(seen[0])
    assert not cheap_passwords.is_due(seen[0])


def test_a_start_makes_no_hash(monkeypatch):
    monkeypatch.setattr(
        PasswordHasher, "hash", lambda *_: pytest.fail("that takes as long as a check")
    )
    assert Passwords().at_once


def test_hash_of_other_parameters_is_due(cheap_passwords: Passwords):
    stored = cheap_passwords.hash("x")
    assert not cheap_passwords.is_due(stored)
    assert Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)).is_due(stored)


def test_more_checks_than_slots_wait_and_then_are_told_so():
    entered, leave = threading.Event(), threading.Event()

    class Slow(PasswordHasher):
        def verify(self, *_arguments):
            entered.set()
            leave.wait(5)
            return True

    hasher = Slow(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(hasher, at_once=1, patience=0.05)
    stored = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("y")
    thread = threading.Thread(target=passwords.verify, args=(stored, "y"))
    thread.start()
    entered.wait(5)
    with pytest.raises(PasswordsBusyError):
        passwords.verify(stored, "y")
    leave.set()
    thread.join()
    assert passwords.verify(stored, "y")


def test_cheaper_imported_hash_costs_as_much_as_an_own_one(monkeypatch):
    ours = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    imported = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("right")
    seen: list[str] = []
    real = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda *given: seen.append(given[1]) or real(*given)
    )
    assert ours.verify(imported, "right")
    assert any("t=2" in stored for stored in seen)


@pytest.mark.parametrize(
    "text", ["", "plain", "$argon2i$v=19$m=8,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g", "$2b$12$abc"]
)
def test_only_argon2id_counts_as_a_hash(text: str, cheap_passwords: Passwords):
    assert not is_argon2id(text)
    assert is_argon2id(cheap_passwords.hash("x"))
