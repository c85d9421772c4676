"""Takes the view of the world that a scrape shows."""

from collections.abc import Callable, Iterator

from monitor.core.detection import Belief
from monitor.core.health import Status
from monitor.core.inventory import Inventory
from monitor.core.vitals import Vitals
from monitor.core.world import Check, Reading, World
from monitor.outputs.prometheus.family import View
from monitor.outputs.prometheus.labels import Ending, Labels, check_labels, subject_labels, subject_names

STEP = 250
"""Checks or subjects taken between two turns of the event loop, should all their labels be new."""

_NOT_LOOKED = Reading()
_UNKNOWN = Belief()


class Viewer:
    """Takes views; remembers the labels of checks and subjects while the inventory stays the same."""

    def __init__(self, world: Callable[[], World], vitals: Vitals) -> None:
        self._world = world
        self._vitals = vitals
        self._inventory: Inventory | None = None
        self._checks: dict[str, tuple[Check, Labels]] = {}
        self._subjects: dict[str, tuple[Labels, Ending]] = {}

    def view(self) -> View:
        """Take the view of the world as it is now."""
        view, steps = self.begin()
        for _ in steps:
            pass
        return view

    def begin(self) -> tuple[View, Iterator[None]]:
        """Begin a view, and give the steps in which it fills: the caller may rest between them."""
        world = self._world()
        self._forget(world)
        checks: list[tuple[Labels, Reading, Belief]] = []
        subjects: list[tuple[Labels, Ending, Status]] = []
        return View(world, self._vitals, checks, subjects), self._fill(world, checks, subjects)

    def _forget(self, world: World) -> None:
        """Start anew with another inventory, or when checks or subjects have gone."""
        shrunk = len(self._checks) > len(world.checks) or len(self._subjects) > len(world.statuses)
        if world.inventory is not self._inventory or shrunk:
            self._inventory, self._checks, self._subjects = world.inventory, {}, {}

    def _fill(
        self,
        world: World,
        checks: list[tuple[Labels, Reading, Belief]],
        subjects: list[tuple[Labels, Ending, Status]],
    ) -> Iterator[None]:
        inventory, readings, beliefs = world.inventory, world.readings, world.beliefs
        statuses = tuple(world.statuses.values())
        for number, check in enumerate(tuple(world.checks.values()), 1):
            reading = readings.get(check.id, _NOT_LOOKED)
            belief = beliefs.get(check.id, _UNKNOWN)
            checks.append((self._of_check(check, inventory), reading, belief))
            if number % STEP == 0:
                yield
        for number, status in enumerate(statuses, 1):
            subjects.append((*self._of_subject(status, inventory), status))
            if number % STEP == 0:
                yield

    def _of_check(self, check: Check, inventory: Inventory) -> Labels:
        known = self._checks.get(check.id)
        if known is None or known[0] is not check:
            known = self._checks[check.id] = (check, Labels(check_labels(check, inventory)))
        return known[1]

    def _of_subject(self, status: Status, inventory: Inventory) -> tuple[Labels, Ending]:
        known = self._subjects.get(status.subject)
        if known is None:
            labels = Labels(subject_labels(status.subject, status.kind, inventory))
            names = Ending(*subject_names(status.subject, inventory))
            known = self._subjects[status.subject] = (labels, names)
        return known
