"""Makes a socket lose what arrives, in the kernel: to the sender it is silence, not refusal.

A classic BPF program on the socket (`SO_ATTACH_FILTER`, linux/filter.h; no privilege needed) discards a
segment or datagram before the socket sees it. On a listening TCP socket that goes for the SYN too, so a
connect gets no answer at all, and is served by its next retransmission once the filter is gone.
"""

import ctypes
import socket
import struct

_ATTACH, _DETACH = 26, 27
"""SO_ATTACH_FILTER and SO_DETACH_FILTER, asm-generic/socket.h; the standard library does not name them."""

_LOAD_RANDOM = (0x20, 0, 0, 0xFFFFF000 + 56)
"""BPF_LD|BPF_W|BPF_ABS at SKF_AD_OFF + SKF_AD_RANDOM."""
_KEEP = (0x06, 0, 0, 0xFFFFFFFF)
_DISCARD = (0x06, 0, 0, 0)
_INSTRUCTION = struct.Struct("=HBBI")
"""struct sock_filter: code, jump if true, jump if false, constant."""
_PROGRAM = struct.Struct("@HP")
"""struct sock_fprog: length, address."""


def lose(sock: socket.socket, share: float) -> None:
    """Lose this share (0 to 1) of what arrives at *sock*, each packet on its own; 0 takes the loss away."""
    if share >= 1:
        _attach(sock, _DISCARD)
    elif share > 0:
        at_least = (0x35, 1, 0, int(share * 2**32))
        _attach(sock, _LOAD_RANDOM, at_least, _DISCARD, _KEEP)
    else:
        _attach(sock, _KEEP)
        sock.setsockopt(socket.SOL_SOCKET, _DETACH, 0)


def _attach(sock: socket.socket, *instructions: tuple[int, int, int, int]) -> None:
    code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*one) for one in instructions))
    program = _PROGRAM.pack(len(instructions), ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, _ATTACH, program)
