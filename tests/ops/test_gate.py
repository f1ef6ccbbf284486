"""The gate counts one network over all processes with Redis, and for itself without."""

import time
from datetime import UTC, datetime

from portal.throttle import GATES, Gate
from tests.databases import free_port, redis_server

NOON = datetime(2026, 11, 23, 12, 0, 10, tzinfo=UTC)
MOST = GATES["discover"]


def passes(gates: list[Gate], tries: int) -> int:
    return sum(gates[n % len(gates)].enter("discover", "192.0.2.1") is None for n in range(tries))


def test_processes_with_redis_share_one_count_nearly_exactly(redis_url: str):
    notes: list[str] = []
    gates = [Gate(lambda: NOON, redis_url=redis_url, note=notes.append) for _ in range(4)]
    let_in = passes(gates, 3 * MOST)
    shares = len(gates) * MOST // 60
    assert MOST <= let_in <= MOST + shares
    assert notes == []
    for gate in gates:
        gate.close()


def test_gate_counts_for_itself_while_redis_is_gone_and_heals_when_it_is_back():
    notes: list[str] = []
    clock = [NOON.timestamp()]
    with redis_server() as url:
        gate = Gate(lambda: datetime.fromtimestamp(clock[0], UTC), redis_url=url, note=notes.append)
        passes([gate], 100)
    began = time.perf_counter()
    assert passes([gate], MOST) == MOST - 100
    assert time.perf_counter() - began < 1
    assert notes == ["cache.gone"]
    assert gate.enter("discover", "192.0.2.1") == 50
    gate.close()


def test_gate_finds_a_redis_that_came_back(redis_url: str):
    notes: list[str] = []
    clock = [NOON.timestamp()]
    gone = f"redis://127.0.0.1:{free_port()}/0"
    gate = Gate(lambda: datetime.fromtimestamp(clock[0], UTC), redis_url=gone, note=notes.append)
    passes([gate], 60)
    there = Gate(lambda: NOON, redis_url=redis_url)
    gate._redis, there._redis = there._redis, None
    passes([gate], 60)
    assert notes == ["cache.gone"]
    clock[0] += 6
    passes([gate], 60)
    assert notes == ["cache.gone", "cache.back"]
    gate.close()


def test_gate_costs_a_request_less_than_twenty_microseconds():
    gate = Gate(lambda: datetime.now(UTC))
    best = min(_seconds_each(gate) for _ in range(5))
    assert best < 20e-6, f"{best * 1e6:.1f} µs"


def _seconds_each(gate: Gate, tries: int = 2000) -> float:
    began = time.perf_counter()
    for n in range(tries):
        gate.enter("discover", f"10.0.0.{n % 200}")
    return (time.perf_counter() - began) / tries


def test_flood_of_networks_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr("portal.throttle._MOST_NETWORKS", 50)
    gate = Gate(lambda: NOON)
    for n in range(500):
        assert gate.enter("discover", f"10.0.{n // 250}.{n % 250}") is None
    assert len(gate._counts) == 50


def test_looking_at_the_gate_counts_nothing_and_tells_what_entering_would():
    clock = [NOON.timestamp()]
    gate = Gate(lambda: datetime.fromtimestamp(clock[0], UTC))
    for _ in range(MOST):
        assert gate.look("discover", "192.0.2.1") is None
        gate.enter("discover", "192.0.2.1")
    assert gate.look("discover", "192.0.2.1") == 50
    assert gate.enter("discover", "192.0.2.1") == 50
    assert gate.look("discover", "192.0.2.2") is None
    clock[0] += 60
    assert gate.look("discover", "192.0.2.1") is None
