"""The threads of a worker take turns: one runs, one listens, and nothing that waits holds it up."""

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from portal.cli.answering import InTurns
from portal.cli.turns import _MOST_BRIEF, Turns

THREADS = 8


class BrokenError(Exception):
    """A request that ends badly."""


class Server:
    """Hands work to threads as granian does: whoever listens takes the next."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.turns.watch()
        self.took: list[int] = []
        self._work: queue.SimpleQueue[tuple[Callable[[], object], Future[object]] | None] = (
            queue.SimpleQueue()
        )
        for _ in range(THREADS):
            threading.Thread(target=self._serve, daemon=True).start()

    def send(self, work: Callable[[], object]) -> Future[object]:
        done: Future[object] = Future()
        self._work.put((work, done))
        return done

    def _serve(self) -> None:
        while (given := self._work.get()) is not None:
            work, done = given

            def run(work: Callable[[], object] = work, done: Future[object] = done) -> None:
                self.took.append(threading.get_ident())
                try:
                    done.set_result(work())
                except BrokenError as error:
                    done.set_exception(error)
                    raise

            try:
                self.turns.take(run)
            except BrokenError:
                continue

    def stop(self) -> None:
        for _ in range(THREADS):
            self._work.put(None)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def after_a_rush(server: Server) -> None:
    """Let every thread have been at work once."""
    for done in [server.send(lambda: time.sleep(0.001)) for _ in range(THREADS * 3)]:
        done.result(5)


def test_one_request_runs_at_a_time(server: Server):
    at_work: list[int] = []
    most: list[int] = []

    def work() -> None:
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.002)  # lets any other thread in
        at_work.pop()

    for done in [server.send(work) for _ in range(60)]:
        done.result(5)
    assert max(most) == 1


def test_one_thread_answers_all_that_does_not_wait(server: Server):
    after_a_rush(server)
    server.took.clear()
    for _ in range(50):
        server.send(lambda: None).result(5)
    assert len(set(server.took)) == 1


def test_who_steps_aside_to_wait_lets_others_be_answered(server: Server):
    after_a_rush(server)
    over, began = threading.Event(), threading.Event()

    def wait_for_provider() -> str:
        with server.turns.aside():
            began.set()
            over.wait(10)
        return "signed in"

    waiting = server.send(wait_for_provider)
    assert began.wait(5)
    before = time.monotonic()
    assert server.send(lambda: "page").result(5) == "page"
    assert time.monotonic() - before < 1
    over.set()
    assert waiting.result(5) == "signed in"


def test_crowd_that_comes_back_at_once_is_not_in_the_way_of_who_comes_in(server: Server):
    after_a_rush(server)
    over = threading.Event()
    ended: list[str] = []

    def come_back() -> None:
        with server.turns.aside():
            over.wait(10)
        time.sleep(0.01)
        ended.append("back")

    crowd = [server.send(come_back) for _ in range(THREADS - 3)]
    server.send(lambda: None).result(5)
    over.set()
    server.send(lambda: ended.append("fresh")).result(5)
    for done in crowd:
        done.result(5)
    assert ended.index("fresh") < len(crowd) - 1


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no turn be taken away during the test."""
    monkeypatch.setattr("portal.cli.turns._TICK", 60)
    monkeypatch.setattr("portal.cli.turns._IDLE_TICK", 60)


def until(holds: Callable[[], object]) -> None:
    for _ in range(500):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


@pytest.mark.usefixtures("unwatched")
def test_who_comes_back_from_a_brief_wait_goes_before_who_comes_in(server: Server):
    turns = server.turns
    answers = {"first": threading.Event(), "second": threading.Event()}
    running, end = threading.Event(), threading.Event()
    ended: list[str] = []

    def look(name: str) -> None:
        with turns.briefly():
            answers[name].wait(10)
        if name == "first":
            running.set()
            end.wait(10)
        ended.append(name)

    sent = [server.send(lambda: look("first")), server.send(lambda: look("second"))]
    until(lambda: len(turns._brief) == 2)
    answers["first"].set()
    assert running.wait(5)
    sent.append(server.send(lambda: ended.append("fresh")))
    until(lambda: turns._fresh)
    answers["second"].set()
    until(lambda: turns._soon)
    end.set()
    for done in sent:
        done.result(5)
    assert ended == ["first", "second", "fresh"]


def wait_briefly(server: Server, over: threading.Event) -> None:
    with server.turns.briefly():
        over.wait(10)


@pytest.mark.usefixtures("unwatched")
def test_while_several_wait_briefly_nobody_is_taken_in(server: Server):
    after_a_rush(server)
    over = [threading.Event() for _ in range(_MOST_BRIEF)]
    waiting = []
    for event in over:
        waiting.append(server.send(lambda event=event: wait_briefly(server, event)))
        until(lambda: len(server.turns._brief) == len(waiting))
    page = server.send(lambda: "page")
    with pytest.raises(TimeoutError):
        page.result(0.1)
    over[0].set()
    assert page.result(5) == "page"
    for event in over:
        event.set()
    for done in waiting:
        done.result(5)


def test_brief_waits_that_last_keep_nobody_out(server: Server):
    over = threading.Event()
    waiting = [server.send(lambda: wait_briefly(server, over)) for _ in range(THREADS - 1)]
    until(lambda: len(server.turns._brief) == len(waiting))
    before = time.monotonic()
    assert server.send(lambda: "page").result(5) == "page"
    assert time.monotonic() - before < 1
    over.set()
    for done in waiting:
        done.result(5)


def test_all_threads_but_one_may_wait_at_once(server: Server):
    after_a_rush(server)
    over = threading.Event()

    def wait() -> None:
        with server.turns.aside():
            over.wait(10)

    waiting = [server.send(wait) for _ in range(THREADS - 1)]
    assert server.send(lambda: "page").result(5) == "page"
    over.set()
    for done in waiting:
        done.result(5)


def test_request_that_hangs_unforeseen_loses_its_turn(server: Server):
    after_a_rush(server)
    over = threading.Event()
    hanging = server.send(lambda: over.wait(10))
    before = time.monotonic()
    assert server.send(lambda: "page").result(5) == "page"
    assert time.monotonic() - before < 1
    over.set()
    assert hanging.result(5) is True
    assert server.send(lambda: "page").result(5) == "page"


def test_request_can_tell_that_it_lasted_too_long(server: Server):
    def lasting() -> bool:
        time.sleep(0.3)
        return server.turns.was_taken_away()

    def aside() -> bool:
        with server.turns.aside():
            time.sleep(0.3)
        return server.turns.was_taken_away()

    assert server.send(lasting).result(5) is True
    assert server.send(server.turns.was_taken_away).result(5) is False
    assert server.send(aside).result(5) is False


def test_wait_within_a_wait_gives_the_turn_back_once(server: Server):
    def work() -> str:
        with server.turns.aside(), server.turns.aside():
            pass
        return "done"

    for _ in range(20):
        assert server.send(work).result(5) == "done"


def test_request_that_breaks_passes_its_turn_on(server: Server):
    def breaks() -> None:
        raise BrokenError

    for _ in range(THREADS * 2):
        with pytest.raises(BrokenError):
            server.send(breaks).result(5)
    assert server.send(lambda: "page").result(5) == "page"


def test_aside_outside_any_request_is_nothing(server: Server):
    with server.turns.aside():
        assert server.send(lambda: "page").result(5) == "page"


def test_no_mixture_of_waits_hangs_and_breaks_leaves_a_request_unanswered(server: Server):
    chance = random.Random(7)

    def quick() -> None:
        return

    def aside() -> None:
        with server.turns.aside():
            time.sleep(chance.random() / 100)

    def brief() -> None:
        with server.turns.briefly():
            time.sleep(chance.random() / 500)

    def hang() -> None:
        time.sleep(0.05)

    def breaks() -> None:
        raise BrokenError

    def late_wait() -> None:
        time.sleep(0.05)  # the turn is gone by now
        with server.turns.aside():
            time.sleep(0.001)

    kinds = [quick, aside, brief, hang, breaks, late_wait]
    works = chance.choices(kinds, [40, 20, 25, 2, 8, 3], k=600)
    sent = [(work, server.send(work)) for work in works]
    for work, done in sent:
        error = done.exception(20)
        assert isinstance(error, BrokenError) is (work is breaks)
    after_a_rush(server)
    server.took.clear()
    for _ in range(20):
        server.send(quick).result(5)
    assert len(set(server.took)) == 1


class Protocol:
    """What granian gives to be answered."""

    def __init__(self) -> None:
        self.whole: tuple[int, list[tuple[str, str]], bytes] | None = None
        self.pieces: list[bytes] = []

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.whole = (status, headers, body)

    def response_iter(self, status: int, headers: list[tuple[str, str]], body: object) -> None:
        self.whole = (status, headers, b"")
        while True:
            try:
                self.pieces.append(body.__next__())  # type: ignore[attr-defined]
            except StopIteration:
                body.close()  # type: ignore[attr-defined]
                return


class Body:
    """An answer in two pieces that sees whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"one ", b"two"])

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        ([("Content-Length", "7")], []),
        ([("content-length", "70000000")], [b"one ", b"two"]),
        ([], [b"one ", b"two"]),
    ],
    ids=["short", "long", "of unknown length"],
)
def test_short_answers_go_out_whole_and_others_in_pieces(
    headers: list[tuple[str, str]], pieces: list[bytes]
):
    body, protocol, seen = Body(), Protocol(), []

    def application(environ: dict[str, object], start_response: Callable[..., object]) -> Body:
        seen.append(environ)
        start_response("203 Fine", headers)
        return body

    InTurns(application, Turns()).answer(protocol, {"PATH_INFO": "/x"})
    assert protocol.whole == (203, headers, b"" if pieces else b"one two")
    assert protocol.pieces == pieces
    assert body.closed == 1
    assert seen[0]["PATH_INFO"] == "/x"
    assert seen[0]["wsgi.version"] == (1, 0)
    assert "PATH" not in seen[0]  # the process environment is nobody's business
