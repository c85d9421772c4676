"""The words of incidents: what is seen, what is known of one root cause, the book of all that are open."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from monitor.core.ending import Ending

HOLD = 30.0
"""Seconds for which all must be well before an incident is closed; twice as long after each relapse."""


class Stage(StrEnum):
    """How far an incident is."""

    SUSPECTED = "suspected"
    """Enough was missed to be shown, not yet enough to be told."""
    CONFIRMED = "confirmed"
    RECOVERING = "recovering"
    """All is well again, but it is not known yet whether it stays so."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Other:
    """Another explanation that fits almost as well."""

    causes: tuple[str, ...]
    """Components that it blames instead; none: the looks are wrong."""
    confidence: float
    behind: float
    """How much worse it is, nats."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A broken component as the diagnosis sees it now."""

    component: str
    group: tuple[str, ...]
    """All that it may be as well, itself first."""
    confidence: float
    since: float
    """Wall time of its first miss, Unix seconds."""
    stage: Stage
    """SUSPECTED or CONFIRMED, by the joint evidence."""
    explains: tuple[str, ...] = ()
    """Observations that look down because of it."""
    against: tuple[str, ...] = ()
    """Observations that look up though it should make them look down."""
    others: tuple[Other, ...] = ()
    planned: bool = False
    """It is being worked on."""
    silence: bool = False
    """All that it explains is that other daemons are not heard."""

    def margin(self, component: str) -> float:
        """Return by how many nats it fits better than *component* in its place."""
        return min((other.behind for other in self.others if component in other.causes), default=inf)


@dataclass(frozen=True, slots=True)
class Incident:
    """One root cause and its life. Times are Unix seconds."""

    id: str
    """Date and time of its first miss, `20261124-091407`: it can be said on a telephone."""
    component: str
    group: tuple[str, ...]
    stage: Stage
    since: float
    """Time of the first miss."""
    confidence: float
    explains: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    others: tuple[Other, ...] = ()
    confirmed_at: float | None = None
    recovering_at: float | None = None
    closed_at: float | None = None
    relapses: int = 0
    hold: float = HOLD
    """Seconds for which all must be well before it is closed."""
    healing_since: float | None = None
    """When part of what it broke was first seen to work again, while another part still does not."""
    behind: str | None = None
    """The broken component that hides it; while it is hidden it can neither recover nor relapse. Of a closed
    one: the component of the incident that it was but a part of."""
    behind_at: float | None = None
    """When that was last said otherwise."""
    well_since: float | None = None
    """Since when nothing is seen of it, while it is still held to be broken."""
    called: tuple[str, ...] = ()
    """Components that it was called after before."""
    planned: bool = False
    bout: float | None = None
    """Time of the first miss of its latest relapse; None: it has had none."""
    rather: str = ""
    """What fits better than what it is called after."""
    rather_since: float = 0.0
    names: int = 0
    """How often it was called after something else."""
    named_at: float = 0.0
    """When that was last."""
    absorbed_since: float | None = None
    """Since when another incident explains all that is still seen of it."""
    endings: tuple[Ending, ...] = ()
    """Where the ways over its circuits end, from each end that was traced."""
    unwatched: bool = False
    """Of a closed one: it is watched no longer, so that nobody knows how it ended."""

    @property
    def onset(self) -> float:
        """Time of the first miss of its present bout."""
        return self.since if self.bout is None else self.bout


@dataclass(frozen=True, slots=True)
class Change:
    """What was known of an incident, and what is known now."""

    before: Incident | None
    now: Incident


@dataclass(frozen=True, slots=True)
class Book:
    """All incidents that are not closed, and what is remembered of those that are."""

    open: Mapping[str, Incident] = field(default_factory=dict)
    ended: Mapping[str, Incident] = field(default_factory=dict)
    """By component: the last one that was closed, for as long as that is remembered."""

    def kept(self) -> dict[str, Incident]:
        """Return all that outlasts a restart, by id."""
        return {one.id: one for one in (*self.open.values(), *self.ended.values())}


def _spoils_nothing(_component: str, _observation: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that one diagnosis says, as far as incidents go."""

    sightings: Sequence[Sighting]
    good: AbstractSet[str]
    """Observations that look up now."""
    bad: AbstractSet[str]
    """Observations that look down now."""
    masked: Mapping[str, str]
    """Components that no look can reach, each with the broken one that it is behind."""
    planned: AbstractSet[str] = frozenset()
    """Components that are being worked on."""
    proven: AbstractSet[str] = frozenset()
    """Components of open incidents past which a look has got since they were confirmed."""
    spoils: Callable[[str, str], bool] = _spoils_nothing
    """Tells whether a component, if it is broken, makes an observation look down."""
