"""What a process is told of the sockets that it holds."""

import socket
from pathlib import Path

from portal.cli.open_sockets import connections, listeners, traffic, waiting_at


def handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_looking_at_them_leaves_no_handle_behind(tmp_path):
    with (tmp_path / "no socket").open("w"), socket.create_server(("127.0.0.1", 0)) as listener:
        before = handles()
        for _ in range(3):
            assert listener.getsockname() in [found.getsockname() for found in listeners()]
            list(connections())
        assert handles() == before


def test_who_is_connected_and_not_yet_taken_in_is_counted():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert waiting_at(listener) == 0
        with socket.create_connection(listener.getsockname(), timeout=5) as caller:
            assert waiting_at(listener) == 1
            names = [found.getsockname() for found, peer in connections() if peer == "127.0.0.1"]
            assert caller.getsockname() in names


def test_connection_tells_whether_anything_went_out_on_it():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=5) as caller,
        listener.accept()[0] as taken,
    ):
        caller.sendall(b"POST")
        assert taken.recv(4) == b"POST"
        assert not traffic(taken).has_answered
        taken.sendall(b"HTTP")
        assert traffic(taken).has_answered
        assert traffic(taken).silent_for < 5
