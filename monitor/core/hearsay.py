"""What the words of another vantage's daemon are worth, and what they say of it.

A sender's times are labels. Within a boot (session, n) grows. A boot that was followed by another is past:
what the broker still brings of it is late, what it says itself comes of a second daemon under the same name,
or is played back by somebody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from math import inf

from monitor.core.agent import NOTHING, Agent, Details, Order, Past, Presence, Said, Step, Told, Track
from monitor.core.rollcall import absence

PATIENCE = (3.0, 10_800.0)
"""Bounds of the silence that an agent may claim for itself, seconds."""
CLOCK_WRONG = 2.0
"""Offset from which a clock is told to be wrong, seconds."""
CLOCK_RIGHT = 1.0
"""Offset below which it is right again."""
SAMPLES = 5
"""Latest heartbeats that the clock is measured by: one of them was quick."""
ENOUGH_SAMPLES = 3
"""Heartbeats before a clock is judged: the first may have been held up on its way."""
PAST_BOOTS = 100
"""Boots remembered of one vantage; the oldest go first."""


class Worth(StrEnum):
    """What a word is worth."""

    FRESH = "fresh"
    """It is newer than all that we know."""
    REPEATED = "repeated"
    """We had it, or something newer of the same boot."""
    PAST = "past"
    """It is a late word of a boot that was followed by another."""
    DOUBLE = "double"
    """A past boot is at work all the same: a second daemon."""


def recalled(track: Track, boots: Sequence[str]) -> Track:
    """Take in the boots of which we have events from earlier runs of ours, oldest first."""
    agent = track.agent if track.agent.boot or not boots else replace(track.agent, boot=boots[-1])
    known = {boot: Past() for boot in boots if boot != agent.boot}
    return replace(track, agent=agent, past=_bounded({**known, **track.past}))


def worth(track: Track, said: Said, latest: tuple[str, Order] | None) -> Worth:
    """Say what a word is worth; *latest* is the boot and order of the last one taken on its topic.

    Order is that of a topic, for the broker brings what it had kept topic by topic.
    """
    agent = track.agent
    if said.boot in track.past:
        return _worth_of_past(track, said)
    if said.boot != agent.boot:
        late = not said.alive and agent.presence is Presence.ONLINE and not said.retained
        return Worth.PAST if late else Worth.FRESH
    had = latest is not None and latest[0] == said.boot and said.order <= latest[1]
    return (
        Worth.REPEATED
        if had or said.order <= track.over or said.order.session < agent.session
        else Worth.FRESH
    )


def _worth_of_past(track: Track, said: Said) -> Worth:
    if said.retained or not said.alive:
        return Worth.PAST
    known = track.past[said.boot]
    offset = track.agent.clock_offset if known.clock_offset is None else known.clock_offset
    if said.order <= known.order or abs(_age(said, offset)) > track.agent.valid_for:
        return Worth.REPEATED
    return Worth.DOUBLE if track.agent.presence is Presence.ONLINE else Worth.FRESH


def age(track: Track, said: Said) -> float:
    """Return how old a word was when it came, seconds; infinite if its clock cannot be trusted so far."""
    offset = track.agent.clock_offset if said.boot == track.agent.boot else None
    seconds = _age(said, offset)
    return inf if offset is None and seconds < -CLOCK_WRONG else max(0.0, seconds)


def spoke(track: Track, said: Said) -> Step:
    """Take in a fresh word that shows a daemon at work, whatever it says."""
    was, hushed = track.agent, track.hushed
    track = _followed(track, said)
    since = was.since if was.presence is Presence.ONLINE else said.wall
    agent = replace(track.agent, presence=Presence.ONLINE, heard_at=said.now, since=since)
    track = replace(track, agent=agent, latest=max(track.latest, said.order), lost_at=None, hushed=False)
    if was.presence is Presence.SILENT:
        return Step(track, () if hushed else (Told("agent_back", _absence(was, said)),))
    if was.presence is Presence.ONLINE:
        return Step(track)
    return Step(track, (Told("agent_online", {"boot": said.boot}),))


def beat(track: Track, said: Said, *, valid_for: float, backlog: int, steady: bool) -> Step:
    """Take in a fresh heartbeat; *steady*: we have been listening for long enough to time it."""
    track, told = spoke(track, said)
    agent = replace(track.agent, valid_for=min(max(valid_for, PATIENCE[0]), PATIENCE[1]), backlog=backlog)
    track = replace(track, agent=agent)
    if not steady:
        return Step(track, told)
    step = _timed(track, said.sent_at - said.wall)
    return Step(step.track, told + step.told)


def kept(track: Track, said: Said, *, valid_for: float, backlog: int) -> Step:
    """Take in a birth or heartbeat that the broker had kept: its own age decides whether anybody is there."""
    old = age(track, said)
    patience = min(max(valid_for, PATIENCE[0]), PATIENCE[1])
    if old < patience:
        return beat(
            track, replace(said, now=said.now - old), valid_for=valid_for, backlog=backlog, steady=False
        )
    track = _followed(track, said)
    return Step(replace(track, agent=replace(track.agent, valid_for=patience, backlog=backlog)))


def lost(track: Track, said: Said) -> Step:
    """Take in the will of the present session: if nothing follows for a heartbeat, it is silent."""
    track = _followed(track, said)
    return Step(replace(track, lost_at=said.now, over=said.order))


def stopped(track: Track, said: Said) -> Step:
    """Take in a farewell."""
    was = track.agent
    track = _followed(track, said)
    agent = replace(track.agent, presence=Presence.STOPPED, since=said.wall)
    news = was.presence in (Presence.ONLINE, Presence.SILENT)
    told = (Told("agent_stopped", {"boot": said.boot}),) if news else ()
    return Step(replace(track, agent=agent, lost_at=None, over=said.order, hushed=False), told)


def doubled(track: Track, said: Said) -> Step:
    """Take in a word of a second daemon."""
    was = track.agent
    known = replace(track.past[said.boot], order=said.order)
    past = _bounded({**track.past, said.boot: known})
    track = replace(track, agent=replace(was, duplicate=True), past=past, doubled_at=said.now)
    told = () if was.duplicate else (Told("agent_doubled", {"boot": was.boot, "other": said.boot}),)
    return Step(track, told)


def single(track: Track, now: float) -> Step:
    """Take back that there are two daemons once only one has spoken for a while."""
    doubled_at, agent = track.doubled_at, track.agent
    if doubled_at is None or now - doubled_at < 2 * agent.valid_for:
        return Step(track)
    track = replace(track, agent=replace(agent, duplicate=False), doubled_at=None)
    return Step(track, (Told("agent_single", {"boot": agent.boot}),))


def _absence(was: Agent, said: Said) -> Details:
    quiet = said.now - was.heard_at if was.heard_at else None
    return {"restarted": said.boot != was.boot, **absence(quiet)}


def _followed(track: Track, said: Said) -> Track:
    """Return the track with the word's boot and session as the present ones."""
    agent = track.agent
    if said.boot == agent.boot:
        return replace(track, agent=replace(agent, session=max(agent.session, said.order.session)))
    past = {boot: known for boot, known in track.past.items() if boot != said.boot}
    if agent.boot:
        past[agent.boot] = Past(max(track.latest, track.over), agent.clock_offset)
    return replace(
        track,
        agent=replace(agent, boot=said.boot, session=said.order.session, clock_offset=None),
        latest=NOTHING,
        over=NOTHING,
        lost_at=None,
        past=_bounded(past),
        differences=(),
    )


def _timed(track: Track, difference: float) -> Step:
    """Measure the clock: a message takes time, so the largest difference is nearest to the offset."""
    differences = (*track.differences, difference)[-SAMPLES:]
    offset = max(differences)
    limit = CLOCK_RIGHT if track.clock_wrong else CLOCK_WRONG
    wrong = abs(offset) > limit if len(differences) >= ENOUGH_SAMPLES else track.clock_wrong
    agent = replace(track.agent, clock_offset=offset)
    changed = wrong != track.clock_wrong
    track = replace(track, agent=agent, differences=differences, clock_wrong=wrong)
    told = Told("agent_clock", {"offset": round(offset, 3), "wrong": wrong})
    return Step(track, (told,) if changed else ())


def _age(said: Said, offset: float | None) -> float:
    return said.wall - said.sent_at + (offset or 0.0)


def _bounded(past: Mapping[str, Past]) -> Mapping[str, Past]:
    return dict([*past.items()][-PAST_BOOTS:])
