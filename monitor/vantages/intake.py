"""What happened at other vantages: their logs, chunk by chunk, each acknowledged once it is recorded.

A chunk says after which position of the sender's log it begins. What follows on what we have is recorded,
what we have already is only acknowledged again, and where something is missing we say from where to send.
Whatever of a chunk cannot be taken is kept aside, and the rest recorded: a log that stuck at one bad entry
would never be told to its end.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import structlog
from pydantic import Field, ValidationError

from monitor.core.world import Event
from monitor.kit.crash import point
from monitor.kit.mqtt import Delivery, Lost, Message, MqttError
from monitor.ports import Archive, Gathered
from monitor.vantages.peers import Peer, Peers, root_of
from monitor.vantages.quarantine import Quarantine
from monitor.vantages.topics import ack_topic
from monitor.vantages.wire import ENTRIES, Ack, Chunk, Entry, parse

GAP_AGAIN = 1.0
"""Seconds for which the same gap is not told again: every chunk behind it shows it."""
JSON = "application/json"

log = structlog.get_logger()


class Fit(StrEnum):
    """How a chunk goes with what is recorded."""

    NEXT = "next"
    KNOWN = "known"
    GAP = "gap"
    FOREIGN = "foreign"
    """It is of another log, and of a daemon that was followed by another."""


def fit(known: Gathered, chunk: Chunk, *, past: bool) -> Fit:
    """Say how a chunk goes with what is recorded of its vantage; *past*: its boot was followed by another.

    A log that we do not know is taken from its beginning: what its sender believes to be recorded may have
    been so elsewhere, or before we lost it.
    """
    if chunk.log != known.log:
        if past and known.log:
            return Fit.FOREIGN
        return Fit.GAP if chunk.after else Fit.NEXT
    if chunk.upto <= known.position:
        return Fit.KNOWN
    return Fit.NEXT if chunk.after <= known.position else Fit.GAP


class Intake:
    """Takes in logs, and tells their senders how far they are taken in."""

    def __init__(
        self,
        root: str,
        collector: str,
        peers: Peers,
        archive: Archive,
        quarantine: Quarantine,
        *,
        wall: Callable[[], float],
        send: Callable[[Message, Callable[[MqttError | None], None]], bool],
        answered: Callable[[str, MqttError | None], None],
        traced: Callable[[Event], None],
    ) -> None:
        """Prepare to take in; *send* publishes if there is room, *answered* hears how each went.

        *traced* hears of every trace, once it is recorded.
        """
        self._root = root
        self._collector = collector
        self._peers = peers
        self._archive = archive
        self._quarantine = quarantine
        self._wall = wall
        self._send = send
        self._answered = answered
        self._traced = traced
        self._acks: dict[str, Message] = {}
        self._gaps: dict[str, tuple[str, int, float]] = {}
        self._claims: dict[str, tuple[str, int] | None] = {}
        self._claimed = asyncio.Event()

    async def hear(self, peer: Peer, delivery: Delivery, now: float) -> bool:
        """Take in a chunk; return when it is recorded, and say whether it was of use.

        Raises ValueError for poison.
        """
        chunk, objections = _read(delivery.payload)
        if chunk.vantage != peer.vantage:
            raise ValueError("another vantage than its topic says")
        known = await self._archive.gathered(peer.vantage)
        match fit(known, chunk, past=chunk.boot in peer.track.past):
            case Fit.NEXT:
                await self._record(peer, delivery, chunk, objections, now)
                return True
            case Fit.KNOWN:
                self._peers.change(peer, repeated=len(chunk.entries))
                self._acknowledge(peer, chunk.log, known.position)
            case Fit.GAP:
                self._tell_gap(peer, chunk.log, known.position if chunk.log == known.log else 0, now)
            case Fit.FOREIGN:
                self._peers.change(peer, repeated=len(chunk.entries))
        return False

    async def _record(
        self, peer: Peer, delivery: Delivery, chunk: Chunk, objections: list[str], now: float
    ) -> None:
        received = self._wall()
        events: list[Event] = []
        for entry in chunk.entries:
            objection = self._objection(peer, entry, events)
            if objection:
                objections.append(objection)
            else:
                events.append(_event(peer.vantage, entry, received))
        if objections:
            await self._quarantine.keep(peer, delivery.topic, objections, delivery.payload, now)
        new = await self._archive.gather(peer.vantage, chunk.log, chunk.upto, events)
        self._peers.change(peer, gathered=new, repeated=len(events) - new)
        self._acknowledge(peer, chunk.log, chunk.upto)
        for event in events:
            if event.kind == "trace":
                self._traced(event)

    def _objection(self, peer: Peer, entry: Entry, before: Sequence[Event]) -> str:
        """Say why an entry cannot be recorded; empty if it can.

        A time of the future is no reason: the clock was wrong when it happened, and may be right by now.
        """
        if before and before[-1].boot == entry.boot and before[-1].seq >= entry.seq:
            return "an event out of order"
        if not self._may_speak_of(peer, entry):
            return "an event about what this vantage does not see"
        return ""

    def _may_speak_of(self, peer: Peer, entry: Entry) -> bool:
        if entry.kind in ("incident", "planned"):
            return True  # the cause, or what is worked on, may lie anywhere: in a carrier's net, in an uplink
        if entry.kind == "daemon":
            return entry.subject == peer.vantage or self._peers.has(entry.subject)
        return root_of(entry.subject) in peer.roots

    # Acknowledging

    def remind(self, vantage: str, claim: tuple[str, int] | None = None) -> None:
        """Have a vantage told how far we are, if what it believes of that (log, position) is not so."""
        if claim is None or vantage not in self._claims:
            self._claims[vantage] = claim
        self._claimed.set()

    async def run(self) -> None:
        """Tell vantages how far we are when reminded, for ever."""
        while True:
            await self._claimed.wait()
            self._claimed.clear()
            claims, self._claims = self._claims, {}
            for vantage, claim in claims.items():
                try:
                    await self._answer(vantage, claim)
                except Exception:
                    log.exception("collect.unanswered", vantage=vantage)

    async def _answer(self, vantage: str, claim: tuple[str, int] | None) -> None:
        peer, known = self._peers.get(vantage), await self._archive.gathered(vantage)
        its, believed = claim or (known.log, None)
        position = known.position if its == known.log else 0  # of another log we have nothing
        if peer is not None and its and believed != position:
            self._acknowledge(peer, its, position, gap=believed is not None and believed > position)

    def _tell_gap(self, peer: Peer, log: str, position: int, now: float) -> None:
        told = self._gaps.get(peer.vantage)
        if told is None or told[:2] != (log, position) or now - told[2] > GAP_AGAIN:
            self._gaps[peer.vantage] = (log, position, now)
            self._acknowledge(peer, log, position, gap=True)

    def _acknowledge(self, peer: Peer, log: str, position: int, *, gap: bool = False) -> None:
        ack = Ack(collector=self._collector, at=self._wall(), log=log, position=position, gap=gap)
        topic = ack_topic(self._root, peer.vantage)
        self._acks.pop(topic, None)
        self._acks[topic] = Message(topic, ack.payload(), retain=True, content_type=JSON)
        point("before_publish")
        self._flush()

    def _flush(self) -> None:
        """Send what there is room for; only the latest of each vantage matters."""
        for topic, message in list(self._acks.items()):
            if not self._send(message, partial(self._sent, topic)):
                return
            self._acks.pop(topic, None)

    def _sent(self, topic: str, trouble: MqttError | None) -> None:
        self._answered(topic, trouble)
        if not isinstance(trouble, Lost):
            self._flush()


class _Envelope(Chunk):
    """A chunk whose entries are not looked at yet."""

    entries: Annotated[tuple[Any, ...], Field(max_length=ENTRIES)]


def _read(payload: bytes) -> tuple[Chunk, list[str]]:
    """Read a chunk and say what of it cannot be read; raises ValueError if that is all of it."""
    try:
        return parse(Chunk, payload), []
    except ValueError as error:
        whole = error
    try:
        envelope = parse(_Envelope, payload)
    except ValueError:
        raise whole from None
    entries, objections = [], []
    for raw in envelope.entries:
        try:
            entries.append(Entry.model_validate(raw))
        except ValidationError:
            objections.append(str(whole))
    return envelope.model_copy(update={"entries": tuple(entries)}), objections


def _event(vantage: str, entry: Entry, received: float) -> Event:
    return Event(
        vantage, entry.boot, entry.seq, entry.at, entry.kind, entry.subject, entry.data, received_at=received
    )
