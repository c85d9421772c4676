"""How one agent is spoken to: what is sent for a question, and what an answer means. No socket, no clock.

Of version 3, the first question finds out what the agent calls itself (RFC 3414, section 4); the second, if
its clock was not told with that, what time it is. Both are remembered. A message that we did not just ask for
does not get here: its number was random. So an agent whose clock has gone back, because it was replaced or
reset, is believed where RFC 3414, section 3.2 (7b) would take it for a replay, and never be heard again.
"""

import secrets
from typing import NamedTuple, Protocol

from monitor.kit.snmp import pdu, usm, v3
from monitor.kit.snmp.ber import Oid
from monitor.kit.snmp.pdu import Pdu, Question
from monitor.kit.snmp.usm import Keys, User
from monitor.kit.snmp.v3 import Engine

SLACK = 5
"""Seconds by which two clocks may part before the newer reading is taken."""
_USM_STATS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_LONGEST_REPORT = 11
_NO_TIME, _NO_ENGINE = 2, 4
REFUSALS = {
    1: ("security_level", "the agent does not let this user ask with authentication and privacy"),
    3: ("user_unknown", "the agent does not know the user"),
    5: ("wrong_secret", "the agent finds the authentication wrong: password or `auth` do not fit"),
    6: ("wrong_privacy", "the agent cannot decrypt: the privacy password does not fit, or it is not AES-128"),
}
"""Reasons by what the agent counts, RFC 3414, section 5."""


class Refused(NamedTuple):
    """The agent has answered that it will not."""

    reason: str
    text: str


class Again(NamedTuple):
    """We know more now: the question is to be asked once more."""


class Session(Protocol):
    """One agent and one way to prove who asks."""

    def pack(self, number: int, question: Question, now: float, /) -> bytes:
        """Return what to send; *number* will be that of the answer, *now* is monotonic seconds."""

    def hear(self, data: bytes, now: float, /) -> Pdu | Refused | Again:
        """Return what an answer means; raises ValueError for what is none, or is not genuine."""


class Plain:
    """Version 2c: a community, in clear text."""

    def __init__(self, community: bytes) -> None:
        self.community = community

    def pack(self, number: int, question: Question, _now: float) -> bytes:
        """Return what to send."""
        return pdu.pack_v2c(self.community, pdu.pack_question(number, question))

    def hear(self, data: bytes, _now: float) -> Pdu:
        """Return the answer; raises ValueError for what is none."""
        community, answer = pdu.read_v2c(data)
        if community != self.community or answer.kind != pdu.RESPONSE:
            raise ValueError("an answer to somebody else")
        return answer


class Secure:
    """Version 3: a user, authentic and encrypted."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._engine = Engine()
        self._told_at = 0.0
        self._keys: Keys | None = None
        self._salt = secrets.randbits(64)

    @property
    def boots(self) -> int | None:
        """How often the agent has been started, as far as is known."""
        return self._engine.boots or None

    def pack(self, number: int, question: Question, now: float) -> bytes:
        """Return what to send: the question, or another one that must be answered first."""
        if self._keys is None:
            return v3.pack(number, Engine(), b"", None, 0, pdu.pack_question(number, Question(())))
        engine = self._engine
        if engine.boots:
            engine = engine._replace(time=engine.time + int(now - self._told_at))
        self._salt = (self._salt + 1) & 0xFFFFFFFFFFFFFFFF
        inner = pdu.pack_question(number, question)
        return v3.pack(number, engine, self.user.name, self._keys, self._salt, inner)

    def hear(self, data: bytes, now: float) -> Pdu | Refused | Again:
        """Return what an answer means; raises ValueError for what is none, or is not genuine."""
        envelope = v3.read(data)
        engine = envelope.engine
        if not envelope.flags & v3.AUTH:
            return self._report(v3.read_scoped(_in_clear(envelope)), engine, now)
        if self._keys is None or engine.id != self._engine.id or envelope.user != self.user.name:
            raise ValueError("an answer to somebody else")
        answer = v3.opened(envelope, data, self._keys)
        if answer.kind == pdu.REPORT:
            return self._report(answer, engine, now)
        if answer.kind != pdu.RESPONSE or not envelope.hidden:
            raise ValueError("an answer that is not encrypted")
        self._set_clock(engine, now)
        return answer

    def _report(self, report: Pdu, engine: Engine, now: float) -> Refused | Again:
        """Do what a report asks for; one that nobody has signed may only send us back to the beginning."""
        if report.kind != pdu.REPORT:
            raise ValueError("an answer without authentication")
        oid = report.binds[0].oid if report.binds else ()
        word = oid[9] if oid[:9] == _USM_STATS and len(oid) == _LONGEST_REPORT else 0
        if word == _NO_ENGINE:
            if not engine.id:
                raise ValueError("an agent that does not say who it is")
            self._engine, self._told_at = engine, now
            self._keys = usm.keys_of(self.user, engine.id)
            return Again()
        if word == _NO_TIME:
            self._engine, self._told_at = engine, now
            return Again()
        if word in REFUSALS:
            return Refused(*REFUSALS[word])
        return Refused("refused_report", f"the agent reports {'.'.join(map(str, oid[:20]))}")

    def _set_clock(self, engine: Engine, now: float) -> None:
        known = self._engine
        expected = known.time + int(now - self._told_at)
        if engine.boots != known.boots or abs(engine.time - expected) > SLACK:
            self._engine, self._told_at = engine, now


def _in_clear(envelope: v3.Envelope) -> bytes:
    if envelope.hidden:
        raise ValueError("privacy without authentication")
    return envelope.inner
