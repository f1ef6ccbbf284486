"""The sockets that this process holds, as the kernel tells of them."""

import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# In struct tcp_info (linux/tcp.h).
_WAITING, _LAST_DATA_SENT, _LAST_DATA_RECEIVED, _DATA_SEGMENTS_SENT = 24, 44, 52, 156


def connections() -> Iterator[tuple[socket.socket, str]]:
    """Give the connections, each with the address at its other end."""
    for held in _sockets():
        try:
            peer = held.getpeername()
        except OSError:
            continue  # not connected
        if isinstance(peer, tuple):
            yield held, str(peer[0])


def listeners() -> Iterator[socket.socket]:
    """Give the sockets that others connect to."""
    for held in _sockets():
        if held.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield held


class Traffic(NamedTuple):
    """What went over a connection: seconds since the last byte came, and since the last went out.

    Where none has gone out yet, the second counts from when the connection was made. The kernel's
    clock for both ticks every few milliseconds.
    """

    silent_for: float
    unanswered_for: float
    has_answered: bool


def traffic(connection: socket.socket) -> Traffic:
    """Give what the kernel knows of a connection's traffic."""
    return Traffic(
        _tcp_info(connection, _LAST_DATA_RECEIVED) / 1000,
        _tcp_info(connection, _LAST_DATA_SENT) / 1000,
        _tcp_info(connection, _DATA_SEGMENTS_SENT) > 0,
    )


def waiting_at(listener: socket.socket) -> int:
    """Give how many are connected to a listener and not yet taken in."""
    return _tcp_info(listener, _WAITING)


def _sockets() -> Iterator[socket.socket]:
    """Give a second handle of each, closed once the next is asked for."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if not stat.S_ISSOCK(entry.stat().st_mode):
                continue
            handle = os.dup(int(entry.name))
        except OSError:
            continue  # closed meanwhile
        try:
            held = socket.socket(fileno=handle)
        except OSError:
            os.close(handle)  # another file by now
            continue
        with held:
            yield held


def _tcp_info(held: socket.socket, offset: int) -> int:
    info = held.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _DATA_SEGMENTS_SENT + 4)
    return int(struct.unpack_from("I", info, offset)[0])
