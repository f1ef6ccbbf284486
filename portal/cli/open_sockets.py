"""The sockets that this process holds, as the kernel tells of them."""

import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

_WAITING, _LAST_DATA_SENT, _LAST_DATA_RECEIVED = 24, 44, 52  # in struct tcp_info (linux/tcp.h)


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


def silent_for(connection: socket.socket) -> float:
    """Give the seconds since the last byte came."""
    return _tcp_info(connection, _LAST_DATA_RECEIVED) / 1000


def unanswered_for(connection: socket.socket) -> float:
    """Give the seconds since the last byte went out, or since the connection was made."""
    return _tcp_info(connection, _LAST_DATA_SENT) / 1000


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
    info = held.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int(struct.unpack_from("I", info, offset)[0])
