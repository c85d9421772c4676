"""The engine: questions under way, one timer, and what became of each."""

import asyncio
import heapq
import secrets
from collections.abc import Callable, Generator
from typing import Any
from weakref import WeakValueDictionary

from monitor.kit import mishap
from monitor.kit.icmp.clock import Clock
from monitor.kit.mishap import Mishap
from monitor.kit.snmp import pdu, session
from monitor.kit.snmp.channel import Address, Channel, Way
from monitor.kit.snmp.pdu import Bind, Pdu, Question
from monitor.kit.snmp.session import Plain, Refused, Secure, Session
from monitor.kit.snmp.usm import User
from monitor.kit.sockets import Target
from monitor.kit.text import clean

MOST_REPEATS = 3
"""Times that one question is asked again because the agent's clock or name had to be learned first."""
REASONS = {
    **dict(session.REFUSALS.values()),
    "refused_report": "the agent refuses in another way, told in the detail",
    "agent_error": "the agent answers with an error instead of values",
    "bad_answer": "answers came, none of them was SNMP, genuine and for us",
}
"""Reasons besides those of the network (`mishap`) and `timeout`."""

Peer = tuple[str, int]
Answer = tuple[Bind, ...]
Talk = Generator[Question, Answer, Any]
"""A conversation with one agent: it yields questions, is sent answers, and returns what came of it."""


Done = Callable[[float, float, object], object]
"""`done(sent_at, rtt, result)`: monotonic seconds of the first question, seconds to the latest answer; what
the conversation returned, or a `Mishap`. Called once, in the event loop; must not raise."""


class Agent:
    """An agent to be asked again and again; what is learned of it outlasts a conversation."""

    __slots__ = ("__weakref__", "address", "channel", "session")

    def __init__(self, address: Address, channel: Channel, how: Session) -> None:
        self.address, self.channel, self.session = address, channel, how


class _Exchange:
    __slots__ = (
        "agent",
        "asked_at",
        "deadline",
        "done",
        "number",
        "question",
        "repeats",
        "rtt",
        "sent_at",
        "spoilt",
        "talk",
    )

    def __init__(self, agent: Agent, talk: Talk, done: Done, now: float, deadline: float) -> None:
        self.agent, self.talk, self.done = agent, talk, done
        self.sent_at = self.asked_at = now
        self.deadline = now + deadline
        self.number = self.repeats = 0
        self.rtt = 0.0
        self.spoilt = ""
        self.question = Question(())


class Engine:
    """Has conversations with any number of agents side by side, over one socket for each way to send."""

    def __init__(self) -> None:
        """Make an engine; sockets are opened when they are first needed."""
        self._loop = asyncio.get_running_loop()
        self._clock = Clock()
        self._channels: WeakValueDictionary[Way, Channel] = WeakValueDictionary()
        self._agents: WeakValueDictionary[tuple[Way, Address, bytes | User], Agent] = WeakValueDictionary()
        self._under_way: dict[int, _Exchange] = {}
        self._by_peer: dict[Peer, set[_Exchange]] = {}
        self._deadlines: list[tuple[float, int, _Exchange]] = []
        self._serial = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def under_way(self) -> int:
        """Conversations that have not come to an end."""
        return len(self._under_way)

    def agent(self, target: Target, who: bytes | User) -> Agent:
        """Return the agent at *target*, to be asked by community or user; the same as long as it is held."""
        way = Way(target.family, target.source, target.interface)
        key = (way, target.address, who)
        agent = self._agents.get(key)
        if agent is None:
            channel = self._channels.get(way)
            if channel is None:
                channel = self._channels[way] = Channel(target, self._loop, self._take, self._refuse)
            how = Secure(who) if isinstance(who, User) else Plain(who)
            agent = self._agents[key] = Agent(target.address, channel, how)
        return agent

    def begin(self, agent: Agent, talk: Talk, deadline: float, done: Done) -> None:
        """Have a conversation; it is given up after *deadline* seconds."""
        exchange = _Exchange(agent, talk, done, self._loop.time(), deadline)
        self._serial += 1
        heapq.heappush(self._deadlines, (exchange.deadline, self._serial, exchange))
        self._by_peer.setdefault(_peer(agent.address), set()).add(exchange)
        self._advance(exchange, None)
        self._wind()

    def close(self) -> None:
        """Give up what is under way, silently, and close all sockets."""
        for exchange in self._under_way.values():
            exchange.talk.close()
        self._under_way.clear()
        self._by_peer.clear()
        for channel in list(self._channels.values()):
            channel.close()
        self._deadlines.clear()
        self._wind()

    def _advance(self, exchange: _Exchange, answer: Answer | None) -> None:
        """Tell the conversation what was answered, and ask what it wants to know next."""
        try:
            exchange.question = next(exchange.talk) if answer is None else exchange.talk.send(answer)
        except StopIteration as ended:
            self._end(exchange, ended.value)
        except Exception as error:  # noqa: BLE001 - one broken conversation must not stop the rest
            self._end(exchange, Mishap("probe_error", clean(repr(error)), ours=True))
        else:
            exchange.repeats = 0
            self._ask(exchange)

    def _ask(self, exchange: _Exchange) -> None:
        agent = exchange.agent
        number = secrets.randbits(31)
        while number in self._under_way:
            number = secrets.randbits(31)
        now = exchange.asked_at = self._loop.time()
        exchange.number = number
        self._under_way[number] = exchange
        try:
            agent.channel.send(agent.session.pack(number, exchange.question, now), agent.address)
        except OSError as error:
            self._end(exchange, mishap.at_once(error.errno))

    def _end(self, exchange: _Exchange, result: object) -> None:
        self._under_way.pop(exchange.number, None)
        peer = _peer(exchange.agent.address)
        others = self._by_peer[peer]
        others.discard(exchange)
        if not others:
            del self._by_peer[peer]
        exchange.talk.close()
        exchange.deadline = 0.0
        exchange.done(exchange.sent_at, exchange.rtt, result)

    def _take(self, data: bytes, peer: Address, stamp: int) -> None:
        """Take in a datagram, whoever sent it; what answers no question of ours changes nothing."""
        try:
            exchange = self._under_way.get(pdu.number_of(data))
        except ValueError as error:
            self._spoil(peer, str(error))
            return
        if exchange is None:
            return
        if _peer(exchange.agent.address) != _peer(peer):
            exchange.spoilt = f"an answer from another address, {peer[0]}"
            return
        try:
            heard = exchange.agent.session.hear(data, self._loop.time())
            if isinstance(heard, Pdu) and heard.request != exchange.number:
                raise ValueError("an answer to another question")  # noqa: TRY301 - told like all that is wrong
        except ValueError as error:
            exchange.spoilt = str(error)
            return
        del self._under_way[exchange.number]
        exchange.rtt = self._clock.since(exchange.asked_at, stamp)
        self._heard(exchange, heard)

    def _heard(self, exchange: _Exchange, heard: Pdu | Refused | session.Again) -> None:
        if isinstance(heard, Refused):
            self._end(exchange, Mishap(heard.reason, heard.text, answered=True))
        elif isinstance(heard, session.Again):
            exchange.repeats += 1
            if exchange.repeats > MOST_REPEATS:
                self._end(
                    exchange, Mishap("bad_answer", "the agent does not stand by its clock", answered=True)
                )
            else:
                self._ask(exchange)
        elif heard.error:
            self._end(exchange, Mishap("agent_error", _error(heard, exchange.question), answered=True))
        else:
            self._advance(exchange, heard.binds)

    def _refuse(self, peer: Address, told: Mishap) -> None:
        """End what is asked of *peer*: the network says that it cannot be."""
        for exchange in [*self._by_peer.get(_peer(peer), ())]:
            self._end(exchange, told)

    def _spoil(self, peer: Address, text: str) -> None:
        for exchange in self._by_peer.get(_peer(peer), ()):
            exchange.spoilt = text

    def _sweep(self) -> None:
        """Read what has come, then give up what is overdue: being late ourselves makes no silence."""
        self._timer = None
        for channel in list(self._channels.values()):
            channel.read()
        now = self._loop.time()
        deadlines = self._deadlines
        while deadlines and deadlines[0][0] <= now:
            _, _, exchange = heapq.heappop(deadlines)
            if exchange.deadline:
                self._end(exchange, _silence(exchange))
        self._wind()

    def _wind(self) -> None:
        """Set the one timer to the next deadline."""
        deadlines = self._deadlines
        while deadlines and not deadlines[0][2].deadline:
            heapq.heappop(deadlines)
        if self._timer is not None and (not deadlines or deadlines[0][0] < self._timer.when()):
            self._timer.cancel()
            self._timer = None
        if self._timer is None and deadlines:
            self._timer = self._loop.call_at(deadlines[0][0], self._sweep)


def _peer(address: Address) -> Peer:
    """Return what an answer must come from."""
    return address[0].partition("%")[0], address[1]


def _silence(exchange: _Exchange) -> Mishap:
    if exchange.spoilt:
        return Mishap("bad_answer", clean(exchange.spoilt), answered=True)
    return Mishap("timeout", "no answer within the deadline")


def _error(answer: Pdu, question: Question) -> str:
    word = pdu.ERRORS.get(answer.error, str(answer.error))
    if 0 < answer.culprit <= len(question.oids):
        return f"{word} for {'.'.join(map(str, question.oids[answer.culprit - 1]))}"
    return word
