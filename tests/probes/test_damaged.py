"""damaged: a good answer with any damage gives a finding of the contract, whatever the protocol."""

import asyncio
import functools
import re

import pytest
from hypothesis import strategies as st

from monitor.engine.runner import REASONS as OF_THE_RUNNER
from monitor.engine.runner import observe
from monitor.kit.h323 import q931
from monitor.kit.h323.q931 import RELEASE_COMPLETE, Message
from monitor.probes import load_kinds
from tests.fuzzing import fuzz, thoroughly
from tests.kit import h323_standard as standard
from tests.probes.peers import peer

DESCRIPTION = b"v=0\r\no=- 1 1 IN IP4 10.1.2.3\r\ns=cam\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"


def sip(asked):
    kept = re.findall(rb"(?:Via|From|To|Call-ID|CSeq): [^\r]*\r\n", asked)
    return b"SIP/2.0 200 OK\r\n" + b"".join(kept) + b"Allow: INVITE\r\nContent-Length: 0\r\n\r\n"


def rtsp(asked):
    number = re.search(rb"CSeq: \d+\r\n", asked)
    head = b"RTSP/1.0 200 OK\r\n" + (number[0] if number else b"")
    return head + b"Content-Length: %d\r\n\r\n" % len(DESCRIPTION) + DESCRIPTION


def modbus(asked):
    return asked[:2] + b"\0\0\0\5\1\3\2\0\7"


def h323(asked):
    reference = q931.parse(asked[4:]).reference
    user = standard.released("destinationRejection")
    return q931.packed(Message(RELEASE_COMPLETE, reference, answers=True, cause=21, user=user))


WAYS = {
    "sip": (sip, lambda port: {"host": "127.0.0.1", "port": port, "transport": "tcp"}),
    "rtsp": (rtsp, lambda port: {"url": f"rtsp://127.0.0.1:{port}/"}),
    "modbus": (modbus, lambda port: {"host": "127.0.0.1", "port": port, "at": 0}),
    "h323": (h323, lambda port: {"host": "127.0.0.1", "port": port, "depth": "setup"}),
}


class Spoiler:
    """Gives the good answer to each question, damaged as it is told, and hangs up."""

    def __init__(self, answer):
        self.answer = answer
        self.spoil = bytes

    async def __call__(self, one, reader, writer):
        await one.say(writer, self.spoil(self.answer(await reader.read(4096))))


def damaged(at, junk, instead, cut, whole):
    """Return *whole* with *junk* put in at a place, in the stead of some bytes, and its end cut off."""
    at %= len(whole) + 1
    return (whole[:at] + junk + whole[at + instead :])[: max(0, len(whole) - cut)]


damage = st.tuples(
    st.integers(0, 400),
    st.binary(max_size=8) | st.just(b"\r\n\r\n"),
    st.integers(0, 8),
    st.just(0) | st.integers(0, 60),
)


@pytest.mark.parametrize("name", WAYS)
@thoroughly
def test_a_damaged_answer_breaks_no_probe(name, cases):
    kind = load_kinds()[name]
    answer, pointed = WAYS[name]
    spoiler = Spoiler(answer)

    with asyncio.Runner() as runner:
        served = peer(spoiler)
        one = runner.run(served.__aenter__())
        look = functools.partial(kind.probe, kind.options(**pointed(one.port)))

        def promise(how):
            spoiler.spoil = functools.partial(damaged, *how)
            finding, _ = runner.run(observe(look, 1.0))
            one.tasks.clear()
            one.writers.clear()

            assert finding.reason in {"ok", *kind.reasons, *OF_THE_RUNNER} - {"probe_error"}, finding.detail
            assert finding.detail.isprintable()
            assert finding.path_up or finding.reason == "timeout"
            return finding.reason

        assert promise((0, b"", 0, 0)) == "ok"
        fuzz(cases, lambda how: promise(how) and None, damage)
        runner.run(served.__aexit__(None, None, None))
