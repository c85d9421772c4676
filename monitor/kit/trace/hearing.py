"""Reads the ICMP errors that the kernel keeps for a socket (IP_RECVERR, ip(7))."""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from monitor.kit.icmp.reasons import told
from monitor.kit.stamps import stamp_of

AT_ONCE = 64
"""Messages read at one go, lest a flood keep us for ever."""
_READ = 256
_NOTES = 512
_EXTENDED = struct.Struct("=IBBB")
"""The head of struct sock_extended_err (linux/errqueue.h): errno, origin, type, code; 16 bytes in all."""
_OFFENDER: dict[int, slice] = {socket.AF_INET: slice(20, 24), socket.AF_INET6: slice(24, 40)}
"""Where the sender's address lies: in the `sockaddr` behind it."""
_ICMP, _ICMP6 = 2, 3


class Told(NamedTuple):
    """An ICMP error about a packet of ours."""

    quoted: bytes
    """As much of the packet as came back, without its IP header; of UDP without that header, too."""
    address: str
    word: str
    icmp: tuple[int, int]
    stamp: int
    """Wall time in nanoseconds at which the kernel took it in; 0 if it does not say."""


def errors(sock: socket.socket) -> Iterator[Told]:
    """Take the errors that wait at a socket, and what they have left behind in its state."""
    for _ in range(AT_ONCE):
        try:
            data, notes, _, _ = sock.recvmsg(_READ, _NOTES, socket.MSG_ERRQUEUE)
        except OSError:
            break
        note = next((note for level, _, note in notes if level != socket.SOL_SOCKET), b"")
        if len(note) >= _OFFENDER[sock.family].stop:
            yield from _read(sock.family, note, data, stamp_of(notes))
    sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _read(family: int, note: bytes, data: bytes, taken_in: int) -> Iterator[Told]:
    _, origin, kind, code = _EXTENDED.unpack_from(note)
    word = told(kind, code, v6=origin == _ICMP6) if origin in {_ICMP, _ICMP6} else None
    if word is not None:
        address = socket.inet_ntop(family, note[_OFFENDER[family]])
        yield Told(data, address, word, (kind, code), taken_in)
