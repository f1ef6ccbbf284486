"""Statements for PostgreSQL that go out together, and are answered together.

A sign-in runs a dozen small statements, and waiting for each would cost more than all of them:
most of a transaction's are not asked for anything, so they travel with the next that is (libpq's
pipeline mode). The driver's cursors are passed by; what values become, and rows from answers, is
the driver's work still.
"""

import time
from collections.abc import Callable
from hashlib import blake2b
from select import POLLIN, POLLOUT
from typing import Any, NamedTuple

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InFailedSqlTransaction, error_from_result
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from portal.core.waits import Aside
from portal.store.lanes import Rows, Values

# A table was altered since; a statement is not there; a pooler left us one that is there already.
_NOT_AS_PREPARED = ("0A000", "26000", "42P05")


class _Message:
    """A statement with its values as they go over the line, and its answer once it is there."""

    __slots__ = ("_exchange", "answer", "formats", "sql", "values")

    def __init__(self, exchange: "Exchange", sql: str, values: Any, formats: list[Format]) -> None:
        self._exchange = exchange
        self.sql = sql
        self.values = values
        self.formats = formats
        self.answer: PGresult | None = None

    def rows(self) -> Rows:
        """Give its rows."""
        return self._exchange.rows_of(self._answered())

    def count(self) -> int:
        """Give how many rows it touched."""
        return self._answered().command_tuples or 0

    def command(self) -> bytes | None:
        """Give what the server says that it did."""
        return self._answered().command_status

    def _answered(self) -> PGresult:
        if self.answer is None:
            self._exchange.settle()
        assert self.answer is not None, "what failed has no answer"
        return self.answer


class _Preparing(NamedTuple):
    """A statement that is being prepared, and its name."""

    sql: str
    name: bytes


Wait = Callable[[int, float], int]
"""Waits until the connection is as wanted (`select.poll`'s marks), from when on; gives what it is.

Raises psycopg.OperationalError where that takes too long.
"""


class Exchange:
    """Runs statements whose places are marked `$1`, `$2` over a connection in autocommit.

    Every statement is prepared at its first use, under a name that is its own wherever it is
    prepared: a pooler may hand over a connection on which others have prepared theirs, and a name
    must never stand for another statement there. Values go as text, whose type the server infers
    from where they stand; bytes go as they are. `aside` surrounds a wait for answers.
    """

    def __init__(self, driver: psycopg.Connection[Any], *, wait: Wait, aside: Aside) -> None:
        self._wait = wait
        self._aside = aside
        self._line = driver.pgconn
        self._translator = Transformer(driver)
        self._prepared: dict[str, bytes] = {}
        self._generation = 0  # how often all were given up: what bears the old names may still be
        self._waiting: list[_Message] = []

    def begin(self) -> None:
        """Begin a transaction with the next statement."""
        self.ask("BEGIN", ())

    def ask(self, sql: str, values: Values) -> _Message:
        """Take a statement; it goes when an answer is asked for, with all that wait."""
        given = list(values)
        wanted = [PyFormat.BINARY if isinstance(v, bytes) else PyFormat.TEXT for v in given]
        told = self._translator.dump_sequence(given, wanted)
        message = _Message(self, sql, told, list(self._translator.formats or ()))
        self._waiting.append(message)
        return message

    def commit(self) -> None:
        """Send what waits, and the end of the transaction with it.

        Raises an error where a statement had failed: the server undoes all then, and tells none.
        """
        end = self.ask("COMMIT", ())
        self.settle()
        if end.command() != b"COMMIT":
            raise InFailedSqlTransaction("a statement has failed: all was undone")

    def roll_back(self) -> None:
        """Forget what waits, and undo what was sent.

        The driver's own way may drop all prepared statements (DEALLOCATE ALL), also those here.
        """
        self._waiting.clear()
        if self._line.transaction_status != TransactionStatus.IDLE:
            self.ask("ROLLBACK", ())
            self.settle()

    def rows_of(self, answer: PGresult) -> Rows:
        """Make rows of an answer."""
        self._translator.set_pgresult(answer)
        return self._translator.load_rows(0, answer.ntuples, tuple)

    def settle(self) -> None:
        """Send what waits, and take the answers.

        Raises the error of the one that fails. Outside a transaction what goes together is one.
        """
        batch = self._waiting
        if not batch:
            return
        self._waiting = []
        try:
            expected, answers = self._run(batch)
        except BaseException:
            self._line.finish()  # what was said on it is not known any more
            raise
        self._hand_out(expected, answers)

    def _run(self, batch: list[_Message]) -> tuple[list["_Message | _Preparing"], list[PGresult]]:
        """Send a batch, and take what comes back in its order."""
        line, first = self._line, batch[0]
        name = self._prepared.get(first.sql) if len(batch) == 1 else None
        if name is not None:  # alone and prepared: the pipeline would take four calls more
            line.send_query_prepared(name, first.values, first.formats)
            with self._aside():
                return [first], self._answer()
        line.enter_pipeline_mode()
        expected = self._put(batch)
        line.pipeline_sync()
        with self._aside():
            answers = self._answers()
        line.exit_pipeline_mode()
        return expected, answers

    def _hand_out(self, expected: list["_Message | _Preparing"], answers: list[PGresult]) -> None:
        """Give each what is its own. Raises the error of the one that failed."""
        failed: PGresult | None = None
        for whose, answer in zip(expected, answers, strict=True):
            if answer.status == ExecStatus.FATAL_ERROR:
                failed = answer
            elif answer.status == ExecStatus.PIPELINE_ABORTED:
                continue  # the server passes over all after what failed: that has no answer
            elif isinstance(whose, _Message):
                whose.answer = answer
            else:
                self._prepared[whose.sql] = whose.name  # even where the transaction is undone
        if failed is not None:
            error = error_from_result(failed)
            if error.sqlstate in _NOT_AS_PREPARED:
                self._prepared.clear()
                self._generation += 1
            raise error

    def _put(self, batch: list[_Message]) -> list["_Message | _Preparing"]:
        """Hand a batch to libpq; give whose answers are to come."""
        expected: list[_Message | _Preparing] = []
        new: dict[str, bytes] = {}
        for message in batch:
            name = self._prepared.get(message.sql) or new.get(message.sql)
            if name is None:
                name = new[message.sql] = _name_of(message.sql, self._generation)
                self._line.send_prepare(name, message.sql.encode())
                expected.append(_Preparing(message.sql, name))
            self._line.send_query_prepared(name, message.values, message.formats)
            expected.append(message)
        return expected

    def _send(self, began: float) -> None:
        while self._line.flush():
            if self._wait(POLLIN | POLLOUT, began) & ~POLLOUT:
                self._line.consume_input()

    def _next(self, began: float) -> PGresult | None:
        line = self._line
        while line.is_busy():
            self._wait(POLLIN, began)
            line.consume_input()
        return line.get_result()

    def _answer(self) -> list[PGresult]:
        """Give the answer of what is alone."""
        began = time.monotonic()
        self._send(began)
        answers: list[PGresult] = []
        while (answer := self._next(began)) is not None:
            answers.append(answer)
        if not answers:
            raise psycopg.OperationalError("the server ended the connection")
        return answers[-1:]

    def _answers(self) -> list[PGresult]:
        """Give every answer up to the end of the batch."""
        began = time.monotonic()
        self._send(began)
        answers: list[PGresult] = []
        is_between = False
        while True:
            answer = self._next(began)
            if answer is None:  # comes between the answers of two statements
                if is_between:
                    raise psycopg.OperationalError("the server ended the connection")
            elif answer.status == ExecStatus.PIPELINE_SYNC:
                return answers
            else:
                answers.append(answer)
            is_between = answer is None


def _name_of(sql: str, generation: int) -> bytes:
    return f"portal_{blake2b(sql.encode(), digest_size=12).hexdigest()}_{generation}".encode()
