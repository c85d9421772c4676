"""The other vantages that a collecting daemon listens to, and what it holds of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.core import hearsay
from monitor.core.agent import Agent, Order, Presence, Step, Track
from monitor.core.checks import checks_of
from monitor.core.inventory import Inventory
from monitor.core.world import Json
from monitor.kit.bucket import Bucket
from monitor.ports import Hearing

WORDS_AT_ONCE = 1000
"""Words that any vantage may say at once, besides ten for each of its checks."""
WORDS_PER_SECOND = 100
"""Words that any vantage may say per second, besides one for each of its checks."""
CHUNKS_AT_ONCE = 2000
CHUNKS_PER_SECOND = 50
"""Chunks of a log that bring nothing new. Those that do are bounded by their sender's window."""
EVENTS_AT_ONCE = 30
EVENTS_PER_SECOND = 0.1
"""Events told about one vantage: whoever comes and goes all the time must not fill our log."""


class Peer:
    """One other vantage. Mutable; what was declared of it is renewed with the inventory."""

    __slots__ = ("checks", "chunks", "events", "places", "quiet_at", "roots", "shut_until", "track", "until",
                 "vantage", "words")  # fmt: skip

    def __init__(self, vantage: str, now: float) -> None:
        self.vantage = vantage
        self.checks: Mapping[str, str] = {}
        """The subject of each check that it may speak of."""
        self.roots: frozenset[str] = frozenset()
        """The centers and networks that its log may speak of."""
        self.track = Track(Agent(vantage), listened_at=now)
        self.places: dict[str, tuple[str, Order]] = {}
        """Boot and order of the latest word on each topic."""
        self.until: dict[str, float] = {}
        """Until when each of its beliefs holds, monotonic seconds."""
        self.words = Bucket(WORDS_PER_SECOND, WORDS_AT_ONCE)
        self.chunks = Bucket(CHUNKS_PER_SECOND, CHUNKS_AT_ONCE)
        self.events = Bucket(EVENTS_PER_SECOND, EVENTS_AT_ONCE)
        self.shut_until: float | None = None
        """We do not listen to it until then, monotonic seconds; it said too much."""
        self.quiet_at: float | None = None
        """When its flood will be over unless it begins anew, monotonic seconds."""

    def declare(self, checks: Mapping[str, str]) -> None:
        """Take over what it may speak of."""
        self.checks = checks
        self.roots = frozenset(map(root_of, checks.values()))
        self.words.rate = WORDS_PER_SECOND + len(checks)
        self.words.burst = WORDS_AT_ONCE + 10 * len(checks)


class Peers:
    """All other vantages, by id, and the way to tell of them."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._by_id: dict[str, Peer] = {}
        self._inventory: Inventory | None = None

    def __iter__(self) -> Iterator[Peer]:
        return iter(self._by_id.values())

    def get(self, vantage: str) -> Peer | None:
        """Return a vantage, unless it is none of those we listen to."""
        return self._by_id.get(vantage)

    def has(self, vantage: str) -> bool:
        """Say whether the inventory has a vantage, which may be our own."""
        return self._inventory is not None and vantage in self._inventory.vantages

    def listened_to(self) -> set[str]:
        """Return those that we want to hear now."""
        return {peer.vantage for peer in self if peer.shut_until is None}

    def follow(self, now: float) -> list[Peer] | None:
        """Take over a new inventory; return the vantages that are new with it, None if it is the same."""
        world = self._hearing.world
        if world.inventory is self._inventory:
            return None
        self._inventory = inventory = world.inventory
        others = inventory.vantages.keys() - {world.vantage}
        new = [Peer(vantage, now) for vantage in sorted(others - self._by_id.keys())]
        kept = {vantage: peer for vantage, peer in self._by_id.items() if vantage in others}
        self._by_id = kept | {peer.vantage: peer for peer in new}
        for peer in self:
            found = checks_of(inventory, inventory.vantages[peer.vantage])
            peer.declare({check.id: check.subject for check in found.values()})
            self.unbelieve(peer, [check for check in peer.until if check not in peer.checks])
            self._hearing.agent(peer.track.agent)
        return new

    def recall(self, peer: Peer, boots: Sequence[str]) -> None:
        """Take in the boots of a vantage that are known from earlier, oldest first."""
        peer.track = hearsay.recalled(peer.track, boots)
        if self.get(peer.vantage) is peer:
            self._hearing.agent(peer.track.agent)

    def take(self, peer: Peer, step: Step, now: float) -> None:
        """Take over what a word or the passing of time has made of a vantage, and tell what is worth it."""
        was, peer.track = peer.track.agent, step.track
        agent = step.track.agent
        if agent.presence in (Presence.SILENT, Presence.STOPPED) and agent.presence is not was.presence:
            self.unbelieve(peer, list(peer.until))
        told = [one for one in step.told if peer.events.take(now)]
        if not told:
            self._hearing.agent(agent)
        for what, details in told:
            self._hearing.agent(agent, what, **dict[str, Json](details))

    def tell(self, peer: Peer, what: str, /, **details: Json) -> None:
        """Tell an event about a vantage as it is."""
        self._hearing.agent(peer.track.agent, what, **details)

    def tell_of_all(self, what: str, vantages: Iterable[str], seconds: float) -> None:
        """Tell an event about these vantages together."""
        self._hearing.tell(what, agents=list(vantages), seconds=seconds)

    def change(self, peer: Peer, *, gathered: int = 0, repeated: int = 0, refused: int = 0) -> None:
        """Count what a vantage sent."""
        agent = peer.track.agent
        agent = replace(
            agent,
            gathered=agent.gathered + gathered,
            repeated=agent.repeated + repeated,
            refused=agent.refused + refused,
        )
        peer.track = replace(peer.track, agent=agent)
        self._hearing.agent(agent)

    def unbelieve(self, peer: Peer, checks: Iterable[str]) -> None:
        """Forget what a vantage believed of these checks."""
        gone = [check for check in checks if peer.until.pop(check, None) is not None]
        if gone:
            self._hearing.heard(peer.vantage, dict.fromkeys(gone))


def root_of(path: str) -> str:
    """Return the center that a check's or subject's path begins with, or the network."""
    first, _, rest = path.partition("/")
    return f"{first}/{rest.partition('/')[0]}" if first == "network" else first
