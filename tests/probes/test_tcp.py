"""tcp: one connection, the right words if any are wanted, one verdict."""

import asyncio

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome, failed
from monitor.kit.resolver import close_shared
from monitor.probes import tcp
from monitor.probes.tcp import Options, engine, probe
from tests.probes.peers import closed_port, deaf_port, never_answers, peer, resets, says


async def test_an_open_port_is_enough():
    async with peer(never_answers) as one:
        finding = await probe(Options(host="127.0.0.1", port=one.port))

    assert finding.outcome is Outcome.OK
    assert 0 < finding.values["rtt"] < 1


@pytest.mark.parametrize("words", [{}, {"expect": "220 "}], ids=["plain", "with-words"])
async def test_a_closed_port_is_a_refusal_that_proves_the_way(words):
    finding = await probe(Options(host="127.0.0.1", port=closed_port(), **words))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "refused", True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(b"220 hub-7\r\n", "ok", id="a-good-greeting"),
        pytest.param(b"* news\r\n" * 1000 + b"220 hub-7\r\n", "ok", id="a-good-one-after-much-talk"),
        pytest.param(b"554 no\r\n", "unexpected_answer", id="a-bad-one"),
        pytest.param(b"22", "unexpected_answer", id="one-cut-short"),
        pytest.param(b"", "closed", id="none"),
        pytest.param(b"x" * 70_000 + b"220 ", "unexpected_answer", id="one-after-too-much-talk"),
    ],
)
async def test_the_greeting_decides(words, reason):
    async with peer(says(words)) as one:
        finding = await probe(Options(host="127.0.0.1", port=one.port, expect="220 "))

    assert finding.reason == reason
    assert finding.path_up


async def test_question_and_answer_may_be_bytes():
    right = says(lambda asked: b"\x00\xffpong" if asked == b"ping\r\n" else b"what?")
    async with peer(right) as one:
        finding = await probe(
            Options(host="127.0.0.1", port=one.port, send=r"ping\r\n", expect=r"\x00\xffpong")
        )

    assert finding.reason == "ok"
    assert finding.values["answer"] >= 0


async def test_what_the_peer_says_is_quoted_harmlessly():
    async with peer(says(b"\x1b]52;c;x\x07\r\nJan 1 root: FAKE" * 100)) as one:
        finding = await probe(Options(host="127.0.0.1", port=one.port, expect="220"))

    assert len(finding.detail) <= 200
    assert finding.detail.isprintable()


async def test_a_peer_that_talks_and_then_falls_silent_has_answered(monkeypatch):
    monkeypatch.setattr(tcp, "PAUSE", 0.05)

    async def talks_and_waits(one, reader, writer):
        await one.say(writer, b"554 busy\r\n")
        await reader.read()

    async with peer(talks_and_waits) as one:
        finding = await probe(Options(host="127.0.0.1", port=one.port, expect="220"))

    assert (finding.reason, finding.path_up) == ("unexpected_answer", True)


async def test_a_reset_in_the_conversation_is_told_as_such():
    async with peer(resets) as one:
        finding = await probe(Options(host="127.0.0.1", port=one.port, send="x" * 1000, expect="220"))

    assert (finding.reason, finding.path_up) in {("reset", True), ("closed", True)}


async def test_a_name_that_cannot_be_resolved_is_unknown_not_failed():
    finding = await probe(Options(host="a..b", port=80))
    await close_shared()

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "name_resolution")


@pytest.mark.parametrize("words", [{}, {"expect": "220 "}], ids=["plain", "with-words"])
async def test_a_source_that_is_not_ours_is_unknown(words):
    finding = await probe(Options(host="127.0.0.1", port=9, source="192.0.2.77", **words))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "no_local_address")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"greting": "220 "}, "greting"),
        ({"send": "x"}, "send needs expect"),
        ({"expect": r"\q"}, "no escape"),
        ({"expect": ""}, "expect"),
        ({"source": "::1"}, "one family"),
        ({"port": 65536}, "65535"),
        ({"host": "http://x/"}, "host"),
        ({"interface": "a" * 16}, "interface"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", "port": 25, **given})


class Heard:
    def __init__(self):
        self.answers = []
        self.findings = []
        self.changed = asyncio.Event()

    def answered(self, key, sent_at, rtt):
        self.answers.append((key, sent_at, rtt))
        self.changed.set()

    def found(self, key, sent_at, finding):
        self.findings.append((key, sent_at, finding))
        self.changed.set()

    def late(self, key, sent_at, rtt):
        """Count for nothing here."""

    async def reaches(self, count):
        async with asyncio.timeout(5):
            while len(self.answers) + len(self.findings) < count:
                self.changed.clear()
                await self.changed.wait()


async def test_the_batch_form_tells_each_look_once():
    heard = Heard()
    batch = engine(heard)
    shut = batch.prepare(Options(host="127.0.0.1", port=closed_port()))
    async with peer(never_answers) as one:
        opened = batch.prepare(Options(host="127.0.0.1", port=one.port))
        batch.send([(opened, "open", 1.0), (shut, "shut", 1.0)])
        batch.send([(opened, "again", 1.0)])
        await heard.reaches(3)
    batch.close()

    assert sorted(key for key, *_ in heard.answers) == ["again", "open"]
    assert [(key, finding.reason) for key, _, finding in heard.findings] == [("shut", "refused")]


async def test_the_batch_form_keeps_the_deadline_itself():
    heard = Heard()
    batch = engine(heard)
    with deaf_port() as port:
        batch.send([(batch.prepare(Options(host="127.0.0.1", port=port)), "deaf", 0.05)])
        await heard.reaches(1)
        batch.close()

    assert [(key, finding.reason) for key, _, finding in heard.findings] == [("deaf", "timeout")]
    assert heard.findings[0][2].outcome is failed("timeout").outcome


@pytest.mark.parametrize("given", [{"host": "hub-7"}, {"host": "127.0.0.1", "expect": "220"}])
def test_names_and_conversations_need_the_coroutine_form(given):
    assert engine(Heard()).prepare(Options(port=25, **given)) is None


def test_closing_an_engine_that_never_ran_is_nothing():
    engine(Heard()).close()
