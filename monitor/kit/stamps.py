"""When the kernel took in what a socket receives: wall time in Unix nanoseconds (socket(7))."""

import socket
import struct
from collections.abc import Iterable

SO_TIMESTAMPNS = 35
"""From asm-generic/socket.h; the standard library does not name it."""
SECOND = 1_000_000_000
_STAMP = struct.Struct("@ll")
"""A struct timespec: seconds and nanoseconds."""
SPACE = socket.CMSG_SPACE(_STAMP.size)
"""Bytes of ancillary data that a stamp alone takes."""
halves_of = _STAMP.unpack
"""Seconds and nanoseconds of a note that is known to be a stamp."""


def stamp_what_comes(sock: socket.socket) -> None:
    """Have the kernel note when it took in whatever this socket receives."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def stamp_of(notes: Iterable[tuple[int, int, bytes]]) -> int:
    """Return the stamp among ancillary data, as recvmsg gives it; 0 without one."""
    for level, kind, note in notes:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(note) == _STAMP.size:
            seconds, nanoseconds = halves_of(note)
            return int(seconds) * SECOND + int(nanoseconds)
    return 0
