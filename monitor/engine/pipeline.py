"""From findings to beliefs to what is said: the only writer of the world.

The common case, a good look at something that is up, touches a few numbers and nothing else; everything
that can change a belief goes through the core's pure functions.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo

from monitor.core.detection import Belief
from monitor.core.judge import FINE
from monitor.core.news import belief_is_news, belief_news
from monitor.core.observation import Finding, Outcome, unknown
from monitor.core.record import Kept
from monitor.core.vitals import Vitals
from monitor.core.world import HISTORY, Event, World
from monitor.engine.assessing import Assessor
from monitor.engine.mishaps import Mishaps
from monitor.engine.pace import Changed, Pace
from monitor.engine.scheduler import Scheduler
from monitor.engine.telling import Telling
from monitor.engine.watch import Watch
from monitor.kit import crash

_HISTORY_MASK = (1 << HISTORY) - 1
HURRIED = 3_000
"""Looks in a second that are made sooner than in the rhythm of their checks, at most."""
CLOCK_STEP = 1.0
"""Seconds by which the wall clock may drift from ours before we call it a step."""
READ = 1.0
"""Seconds without lag at the end of a wait in which an answer that had come would have been read."""


class Pipeline:
    """Hears what looks found (it is every batch engine's `Sink`), revises the world, tells the feeds."""

    def __init__(
        self,
        world: World,
        vitals: Vitals,
        telling: Telling,
        mishaps: Mishaps,
        zone: tzinfo,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.world = world
        self.watches: dict[str, Watch] = {}
        self.scheduler: Scheduler
        self.stirred: Callable[[Watch], None] = _nobody
        """Hears of every check whose doubt or verdict has changed."""
        self._vitals = vitals
        self._wall = wall
        self._offset = wall() - time.monotonic()
        self._telling = telling
        self._mishaps = mishaps
        self._hindrances: set[tuple[str, str]] = set()
        self.assessor = Assessor(world, telling, zone, wall)
        """Says how subjects are."""
        self._pace = Pace(self._conclude)
        self._hurried = 0
        self._hurry_began = 0.0

    # What engines and runner report.

    def answered(self, key: Watch, sent_at: float, rtt: float) -> None:
        """Take in a good look: the hot path, a microsecond or two."""
        key.flying = False
        try:
            reading = key.reading
            reading.ok += 1
            reading.last_at = sent_at + self._offset
            reading.history = (reading.history << 1) & _HISTORY_MASK
            if reading.filled < HISTORY:
                reading.filled += 1
            key.note_rtt(rtt)
            if key.calm and rtt <= key.slow_above:
                key.judge.calm_looks += 1
            else:
                reading.finding = FINE
                self._weigh(key, FINE, sent_at, rtt)
            key.unsampled -= 1
            if key.unsampled <= 0:
                key.sample(rtt, reading.last_at)
        except Exception as error:  # noqa: BLE001 - the other looks of the batch must be heard
            self._mishaps.note("finding", error)

    def found(self, key: Watch, sent_at: float, finding: Finding) -> None:
        """Take in any other finding; silence while our own loop lagged is nobody's fault but ours."""
        crash.point("probe_result")
        key.flying = False
        with self._mishaps.contained("finding"):
            self._take(key, sent_at, finding)

    def late(self, key: Watch, sent_at: float, rtt: float) -> None:
        """Take in an answer that came after its look was given up: the path is there, if slow."""
        with self._mishaps.contained("finding"):
            key.reading.late += 1
            key.note_rtt(rtt)
            was = key.belief
            key.judge.late(sent_at, sent_at + self._offset, rtt)
            self._revised(key, was, sent_at)

    def _take(self, key: Watch, sent_at: float, finding: Finding) -> None:
        if finding.reason == "timeout" and self._was_deaf(key, sent_at):
            self._vitals.evidence_dropped += 1
            finding = unknown("own_lag", "the event loop was late while we waited")
        if finding.outcome is Outcome.UNKNOWN and key.slot is None:
            self._tell_hindrance(key, finding)
        if key.words is not None and finding.outcome is Outcome.FAILED and finding.reason not in key.words:
            finding = unknown("no_word", f"{finding.reason}: {finding.detail}")
        self._count(key, finding, sent_at)
        good, rtt = finding.outcome is Outcome.OK, finding.values.get("rtt")
        if finding.reason == "ok" and key.calm and (rtt is None or rtt <= key.slow_above):
            key.judge.calm_looks += 1
        else:
            self._weigh(key, finding, sent_at, rtt)
        if good and rtt is not None:
            key.unsampled -= 1
            if key.unsampled <= 0:
                key.sample(rtt, key.reading.last_at)

    def _was_deaf(self, watch: Watch, sent_at: float) -> bool:
        """Tell whether an answer may have come that we did not read.

        A batch engine reads all that has come before it gives anything up: then it takes a host that stood
        still, and not just a loop that was late.
        """
        if watch.engine is not None:
            return self.scheduler.stood_still_since(sent_at)
        return self.scheduler.lagged_since(max(sent_at, time.monotonic() - READ))

    def relearned(self, most: int | None = None) -> dict[str, Kept]:
        """Return what is to be kept of checks that were told of, or have learned, since this was last asked.

        Of those that have learned, at most *most*. What is believed is kept together with the news of it, so
        where that still waits, so does this.
        """
        found = [w for w in self.watches.values() if w.relearned and not self._pace.is_waiting(w)]
        told, learned = [w for w in found if w.slot], [w for w in found if not w.slot]
        return {watch.check.id: watch.kept() for watch in (*told, *learned[:most])}

    # What the lifecycle tells.

    def adopt(self, watches: Mapping[str, Watch]) -> None:
        """Make *watches* the world's checks; what has gone is forgotten with what was said of it."""
        self._pace.flush()
        world = self.world
        forgotten = dict.fromkeys(self.watches.keys() - watches.keys())
        self.watches = dict(watches)
        world.checks = {name: watch.check for name, watch in watches.items()}
        world.readings = {name: watch.reading for name, watch in watches.items()}
        world.beliefs = {name: watch.belief for name, watch in watches.items()}
        before = set(world.statuses)
        changes = self.assessor.adopt(self.watches)
        spoken_of = {change.now.subject for change in changes}
        # A doubt that held a word back does not outlast a restart, so that word may be due now.
        events = self.assessor.events([change for change in changes if change.now.reason != "not_looked_yet"])
        self._telling.tell(events, before | spoken_of, forgotten | self.assessor.reset)

    def settle(self) -> None:
        """Tell all that follows from what was found so far."""
        self._pace.flush()

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
        reading.failed += lost
        reading.ok += not lost
        reading.remember(lost=lost)
        if "rtt" in finding.values:
            watch.note_rtt(finding.values["rtt"])

    def _weigh(self, watch: Watch, finding: Finding, sent_at: float, rtt: float | None) -> None:
        was = watch.belief
        watch.judge.take(finding, sent_at, sent_at + self._offset, rtt)
        self._revised(watch, was, sent_at)

    def _revised(self, watch: Watch, was: Belief, sent_at: float) -> None:
        """Do what follows from one more look, whether it has changed the belief or not."""
        watch.settle()
        self._look_again(watch, sent_at)
        now = watch.belief
        if now is was:
            return
        self.world.beliefs[watch.check.id] = now
        if now.doubt is not was.doubt or now.verdict is not was.verdict:
            with self._mishaps.contained("diagnosis"):
                self.stirred(watch)
        doubted = (now.doubt is None) != (was.doubt is None)
        if _shown(now) != _shown(was) or (doubted and self.assessor.carries(watch.check.subject)):
            self._pace.add(Changed(watch, was, now))

    def _look_again(self, watch: Watch, sent_at: float) -> None:
        """Put the watch where its judge wants it; in doubt that is not its own rhythm."""
        if watch.flying:
            return
        gap = watch.judge.gap()
        if gap is not None and self._may_hurry():
            self.scheduler.put_at(watch, sent_at + gap)

    def _may_hurry(self) -> bool:
        """Tell whether there may be one more look out of its rhythm; there is no end of them in a storm."""
        now = time.monotonic()
        if now - self._hurry_began >= 1.0:
            self._hurry_began, self._hurried = now, 0
        self._hurried += 1
        return self._hurried <= HURRIED

    def _conclude(self, changed: Sequence[Changed]) -> None:
        """Tell what these changes of belief mean, all of one center or network."""
        with self._mishaps.contained("assessment"):
            self._tell(changed)

    def _tell(self, changed: Sequence[Changed]) -> None:
        changes = self.assessor.changed(changed)
        events = [self._news(one) for one in changed if belief_is_news(one.was, one.now)]
        events += self.assessor.events(changes)
        kept = {one.watch.check.id: one.watch.kept() for one in changed} | self.assessor.reset
        self._telling.tell(events, {change.now.subject for change in changes}, kept)

    def _news(self, changed: Changed) -> Event:
        check = changed.watch.check
        planned = check.id in self.assessor.excused
        return self._telling.event(
            "belief", check.id, belief_news(check, changed.was, changed.now, planned=planned)
        )


def _nobody(_: Watch) -> None:
    """Let nobody know."""


def _shown(belief: Belief) -> tuple[object, ...]:
    """Return what of a belief bears on what is said."""
    return belief.verdict, belief.suspected, belief.reason, belief.strained, belief.decline
