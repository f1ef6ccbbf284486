"""Prepared statements: values and errors as SQLAlchemy's own way has them; nothing half done."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import NoResultFound, ProgrammingError

from portal.core.registry import Sealed
from portal.store.engine import Database, DatabaseGoneError, IntegrityError
from portal.store.exchange import Exchange
from portal.store.lanes import DriverLane
from portal.store.prepared import Statement, insert_into
from portal.store.tables import CLIENTS, TENANTS
from tests.builders import NOW, add_client, add_tenant

ADD = Statement(insert_into(TENANTS, "slug", "name", "created_at"))
NAME = Statement(select(TENANTS.c.name).where(TENANTS.c.slug == bindparam("slug")))
ACME = {"slug": "acme", "name": "Acme", "created_at": NOW}


def names(database: Database, slug: str = "acme") -> list[str]:
    with database.quick_read() as place:
        return [row.name for row in NAME.rows(place, {"slug": slug})]


def test_what_a_transaction_did_is_there_at_its_end(database):
    with database.quick_transaction() as place:
        assert ADD.ask(place, ACME).count() == 1
        assert NAME.one(place, {"slug": "acme"}).name == "Acme"
    assert names(database) == ["Acme"]


class Cut(BaseException):
    """What ends a thread midway, as Ctrl-C does."""


def add_and_raise(place, error):
    ADD.ask(place, ACME).count()
    raise error


def test_transaction_that_raises_leaves_nothing_and_its_connection_serves_on(database):
    with pytest.raises(RuntimeError), database.quick_transaction() as place:
        add_and_raise(place, RuntimeError())
    used = place.connection
    assert names(database) == []
    with database.quick_transaction() as place:
        assert place.connection is used
        ADD.ask(place, ACME).count()
    assert names(database) == ["Acme"]


def test_transaction_that_is_cut_leaves_nothing_and_its_connection_goes(database):
    with pytest.raises(Cut), database.quick_transaction() as place:
        add_and_raise(place, Cut())
    assert not place.connection.is_valid
    assert names(database) == []


def test_connection_whose_roll_back_is_cut_goes(database, monkeypatch):
    for lane in (DriverLane, Exchange):
        monkeypatch.setattr(lane, "roll_back", Mock(side_effect=Cut))
    with pytest.raises(Cut), database.quick_transaction() as place:
        add_and_raise(place, RuntimeError())
    assert not place.connection.is_valid
    assert names(database) == []


def test_single_write_is_committed_by_itself(database):
    with pytest.raises(RuntimeError), database.quick_write() as place:
        add_and_raise(place, RuntimeError())
    assert names(database) == ["Acme"]


def test_broken_constraint_is_told_as_ever_and_ends_the_transaction(database):
    with database.transaction() as connection:
        ADD.ask(connection, ACME).count()
        ADD.ask(connection, ACME | {"slug": "globex"}).count()
    with pytest.raises(IntegrityError), database.quick_transaction() as place:
        [ADD.ask(place, ACME | {"slug": slug}).count() for slug in ("initech", "acme")]
    assert names(database, "initech") == []


def test_what_nobody_asks_about_is_done_by_the_end(database):
    with database.quick_transaction() as place:
        ADD.ask(place, ACME)
    assert names(database) == ["Acme"]
    with database.quick_write() as place:
        ADD.ask(place, ACME | {"slug": "globex", "name": "Globex"})
    assert names(database, "globex") == ["Globex"]


def test_answers_are_those_of_their_statements_in_whatever_order_they_are_asked_for(database):
    with database.quick_transaction() as place:
        added = ADD.ask(place, ACME)
        first = NAME.ask(place, {"slug": "acme"})
        ADD.ask(place, ACME | {"slug": "globex", "name": "Globex"})
        second = NAME.ask(place, {"slug": "globex"})
        nobody = NAME.ask(place, {"slug": "nobody"})
        assert [row.name for row in second.rows()] == ["Globex"]
        assert first.first().name == "Acme"
        assert added.count() == 1
        assert nobody.first() is None


def test_error_that_nobody_asked_about_comes_up_at_the_end_and_undoes_all(database):
    with database.quick_transaction() as place:
        ADD.ask(place, ACME).count()
    with pytest.raises(IntegrityError), database.quick_transaction() as place:
        [ADD.ask(place, ACME | {"slug": slug}) for slug in ("initech", "acme", "globex")]
    assert names(database, "initech") == names(database, "globex") == []
    with database.quick_transaction() as place:
        ADD.ask(place, ACME | {"slug": "globex"}).count()
    assert names(database, "globex") == ["Acme"]


def ask_and_raise(place, error):
    ADD.ask(place, ACME)
    raise error


def test_transaction_that_raises_before_anything_was_asked_for_leaves_nothing(database):
    with pytest.raises(RuntimeError), database.quick_transaction() as place:
        ask_and_raise(place, RuntimeError())
    with database.quick_transaction() as place:
        ADD.ask(place, ACME | {"slug": "globex"})
    assert (names(database), names(database, "globex")) == ([], ["Acme"])


def write_and_raise(place, text, come_back):
    ADD.ask(place, ACME | {"name": text})
    come_back.append(NAME.one(place, {"slug": "acme"}).name)
    raise RuntimeError


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_comes_back_as_it_went(database, text):
    come_back = []
    with pytest.raises(RuntimeError), database.quick_transaction() as place:
        write_and_raise(place, text, come_back)
    assert come_back == [text]


def test_error_does_not_repeat_the_values(database):
    with database.quick_transaction() as place:
        ADD.ask(place, ACME).count()
    with pytest.raises(IntegrityError) as failure, database.quick_transaction() as place:
        ADD.ask(place, ACME | {"name": "planted"}).count()
    assert "planted" not in str(failure.value)


def test_values_are_kept_and_read_as_the_columns_say(database):
    with database.transaction() as connection:
        add_client(connection, add_tenant(connection))
    note = Statement(
        update(CLIENTS)
        .values(refused_at=bindparam("refused"), scopes=bindparam("scopes_now"))
        .where(CLIENTS.c.key == bindparam("its_key"))
        .returning(CLIENTS.c.secret, CLIENTS.c.refused_at, CLIENTS.c.scopes)
    )
    elsewhere = timezone(timedelta(hours=9))
    refused = NOW.astimezone(elsewhere)
    with database.quick_transaction() as place:
        row = note.one(place, {"refused": refused, "scopes_now": ["openid"], "its_key": "main"})
    assert row == (Sealed(b"sealed"), NOW, ["openid"])
    assert row.refused_at.tzinfo is UTC


def test_time_without_a_zone_is_refused(database):
    with pytest.raises(ValueError, match="without a zone"), database.quick_transaction() as place:
        ADD.ask(place, ACME | {"created_at": datetime(2026, 1, 1)}).count()  # noqa: DTZ001
    assert names(database) == []


def test_missing_row_is_told(database):
    with database.quick_read() as place:
        assert NAME.first(place, {"slug": "nobody"}) is None
        with pytest.raises(NoResultFound):
            NAME.one(place, {"slug": "nobody"})


def read_after_the_end(place):
    place.connection.dbapi_connection.close()
    NAME.rows(place, {"slug": "acme"})


@pytest.mark.parametrize("way", ["quick_read", "quick_transaction", "read"])
def test_connection_that_died_is_not_used_again(database, way):
    with pytest.raises((DatabaseGoneError, ProgrammingError)), getattr(database, way)() as place:
        read_after_the_end(place)
    for _ in range(2):
        with getattr(database, way)() as place:
            assert NAME.rows(place, {"slug": "acme"}) == []


def test_writers_of_one_process_take_turns(database):
    """Eight threads add to one number; none is refused, and none is lost."""
    with database.transaction() as connection:
        ADD.ask(connection, ACME | {"name": "0"}).count()
    rename = Statement(update(TENANTS).values(name=bindparam("new")))
    look = Statement(select(TENANTS.c.name).with_for_update())

    def add() -> None:
        for _ in range(10):
            with database.quick_transaction() as place:
                rename.ask(place, {"new": str(int(look.one(place, {}).name) + 1)}).count()

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(database) == ["80"]
