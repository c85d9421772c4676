"""One connection of a collecting daemon, and what it listens to over it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from monitor.kit.backoff import Backoff
from monitor.kit.mqtt import Broker, Connection, Delivery, Lost, Message, MqttError, Refused, Resolve, Session

CATCH = "vantage/#"
"""All that vantages say, below the root."""
TURN = 0.005
"""Seconds of work after which everybody else has a turn."""

Filter = Callable[[str, str], str]
"""Returns a filter, given the root of all topics and a vantage."""


class Lane:
    """Keeps one connection and its subscriptions, vantage by vantage: never a filter that catches all.

    So whoever says too much can be unsubscribed, and whoever the inventory does not know is not heard.
    """

    def __init__(
        self,
        broker: Broker,
        root: str,
        filters: Sequence[Filter],
        hear: Callable[[Delivery], Awaitable[None]],
        *,
        joined: Callable[[str], None],
        troubled: Callable[[str], None],
        resolve: Resolve | None,
        backoff: Backoff,
    ) -> None:
        """Prepare to listen; *joined* hears of each vantage from when we listen to it."""
        self._broker = broker
        self._root = root
        self._filters = filters
        self._hear = hear
        self._joined = joined
        self._wanted: set[str] = set()
        self._changed = asyncio.Event()
        self._turn = 0.0
        self.session: Session | None = None
        """The present session; None while we are not connected."""
        self.sessions = 0
        """How many there have been."""
        self.since: float | None = None
        """Monotonic time since when we hear all that we want to; None: we do not."""
        self.heard_at = 0.0
        """Monotonic time of the latest delivery."""
        self.refused: dict[str, str] = {}
        """Filters that the broker would not let us have, and its words."""
        self._connection = Connection(
            broker,
            adopted=((f"{root}/{CATCH}", self._take),),
            troubled=troubled,
            resolve=resolve,
            backoff=backoff,
        )

    @property
    def certificate_ends(self) -> float | None:
        """When our own certificate runs out, Unix seconds."""
        return self._connection.certificate_ends

    @property
    def certificate_doubt(self) -> str:
        """Why other certificates, put in place meanwhile, could not be used; empty if they could."""
        return self._connection.certificate_doubt

    @property
    def proven_at(self) -> float:
        """Monotonic time at which the broker was last there for us, both ways or at least this way."""
        return max(self.heard_at, self.session.client.last_ack if self.session else 0.0)

    async def run(self) -> None:
        """Listen until cancelled."""
        await self._connection.keep(self._live)

    def listen(self, vantages: set[str]) -> None:
        """Listen to these from now on, and to no others."""
        self._wanted = vantages
        self._changed.set()

    def forget(self, vantage: str) -> None:
        """Take no more of a vantage that a kept session still brings."""
        if self.session is not None:
            for pattern in self._patterns(vantage):
                self.session.unsubscribe(pattern)

    def prove(self) -> None:
        """Ask the broker for a sign of life."""
        if self._broker.echo:
            self.send(Message(self._broker.echo, b""), lambda _: None)

    def send(self, message: Message, done: Callable[[MqttError | None], None]) -> bool:
        """Publish if there is room for it; *done* hears how it ended."""
        session = self.session
        if session is None or session.in_flight >= session.window:
            return False
        try:
            session.send(message, done)
        except Lost:
            return False
        return True

    async def _live(self, session: Session) -> None:
        self.session, taken = session, set[str]()
        self.sessions += 1
        self.refused.clear()
        try:
            while True:
                self._changed.clear()
                await self._follow(session, taken)
                self.since = self.since or time.monotonic()
                await self._changed.wait()
        finally:
            self.session = self.since = None

    async def _follow(self, session: Session, taken: set[str]) -> None:
        wanted = self._wanted
        for vantage in taken - wanted:
            self.forget(vantage)
        taken &= wanted
        for vantage in sorted(wanted - taken):
            for pattern in self._patterns(vantage):
                await self._ask(session, pattern)
            taken.add(vantage)
            self._joined(vantage)

    async def _ask(self, session: Session, pattern: str) -> None:
        try:
            await session.client.ask(pattern, 1)
        except Refused as error:
            self.refused[pattern] = str(error)
        else:
            self.refused.pop(pattern, None)

    async def _take(self, delivery: Delivery) -> None:
        self.heard_at = now = time.monotonic()
        await self._hear(delivery)
        if now - self._turn > TURN:
            await asyncio.sleep(0)
            self._turn = time.monotonic()

    def _patterns(self, vantage: str) -> list[str]:
        return [pattern(self._root, vantage) for pattern in self._filters]
