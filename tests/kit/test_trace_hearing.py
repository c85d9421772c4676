"""trace: the kernel's notes of ICMP errors, whatever stands in them."""

import socket
import struct

from hypothesis import strategies as st

from monitor.kit.icmp.reasons import THEIRS
from monitor.kit.stamps import SO_TIMESTAMPNS
from monitor.kit.trace.hearing import errors
from tests.fuzzing import fuzz, thoroughly

IP_RECVERR, IPV6_RECVERR = (socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)
STAMP = (socket.SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("@ll", 1_790_000_000, 5))


class Kept:
    """What a socket keeps for whoever reads its error queue."""

    def __init__(self, family, *messages):
        self.family, self._messages = family, list(messages)

    def recvmsg(self, *_):
        if not self._messages:
            raise BlockingIOError
        return (*self._messages.pop(0), 0, None)

    def getsockopt(self, *_):
        return 0


def note(kind, code, offender, *, origin=2):
    """Return a struct sock_extended_err of linux/errqueue.h with the sender's address behind it."""
    return struct.pack("=IBBBBII", 113, origin, kind, code, 0, 0, 0) + struct.pack("=HH4s8x", 2, 0, offender)


def test_an_error_is_told_with_its_sender_and_its_stamp():
    far = socket.inet_aton("10.0.0.9")
    kept = Kept(socket.AF_INET, (b"quoted", [STAMP, (*IP_RECVERR, note(11, 0, far))]))
    (told,) = errors(kept)

    assert (told.quoted, told.address, told.word, told.icmp) == (
        b"quoted",
        "10.0.0.9",
        "ttl_exceeded",
        (11, 0),
    )
    assert told.stamp == 1_790_000_000_000_000_005


levels = st.sampled_from([IP_RECVERR, IPV6_RECVERR, STAMP[:2], (1, 2)])
notes = st.lists(st.tuples(levels, st.binary(max_size=64)).map(lambda pair: (*pair[0], pair[1])), max_size=3)
messages = st.lists(st.tuples(st.binary(max_size=64), notes), max_size=4)


@thoroughly
def test_no_notes_whatever_break_the_reading(cases):
    def promise(family, kept):
        found = list(errors(Kept(family, *kept)))
        assert len(found) <= len(kept)
        assert all(told.word in THEIRS and told.stamp >= 0 for told in found)

    fuzz(cases, promise, st.sampled_from([socket.AF_INET, socket.AF_INET6]), messages)
