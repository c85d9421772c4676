"""Messages of one vantage to one broker, each put into words and numbered."""

from collections.abc import Callable
from typing import NamedTuple

from monitor import __version__
from monitor.core.world import World
from monitor.kit.mqtt import Message
from monitor.kit.mqtt.client import HEADERS
from monitor.kit.text import clean
from monitor.vantages.beliefs import Told
from monitor.vantages.chunks import Portion, spliced
from monitor.vantages.options import ReportOptions
from monitor.vantages.topics import belief_topic, daemon_topic, log_topic
from monitor.vantages.wire import LAST, BeliefWord, Chunk, DaemonWord

JSON = "application/json"
CHUNK_EXPIRY = 60
"""Seconds for which a broker keeps a chunk for a collecting daemon that is away; it is sent again anyway."""


class Place(NamedTuple):
    """How far our log is, and how far of it the collecting daemon."""

    log: str = ""
    end: int = 0
    acknowledged: int = 0
    backlog: int = 0


class Voice:
    """Speaks for one vantage to one broker."""

    def __init__(
        self, options: ReportOptions, world: Callable[[], World], *, clock: Callable[[], float]
    ) -> None:
        self._options = options
        self._world = world
        self._clock = clock
        self.session = 0
        """Counts the connections of this boot."""
        self._n = 0

    def will(self, place: Place) -> Message:
        """Write the will of the session that is about to begin, which with it has a number."""
        self.session += 1
        self._n = 0
        return self._daemon("offline", "lost", place, LAST)

    def online(self, place: Place) -> Message:
        """Say that the daemon lives: birth or heartbeat."""
        return self._daemon("online", "", place, self._next())

    def farewell(self, place: Place) -> Message:
        """Say that the daemon stops in good order."""
        return self._daemon("offline", "stopped", place, self._next())

    def belief(self, told: Told) -> Message:
        """Say what is believed of a check; raises ValueError if its name is no topic."""
        world, options, belief = self._world(), self._options, told.belief
        word = BeliefWord(
            vantage=world.vantage,
            boot=world.boot,
            session=self.session,
            n=self._next(),
            sent_at=self._now(),
            check=told.check.id,
            subject=told.check.subject,
            verdict=belief.verdict.value,
            suspected=belief.suspected,
            reason=clean(belief.reason),
            since=round(belief.since, 3),
            valid_for=options.valid_for,
            rtt=None if told.rtt is None else max(0.0, told.rtt),
            loss=told.loss,
        )
        topic = belief_topic(options.root, world.vantage, told.check.id)
        return Message(topic, word.payload(), retain=True, expiry=options.expiry, content_type=JSON)

    def nothing(self, check: str) -> Message:
        """Take back what was said of *check*; raises ValueError if its name is no topic."""
        return Message(belief_topic(self._options.root, self._world().vantage, check), b"", retain=True)

    def chunk(self, log: str, after: int, portion: Portion) -> Message:
        """Tell a part of the log."""
        return Message(
            log_topic(self._options.root, self._world().vantage),
            spliced(self._chunk(log, after, portion.upto), portion.entries),
            expiry=CHUNK_EXPIRY,
            content_type=JSON,
        )

    def around_chunk(self, log: str) -> int:
        """Return how many bytes of a message are not those of a chunk's entries, at most."""
        empty = self._chunk(log, LAST, LAST, numbered=False).payload()
        return len(empty) + len(log_topic(self._options.root, self._world().vantage)) + len(JSON) + HEADERS

    def _chunk(self, log: str, after: int, upto: int, *, numbered: bool = True) -> Chunk:
        world = self._world()
        return Chunk(
            vantage=world.vantage,
            boot=world.boot,
            session=self.session,
            n=self._next() if numbered else LAST,
            sent_at=self._now(),
            log=log,
            after=after,
            upto=upto,
            entries=(),
        )

    def _daemon(self, state: str, reason: str, place: Place, n: int) -> Message:
        world, options = self._world(), self._options
        word = DaemonWord.model_validate(
            {
                "vantage": world.vantage,
                "boot": world.boot,
                "session": self.session,
                "n": n,
                "sent_at": self._now(),
                "state": state,
                "reason": reason,
                "valid_for": options.silence,
                "version": __version__,
            }
            | place._asdict()
        )
        topic = daemon_topic(options.root, world.vantage)
        return Message(topic, word.payload(), retain=True, content_type=JSON)

    def _next(self) -> int:
        self._n += 1
        return self._n

    def _now(self) -> float:
        return round(max(0.0, self._clock()), 6)
