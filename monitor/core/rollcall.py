"""Who has fallen silent: missing evidence, and nothing more.

Silence is counted from reception on our own monotonic clock, and only while we could hear. If all fall silent
together the cause is near us: our broker, or our own uplink.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from monitor.core.agent import Details, Presence, Step, Told, Track

CLOSE = 5.0
"""Seconds beyond one heartbeat within which last words count as said together; one more if that is less."""


class Silence(NamedTuple):
    """Who has fallen silent."""

    vantages: tuple[str, ...] = ()
    together: bool = False
    """All that were online, and more than one: the cause is near us."""


def silence(tracks: Iterable[Track], now: float, since: float) -> Silence:
    """Say who has fallen silent by *now*; *since* is when we began to hear (both monotonic seconds).

    Whoever is overdue is told at once if another was heard after it should have spoken again. Otherwise all
    may be about to fall silent together, so it waits for the next word of any, about a heartbeat at most.
    """
    awaited = [track for track in tracks if _awaited(track)]
    overdue = [track for track in awaited if now >= _deadline(track, since)]
    if len(overdue) == len(awaited):
        return Silence(tuple(t.agent.vantage for t in overdue), together=len(overdue) > 1)
    others = max(t.agent.heard_at for t in awaited if now < _deadline(t, since))
    alone = (
        track.agent.vantage
        for track in overdue
        if others > _next_due(track) or now >= _deadline(track, since) + _spread(track)
    )
    return Silence(tuple(alone))


@dataclass(frozen=True, slots=True)
class Hush:
    """All agents that were online have fallen silent together."""

    began: float
    """Monotonic time of the last word before it, seconds."""
    broken_at: float | None = None
    """Monotonic time at which one of them was heard again."""


class Calm(NamedTuple):
    """What has become of a hush."""

    hush: Hush | None
    """None: it is over."""
    back: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Those that stay silent, each on its own from now on."""


def fallen(track: Track, now: float, wall: float, *, together: bool = False) -> Step:
    """Take note that an agent is silent, on its own or *together* with all others."""
    agent = track.agent
    quiet = now - agent.heard_at if agent.heard_at else None
    since = wall if quiet is None else wall - quiet
    agent = replace(agent, presence=Presence.SILENT, since=since)
    track = replace(track, agent=agent, lost_at=None, hushed=together)
    return Step(track, () if together else (Told("agent_silent", absence(quiet)),))


def hushed(tracks: Iterable[Track], now: float) -> Hush:
    """Return the hush that these agents, silent together, have fallen into."""
    return Hush(max((track.agent.heard_at for track in tracks), default=0.0) or now)


def after(hush: Hush, tracks: Sequence[Track], silent: Sequence[str], now: float, since: float) -> Calm:
    """Say whether the hush of *silent* is over: all are back, or some are and the rest had time enough."""
    back = tuple(t.agent.vantage for t in tracks if t.agent.vantage in silent and not t.hushed)
    left = [t for t in tracks if t.agent.vantage in silent and t.hushed]
    if not back:
        return Calm(hush)
    broken_at = max(hush.broken_at or now, since)
    if any(now < broken_at + t.agent.valid_for for t in left):
        return Calm(replace(hush, broken_at=broken_at))
    return Calm(None, back, tuple(t.agent.vantage for t in left))


def absence(seconds: float | None) -> Details:
    """Return for how long an agent was not heard, as an event says it; nothing if it never was."""
    return {} if seconds is None else {"seconds": round(seconds, 3)}


def _awaited(track: Track) -> bool:
    """Say whether silence of it is news: it was heard, or was once and has not said farewell."""
    agent = track.agent
    known = agent.presence is Presence.ONLINE or (agent.presence is Presence.UNHEARD and agent.boot != "")
    return known and not agent.quarantined


def _deadline(track: Track, since: float) -> float:
    heard = max(track.agent.heard_at, track.listened_at, since)
    by_silence = heard + track.agent.valid_for
    if track.lost_at is None or track.agent.duplicate:  # two of one name push each other off the broker
        return by_silence
    return min(by_silence, max(track.lost_at, track.listened_at, since) + track.agent.valid_for / 3)


def _spread(track: Track) -> float:
    heartbeat = track.agent.valid_for / 3
    return heartbeat + min(CLOSE, heartbeat)


def _next_due(track: Track) -> float:
    """Return the time after which a word of another proves that this one alone is missing."""
    return track.agent.heard_at + _spread(track) if track.lost_at is None else track.lost_at
