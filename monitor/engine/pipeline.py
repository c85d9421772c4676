"""From findings to beliefs to what is said: the only writer of the world.

The common case, a good look at something that is up, touches a few numbers and nothing else; everything
that can change a belief goes through the core's pure functions.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from math import inf

from monitor.core.checks import network_subject, way_to
from monitor.core.detection import Belief, Verdict, next_gap, revise
from monitor.core.health import REACHABLE, Health, Status, View, assess_center, assess_network, is_cut
from monitor.core.news import Change, belief_is_news, belief_news, status_is_news, status_news
from monitor.core.observation import Finding, Outcome, ok, unknown
from monitor.core.record import Kept
from monitor.core.sentence import Scene
from monitor.core.vitals import Vitals
from monitor.core.world import HISTORY, Event, World
from monitor.engine.scheduler import Scheduler
from monitor.engine.telling import Telling
from monitor.engine.watch import Watch
from monitor.kit import crash

FINE = ok()
_HISTORY_MASK = (1 << HISTORY) - 1
CLOCK_STEP = 1.0
"""Seconds by which the wall clock may drift from ours before we call it a step."""


class Pipeline:
    """Hears what looks found (it is every batch engine's `Sink`), revises the world, tells the feeds."""

    def __init__(
        self,
        world: World,
        vitals: Vitals,
        telling: Telling,
        zone: tzinfo,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.world = world
        self.watches: dict[str, Watch] = {}
        self.scheduler: Scheduler
        self.stirred: Callable[[Watch], None] = _nobody
        """Hears of every check whose doubt or verdict has changed."""
        self._vitals = vitals
        self._by_subject: dict[str, list[Watch]] = {}
        self._over: dict[str, list[Watch]] = {}
        """By circuit, the looks at something beyond it that go over it."""
        self._zone = zone
        self._wall = wall
        self._offset = wall() - time.monotonic()
        self._telling = telling
        self._hindrances: set[tuple[str, str]] = set()
        self._reset: dict[str, Kept] = {}
        """Checks whose belief was given up while the latest change was weighed."""

    # What engines and runner report.

    def answered(self, key: Watch, sent_at: float, rtt: float) -> None:
        """Take in a good look: the hot path, a microsecond or two."""
        key.flying = False
        key.since_episode += 1
        reading = key.reading
        reading.ok += 1
        reading.last_at = sent_at + self._offset
        reading.history = (reading.history << 1) & _HISTORY_MASK
        if reading.filled < HISTORY:
            reading.filled += 1
        key.note_rtt(rtt)
        if not key.steady:
            reading.finding = FINE
            self._weigh(key, FINE, sent_at)

    def found(self, key: Watch, sent_at: float, finding: Finding) -> None:
        """Take in any other finding; silence while our own loop lagged is nobody's fault but ours."""
        crash.point("probe_result")
        key.flying = False
        if finding.reason == "timeout" and self.scheduler.lagged_since(sent_at):
            self._vitals.evidence_dropped += 1
            finding = unknown("own_lag", "the event loop was late while we waited")
        if finding.outcome is Outcome.UNKNOWN:
            self._tell_hindrance(key, finding)
        self._count(key, finding, sent_at)
        if not (key.steady and finding.outcome is Outcome.OK):
            self._weigh(key, finding, sent_at)

    def late(self, key: Watch, sent_at: float, rtt: float) -> None:
        """Take in an answer that came after its look was given up: the path is there, if slow."""
        key.reading.late += 1
        key.note_rtt(rtt)
        if not key.steady:
            self._weigh(key, FINE, sent_at)

    def relearned(self) -> dict[str, Kept]:
        """Return what is to be kept of the checks that have learned since this was last asked for."""
        return {name: watch.kept() for name, watch in self.watches.items() if watch.relearned}

    # What the lifecycle tells.

    def adopt(self, watches: Mapping[str, Watch]) -> None:
        """Make *watches* the world's checks; what has gone is forgotten with what was said of it."""
        world, self._reset = self.world, {}
        forgotten = dict.fromkeys(self.watches.keys() - watches.keys())
        self.watches = dict(watches)
        world.checks = {name: watch.check for name, watch in watches.items()}
        world.readings = {name: watch.reading for name, watch in watches.items()}
        world.beliefs = {name: watch.belief for name, watch in watches.items()}
        self._by_subject, self._over = {}, {}
        for watch in watches.values():
            self._by_subject.setdefault(watch.check.subject, []).append(watch)
            if watch.check.over is not None:
                self._over.setdefault(watch.check.over, []).append(watch)
        before = set(world.statuses)
        changes = self._assess(world.inventory.networks, world.inventory.centers)
        spoken_of = {change.now.subject for change in changes}
        for gone in before - spoken_of:
            del world.statuses[gone]
        # A doubt that held a word back does not outlast a restart, so that word may be due now.
        events = self._news([change for change in changes if change.now.reason != "not_looked_yet"])
        self._telling.tell(events, before | spoken_of, forgotten | self._reset)

    def follow_clock(self) -> None:
        """Take over the wall clock as it is now; a step is told, and moves no measurement."""
        offset = self._wall() - time.monotonic()
        step = offset - self._offset
        self._offset = offset
        if abs(step) > CLOCK_STEP:
            self._telling.daemon("clock_stepped", seconds=round(step, 3))

    # How a finding becomes news.

    def _tell_hindrance(self, watch: Watch, finding: Finding) -> None:
        """Tell once per kind of look what keeps us from looking: that is our trouble, and needs a person."""
        hindrance = (watch.check.look.kind, finding.reason)
        if finding.reason != "own_lag" and hindrance not in self._hindrances:
            self._hindrances.add(hindrance)
            self._telling.daemon(
                "cannot_look", kind=hindrance[0], reason=finding.reason, trouble=finding.detail
            )

    def _count(self, watch: Watch, finding: Finding, sent_at: float) -> None:
        reading = watch.reading
        reading.finding = finding
        reading.last_at = sent_at + self._offset
        if finding.outcome is Outcome.UNKNOWN:
            reading.unknown += 1
            return
        lost = finding.outcome is Outcome.FAILED
        watch.since_episode += 1
        reading.failed += lost
        reading.ok += not lost
        reading.remember(lost=lost)
        if "rtt" in finding.values:
            watch.note_rtt(finding.values["rtt"])

    def _weigh(self, watch: Watch, finding: Finding, sent_at: float) -> None:
        was = watch.belief
        if was.doubt is None and finding.outcome is Outcome.FAILED:
            watch.learn(0.0)
        now = revise(
            was, finding, sent=sent_at, at=sent_at + self._offset, how=watch.how, learned=watch.learned
        )
        watch.belief = self.world.beliefs[watch.check.id] = now
        watch.steady = now.steady
        if was.doubt is not None and now.steady:
            watch.learn(was.doubt.isolated)
        self._look_again(watch, sent_at)
        if now.doubt is not was.doubt or now.verdict is not was.verdict:
            self.stirred(watch)
        if (now.verdict, now.suspected, now.reason) != (was.verdict, was.suspected, was.reason):
            self._changed(watch, was, now)

    def _look_again(self, watch: Watch, sent_at: float) -> None:
        """Put the watch where its belief wants it; in an episode that is not its own rhythm."""
        if watch.flying:
            return
        gap = next_gap(watch.belief, watch.how)
        if gap is not None:
            self.scheduler.put_at(watch, sent_at + gap)

    def _changed(self, watch: Watch, was: Belief, now: Belief) -> None:
        check, self._reset = watch.check, {}
        events = []
        if belief_is_news(was, now):
            events.append(self._telling.event("belief", check.id, belief_news(check, was, now)))
        kind, _, network = check.subject.partition("/")
        if over := self._over.get(check.subject):
            if was.verdict is Verdict.DOWN and now.verdict is not Verdict.DOWN:
                self._look_behind(over)
            beyond = {beyond.check.subject.partition("/")[2] for beyond in over}
            changes = self._assess(beyond, self.world.inventory.centers)
        elif kind == "network":
            changes = self._assess([network], self.world.inventory.centers)
        else:
            changes = self._assess([], [kind])
        changes = [change for change in changes if change.now != change.before]
        events += self._news(changes)
        kept = {check.id: watch.kept(), **self._reset}
        self._telling.tell(events, {change.now.subject for change in changes}, kept)

    def _news(self, changes: Iterable[Change]) -> list[Event]:
        news, scene = self._telling.event, Scene(self.world.inventory, self.world.statuses, self._zone)
        return [news("status", c.now.subject, status_news(c, scene)) for c in changes if status_is_news(c)]

    def _assess(self, networks: Iterable[str], centers: Iterable[str]) -> list[Change]:
        """Say anew how these networks and centers are; return everything that was said, before and now."""
        changes = self._note(self._say_networks(networks))
        for change in changes:
            if _is_back(change):
                network = change.now.subject.partition("/")[2]
                self._look_behind(w for w in self.watches.values() if w.check.network == network)
        for center in centers:
            changes += self._note(self._say_center_anew(center))
        return changes

    def _say_center_anew(self, name: str) -> list[Status]:
        """Say how a center is; if the way to its devices is back, look at them anew before saying it."""
        said = self._say_center(name)
        way = f"{name}/{self._way_to(name)}"
        before = self.world.statuses.get(way)
        back = (status for status in said if status.subject == way and _is_back(Change(before, status)))
        if any(back):
            devices = self.world.inventory.centers[name].devices
            self._look_behind(watch for d in devices for watch in self._by_subject.get(d.id, ()))
            said = self._say_center(name)
        return said

    def _look_behind(self, watches: Iterable[Watch]) -> None:
        """Look anew at what a fault hid, before anything is said of it."""
        now = time.monotonic()
        for watch in watches:
            if watch.belief.verdict is Verdict.DOWN or watch.belief.doubt is not None:
                watch.belief = Belief(since=now + self._offset, reason="behind_link")
                self.world.beliefs[watch.check.id] = watch.belief
                self._reset[watch.check.id] = watch.kept()
                watch.steady = False
                self.scheduler.put_at(watch, now)

    def _way_to(self, center: str) -> str | None:
        inventory = self.world.inventory
        vantage = inventory.vantages[self.world.vantage]
        return None if vantage.center == center else way_to(inventory.centers[center], vantage)

    def _note(self, said: Iterable[Status]) -> list[Change]:
        statuses = self.world.statuses
        changes = [Change(statuses.get(status.subject), status) for status in said]
        statuses.update((change.now.subject, change.now) for change in changes)
        return changes

    def _say_networks(self, networks: Iterable[str]) -> Iterable[Status]:
        for subject in map(network_subject, networks):
            if subject in self._by_subject:
                looks = [(w.belief, self._believed_of_way(w)) for w in self._by_subject[subject]]
                yield assess_network(subject, looks, self.world.statuses.get(subject))

    def _believed_of_way(self, watch: Watch) -> list[Belief]:
        over = watch.check.over
        return [] if over is None else [w.belief for w in self._by_subject.get(over, ())]

    def _say_center(self, name: str) -> list[Status]:
        inventory = self.world.inventory
        center, vantage = inventory.centers[name], inventory.vantages[self.world.vantage]
        subjects = [*(c.id for c in center.circuits()), *(d.id for d in center.devices)]
        statuses = self.world.statuses
        networks = ((n, statuses.get(network_subject(n))) for n in inventory.networks)
        by_subject = self._by_subject
        view = View(
            beliefs={s: [w.belief for w in by_subject[s]] for s in subjects if s in by_subject},
            before=statuses,
            networks={name: status for name, status in networks if status is not None},
            way=self._way_to(name),
            own=vantage.center == name,
            good={d.id: self._last_good(d.id) for d in center.devices if d.id in by_subject},
        )
        return assess_center(center, view)

    def _last_good(self, subject: str) -> float:
        """Return the wall time of the latest look at a subject if it was good, else 0.

        Before the first look of this run what an earlier one said holds on: then it is infinite, or 0.
        """
        looked = [w.reading for w in self._by_subject[subject] if w.reading.finding]
        if not looked:
            said = self.world.statuses.get(subject)
            return inf if said is not None and said.health is Health.UP else 0.0
        return max((r.last_at for r in looked if r.finding and r.finding.outcome is Outcome.OK), default=0.0)


def _nobody(_: Watch) -> None:
    """Let nobody know."""


def _is_back(change: Change) -> bool:
    """Tell whether a way that was cut is open again, so that what lies behind it can be seen."""
    before, now = change.before, change.now
    return before is not None and is_cut(before) and now.health in REACHABLE
