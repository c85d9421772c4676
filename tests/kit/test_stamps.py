"""stamps: the kernel says when a packet came, whenever we come to read it."""

import socket
import time

import pytest

from monitor.kit.stamps import SECOND, SO_TIMESTAMPNS, SPACE, stamp_of, stamp_what_comes


def test_a_datagram_is_stamped_when_it_comes_and_not_when_it_is_read():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        stamp_what_comes(sock)
        sock.bind(("127.0.0.1", 0))
        before = time.time_ns()
        sock.sendto(b"look", sock.getsockname())
        after = time.time_ns()
        _, notes, _, _ = sock.recvmsg(16, SPACE)

    assert before - SECOND // 100 <= stamp_of(notes) <= after  # the kernel's clock may be a tick behind


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
