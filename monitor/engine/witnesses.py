"""What all vantages hold true now, as evidence for the diagnosis: our own looks and the others' words."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from monitor.core.agent import Presence
from monitor.core.detection import Verdict, threshold
from monitor.core.diagnosis import Evidence
from monitor.core.incident.matching import AT_ONCE
from monitor.core.joint import Miss
from monitor.core.topology import Observation, observation_id
from monitor.core.topology.ways import BROKER, HEARTBEAT
from monitor.core.world import World
from monitor.engine.watch import Watch

GOOD = -12.0
"""What an answer weighs, nats: as much as one observation may."""
SILENT = 12.0
"""What the silence of a daemon weighs, nats."""
TRANSIT = 1.0
"""Seconds that a word of another daemon may be under way: it proves nothing of what broke meanwhile."""
CONNECTED = -1.0
"""What our own connection to the broker weighs, nats: others may have none all the same."""
AWAY = 10.0
"""Seconds for which our broker must be gone to weigh as much, half of it to be shown: it may but restart."""


class Budget(NamedTuple):
    """How sure the daemon has to be."""

    suspicions_per_year: float
    false_alarms_per_year: float


class Testimony(NamedTuple):
    """Everything that is held true at one moment."""

    evidence: dict[str, Evidence]
    misses: dict[str, Miss]
    """By observation, of those that look down."""
    answering: dict[str, Evidence]
    """What is down and begins to answer: it proves what it has got past, and nothing yet of itself."""


class Witnesses:
    """Asks all of them."""

    def __init__(self, world: World, watches: Mapping[str, Watch], budget: Budget) -> None:
        self._world = world
        self._watches = watches
        self._budget = budget

    def testify(self, observations: Mapping[str, Observation], now: float) -> Testimony:
        """Return what is held true at *now* (wall time, Unix seconds); what cannot tell is left out."""
        said = Testimony({}, {}, {})
        offset = now - time.monotonic()
        for name, watch in self._watches.items():
            self._ask(said, observation_id(self._world.vantage, name), watch, offset, now)
        self._miss_broker(said, observations, offset, now)
        for vantage in self._world.agents:
            self._hear(said, vantage, observations, offset, now)
        return said

    @staticmethod
    def _ask(said: Testimony, name: str, watch: Watch, offset: float, now: float) -> None:
        belief, reading, how = watch.belief, watch.reading, watch.how
        age = max(0.0, now - reading.last_at)
        path_up = reading.finding is not None and reading.finding.path_up
        if belief.verdict is Verdict.DOWN and belief.good:
            said.answering[name] = Evidence(GOOD, reading.last_at, age)
        elif belief.verdict is Verdict.DOWN:
            said.evidence[name] = Evidence(how.confirm, reading.last_at, age, path_up)
            said.misses[name] = Miss(how.confirm, belief.since, reading.last_at, how.suspect, how.confirm)
        elif belief.doubt is not None:
            doubt = belief.doubt
            said.evidence[name] = Evidence(doubt.score, doubt.sent + offset, age, path_up)
            said.misses[name] = Miss(doubt.score, doubt.began, doubt.sent + offset, how.suspect, how.confirm)
        elif belief.sound:
            said.evidence[name] = Evidence(GOOD, reading.last_at, age)

    def _miss_broker(
        self, said: Testimony, observations: Mapping[str, Observation], offset: float, now: float
    ) -> None:
        name, lost_at = observation_id(self._world.vantage, BROKER), self._world.broker_lost_at
        if name not in observations:
            return
        if lost_at is None:
            said.evidence[name] = Evidence(CONNECTED, now)
            return
        lost = lost_at + offset
        score = SILENT * min(1.0, (now - lost) / AWAY)
        if score > 0.0:
            said.evidence[name] = Evidence(score, now)
            said.misses[name] = Miss(score, lost, now, SILENT / 2, SILENT)

    def _hear(
        self,
        said: Testimony,
        vantage: str,
        observations: Mapping[str, Observation],
        offset: float,
        now: float,
    ) -> None:
        agent = self._world.agents[vantage]
        heard_at = agent.heard_at + offset
        heartbeat = observation_id(vantage, HEARTBEAT)
        if agent.presence is Presence.ONLINE:
            said.evidence[heartbeat] = Evidence(GOOD, heard_at - TRANSIT, max(0.0, now - heard_at))
        elif agent.presence is Presence.SILENT:
            said.evidence[heartbeat] = Evidence(SILENT, now)
            said.misses[heartbeat] = Miss(SILENT, agent.since, now, SILENT, SILENT)
        for check, belief in self._world.heard.get(vantage, {}).items():
            observation = observations.get(observation_id(vantage, check))
            if observation is None:
                continue
            at = belief.at + offset
            age = max(0.0, now - at)
            suspect, confirm = self._thresholds(observation.period)
            score = confirm if belief.verdict == Verdict.DOWN else suspect
            if belief.verdict == Verdict.DOWN or belief.suspected:
                began = min(belief.since - (agent.clock_offset or 0.0), at) if score == confirm else at
                said.evidence[observation.id] = Evidence(score, at, age)
                said.misses[observation.id] = Miss(score, began, now, suspect, confirm)
            elif belief.verdict in (Verdict.UP, Verdict.DEGRADED):
                # What was held true when it was said rests on a look that may be as old as its period.
                said.evidence[observation.id] = Evidence(GOOD, at - TRANSIT - observation.period, age)

    def _thresholds(self, period: float) -> tuple[float, float]:
        budget = self._budget
        return threshold(period, budget.suspicions_per_year), threshold(period, budget.false_alarms_per_year)


def earliest(misses: Iterator[Miss]) -> float | None:
    """Return the wall time of the first of these misses; None without any."""
    return min((miss.began for miss in misses), default=None)


def onset(misses: Sequence[Miss]) -> float:
    """Return the wall time of the first of these misses, without those that are far older than most."""
    began = sorted(miss.began for miss in misses)
    middle = began[len(began) // 2]
    return next(at for at in began if middle - at < AT_ONCE)
