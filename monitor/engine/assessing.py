"""From what is believed of checks to what is said of subjects, and to the news of it.

How a subject is and what is said of it are two things while it is worked on; both are kept.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from math import inf

from monitor.core.checks import network_subject, way_to
from monitor.core.detection import Belief, Verdict
from monitor.core.health import REACHABLE, Health, Status, View, assess_center, assess_network, is_cut
from monitor.core.maintenance import found_when, said
from monitor.core.news import Change, status_is_news, status_news
from monitor.core.observation import Outcome
from monitor.core.record import Kept
from monitor.core.report import Told
from monitor.core.sentence import Scene
from monitor.core.world import Event, World
from monitor.engine.pace import Changed
from monitor.engine.scheduler import Scheduler
from monitor.engine.telling import Telling
from monitor.engine.watch import Watch


class Assessor:
    """Keeps the statuses of the world; a part of the pipeline."""

    def __init__(self, world: World, telling: Telling, zone: tzinfo, wall: Callable[[], float]) -> None:
        self.scheduler: Scheduler
        self.excused: frozenset[str] = frozenset()
        """Checks that may fail because of planned work."""
        self.reset: dict[str, Kept] = {}
        """Checks whose belief was given up during the latest assessment: their way was cut, and is open."""
        self._world = world
        self._telling = telling
        self._zone = zone
        self._wall = wall
        self._watches: Mapping[str, Watch] = {}
        self._by_subject: dict[str, list[Watch]] = {}
        self._over: dict[str, list[Watch]] = {}
        """By circuit, the looks at something beyond it that go over it."""
        self._found: dict[str, Status] = {}
        """How each subject is, whether it is worked on or not."""

    def adopt(self, watches: Mapping[str, Watch]) -> list[Change]:
        """Speak of what *watches* look at and of nothing else; return all that was said, and is said now."""
        world, self._watches, self.reset = self._world, watches, {}
        self._by_subject, self._over = {}, {}
        for watch in watches.values():
            self._by_subject.setdefault(watch.check.subject, []).append(watch)
            if watch.check.over is not None:
                self._over.setdefault(watch.check.over, []).append(watch)
        remembered = {subject: found_when(status) for subject, status in world.statuses.items()}
        self._found = {**remembered, **self._found}
        changes = self._assess(world.inventory.networks, world.inventory.centers)
        spoken_of = {change.now.subject for change in changes}
        for statuses in (world.statuses, self._found):
            for gone in statuses.keys() - spoken_of:
                del statuses[gone]
        return changes

    def changed(self, beliefs: Iterable[Changed]) -> list[Change]:
        """Say anew what depends on these beliefs; return what is said otherwise now."""
        self.reset, subjects = {}, []
        for one in beliefs:
            subject = one.watch.check.subject
            if one.mended:
                self._renew(self._through(subject))
            over = self._over.get(subject, ())
            if one.cleared:
                self._look_behind(over, one.was.since)
            subjects += [subject, *(watch.check.subject for watch in over)]
        return self._differing(subjects)

    def carries(self, subject: str) -> bool:
        """Tell whether other looks go over this circuit or network: its slightest doubt bears on them."""
        return subject in self._over or subject.startswith("network/")

    def excuse(self, checks: frozenset[str]) -> list[Change]:
        """Excuse these *checks* and no others; return what is said otherwise because of it."""
        self.reset = {}
        differ = [self._watches[name].check for name in checks ^ self.excused if name in self._watches]
        self.excused = checks
        beyond = (watch.check.subject for check in differ for watch in self._over.get(check.subject, ()))
        return self._differing([*(check.subject for check in differ), *beyond])

    def events(self, changes: Iterable[Change]) -> list[Event]:
        """Make the events of those of *changes* that are worth one."""
        news, scene = self._telling.event, Scene(self._world.inventory, self._world.statuses, self._zone)
        return [news("status", c.now.subject, status_news(c, scene)) for c in changes if status_is_news(c)]

    def _differing(self, subjects: Iterable[str]) -> list[Change]:
        """Say anew how the networks and centers of *subjects* are, and return what differs."""
        paths = [subject.split("/") for subject in dict.fromkeys(subjects)]
        networks = dict.fromkeys(path[1] for path in paths if path[0] == "network")
        centers = dict.fromkeys(path[0] for path in paths if path[0] != "network")
        changes = self._assess(networks, self._world.inventory.centers if networks else centers)
        return [change for change in changes if change.now != change.before]

    def _assess(self, networks: Iterable[str], centers: Iterable[str]) -> list[Change]:
        """Say anew how these networks and centers are; return everything that was said, before and now."""
        found = [*self._find_networks(networks)]
        back = {s.subject.partition("/")[2]: self._found[s.subject].since for s in found if self._is_back(s)}
        changes = self._note(found)
        for network, since in back.items():
            self._look_behind((w for w in self._watches.values() if w.check.network == network), since)
        for center in centers:
            changes += self._note(self._find_center_anew(center))
        return changes

    def _note(self, found: Iterable[Status]) -> list[Change]:
        """Keep how subjects are, and say it; return what was said of them and is said now."""
        statuses, now, changes = self._world.statuses, self._wall(), []
        for status in found:
            before = statuses.get(status.subject)
            statuses[status.subject] = said(status, before, now)
            self._found[status.subject] = status
            changes.append(Change(before, statuses[status.subject]))
        return changes

    def _find_center_anew(self, name: str) -> list[Status]:
        """Find how a center is; if the way to its devices is back, look at them anew before saying it."""
        found = self._find_center(name)
        way = f"{name}/{self._way_to(name)}"
        if any(status.subject == way and self._is_back(status) for status in found):
            devices = self._world.inventory.centers[name].devices
            looks = (watch for d in devices for watch in self._by_subject.get(d.id, ()))
            self._look_behind(looks, self._found[way].since)
            found = self._find_center(name)
        return found

    def _is_back(self, now: Status) -> bool:
        """Tell whether a way that was cut is open again, so that what lies behind it can be seen."""
        before = self._found.get(now.subject)
        return before is not None and is_cut(before) and now.health in REACHABLE

    def _look_behind(self, watches: Iterable[Watch], since: float) -> None:
        """Look anew at what a fault hid *since* then, before it is spoken of; no miss counts."""
        now, wall = time.monotonic(), self._wall()
        for watch in watches:
            if watch.slot is not None:
                watch.slot.spare()
            doubtful = watch.belief.verdict is Verdict.DOWN or watch.belief.doubt is not None
            if doubtful or watch.judge.misled(since):
                watch.judge.forget(Belief(since=wall, reason="behind_link"), now, since)
                self._note_given_up(watch)
                self.scheduler.put_at(watch, now)
            else:
                watch.judge.spare(now, since)

    def _renew(self, watches: Iterable[Watch]) -> None:
        """Judge anew what has become as bad as the way to it, now that the way is as good as ever."""
        for watch in watches:
            found = self._found.get(watch.check.subject)
            if watch.belief.decline is not None and (found is None or found.health is Health.UP):
                watch.judge.renew(self._wall())
                self._note_given_up(watch)

    def _note_given_up(self, watch: Watch) -> None:
        watch.settle()
        self._world.beliefs[watch.check.id] = watch.belief
        self.reset[watch.check.id] = watch.kept()

    def _through(self, subject: str) -> Iterator[Watch]:
        """Give the looks that go through a network or a circuit."""
        kind, _, name = subject.partition("/")
        if kind == "network":
            yield from (watch for watch in self._watches.values() if watch.check.network == name)
            return
        yield from self._over.get(subject, ())
        center = self._world.inventory.centers.get(kind)
        for device in center.devices if center is not None else ():
            yield from self._by_subject.get(device.id, ())

    def _way_to(self, center: str) -> str | None:
        inventory = self._world.inventory
        vantage = inventory.vantages[self._world.vantage]
        return None if vantage.center == center else way_to(inventory.centers[center], vantage)

    def _find_networks(self, networks: Iterable[str]) -> Iterator[Status]:
        for subject in map(network_subject, networks):
            if subject in self._by_subject:
                watches = self._by_subject[subject]
                ways = [self._by_subject.get(watch.check.over or "", []) for watch in watches]
                yield assess_network(
                    subject,
                    [(w.belief, [x.belief for x in way]) for w, way in zip(watches, ways, strict=True)],
                    self._found.get(subject),
                    planned=self._are_excused(watches),
                    way_planned=self._are_excused([watch for way in ways for watch in way]),
                )

    def _find_center(self, name: str) -> list[Status]:
        inventory = self._world.inventory
        center, vantage = inventory.centers[name], inventory.vantages[self._world.vantage]
        subjects = [*(c.id for c in center.circuits()), *(d.id for d in center.devices)]
        networks = ((n, self._found.get(network_subject(n))) for n in inventory.networks)
        by_subject = self._by_subject
        view = View(
            beliefs={s: found for s in subjects if (found := self._own_beliefs(s))},
            before=self._found,
            networks={name: status for name, status in networks if status is not None},
            way=self._way_to(name),
            own=vantage.center == name,
            at_hand={d.id for d in center.devices if self._is_at_hand(d.id)},
            good={d.id: self._last_good(d.id) for d in center.devices if d.id in by_subject},
            planned={s for s in subjects if self._are_excused(by_subject.get(s, ()))},
            strained=[n for n in inventory.networks if self._is_strained(network_subject(n))],
            doubtful=[n for n in inventory.networks if self._is_doubtful(network_subject(n))],
        )
        return assess_center(center, view)

    def _own_beliefs(self, subject: str) -> list[Belief]:
        """Return what is believed of a subject itself, without a device's words about circuits."""
        return [w.belief for w in self._by_subject.get(subject, ()) if w.check.look.about is None]

    def _is_at_hand(self, subject: str) -> bool:
        return all(w.check.look.told is Told.BY_PERSON for w in self._by_subject.get(subject, ()))

    def _is_strained(self, subject: str) -> bool:
        return any(watch.belief.strained for watch in self._by_subject.get(subject, ()))

    def _is_doubtful(self, subject: str) -> bool:
        return any(watch.belief.doubt is not None for watch in self._by_subject.get(subject, ()))

    def _are_excused(self, watches: Sequence[Watch]) -> bool:
        """Tell whether all of *watches* that are in doubt may fail because of planned work."""
        if not self.excused:
            return False
        doubtful = [watch.check.id for watch in watches if _is_in_doubt(watch.belief)]
        return bool(doubtful) and self.excused.issuperset(doubtful)

    def _last_good(self, subject: str) -> float:
        """Return the wall time of the latest look at a subject if it was good, else 0.

        Before the first look of this run what an earlier one said holds on: then it is infinite, or 0.
        """
        looked = [w.reading for w in self._by_subject[subject] if w.reading.finding]
        if not looked:
            before = self._found.get(subject)
            return inf if before is not None and before.health is Health.UP else 0.0
        return max((r.last_at for r in looked if r.finding and r.finding.outcome is Outcome.OK), default=0.0)


def _is_in_doubt(belief: Belief) -> bool:
    return belief.verdict in (Verdict.DOWN, Verdict.DEGRADED) or belief.suspected
