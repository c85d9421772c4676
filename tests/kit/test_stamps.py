"""stamps: the kernel says when a packet came, whenever we come to read it."""

import socket
import time

import pytest

from monitor.kit.stamps import SECOND, SO_TIMESTAMPNS, SPACE, stamp_of, stamp_what_comes


def exchanged(sock):
    """Send a datagram to itself; return when that began, its stamp, and when it was over."""
    before = time.time_ns()
    sock.sendto(b"look", sock.getsockname())
    after = time.time_ns()
    _, notes, _, _ = sock.recvmsg(16, SPACE)
    return before, stamp_of(notes), after


def test_a_datagram_is_stamped_when_it_comes_and_not_when_it_is_read():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        stamp_what_comes(sock)
        sock.bind(("127.0.0.1", 0))
        give_up_at = time.monotonic() + 5.0
        before, stamp, after = exchanged(sock)
        while stamp > after and time.monotonic() < give_up_at:  # the kernel begins a moment after it is asked
            before, stamp, after = exchanged(sock)

    assert before - SECOND // 100 <= stamp <= after  # the kernel's clock may be a tick behind


@pytest.mark.parametrize(
    "notes",
    [
        pytest.param([], id="none"),
        pytest.param([(socket.SOL_SOCKET, SO_TIMESTAMPNS, b"\x01" * 15)], id="cut-short"),
        pytest.param([(socket.IPPROTO_IP, SO_TIMESTAMPNS, bytes(16))], id="of-another-level"),
    ],
)
def test_what_is_no_stamp_is_0(notes):
    assert stamp_of(notes) == 0
