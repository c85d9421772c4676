"""Takes the view of the world that a scrape shows."""

import time
from collections.abc import Callable, Iterator

from monitor.core.agent import Agent
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


def epoch_now() -> float:
    """Return the wall time at which the monotonic clock stood at 0, by the wall clock as it is now."""
    return time.time() - time.monotonic()


class Viewer:
    """Takes views; remembers the labels of checks and subjects while the inventory stays the same."""

    def __init__(
        self, world: Callable[[], World], vitals: Vitals, epoch: Callable[[], float] = epoch_now
    ) -> None:
        self._world = world
        self._vitals = vitals
        self._epoch = epoch
        self._book: _Book | None = None

    def view(self) -> View:
        """Take the view of the world as it is now."""
        view, steps = self.begin()
        for _ in steps:
            pass
        return view

    def begin(self) -> tuple[View, Iterator[None]]:
        """Begin a view, and give the steps in which it fills: the caller may rest between them."""
        world = self._world()
        if self._book is None or not self._book.fits(world):
            self._book = _Book(world.inventory)
        view = View(world, self._vitals, self._epoch(), tuple(_agents(world)))
        return view, _fill(view, self._book)


def _agents(world: World) -> Iterator[tuple[Labels, Agent]]:
    """Give what is known of the inventory's other vantages; of none that only calls itself one."""
    for vantage in world.inventory.vantages:
        if vantage != world.vantage and (agent := world.agents.get(vantage)) is not None:
            yield Labels([("agent", vantage)]), agent


def _fill(view: View, book: "_Book") -> Iterator[None]:
    readings, beliefs = view.world.readings, view.world.beliefs
    statuses, circuits = tuple(view.world.statuses.values()), view.world.inventory.circuits
    for number, check in enumerate(tuple(view.world.checks.values()), 1):
        view.check_labels.append(book.check(check))
        reading = readings.get(check.id, _NOT_LOOKED)
        view.readings.append(reading)
        if check.subject in circuits and (call := reading.call) is not None:
            view.calls[check.subject] = min(call, view.calls.get(check.subject, call))
        view.beliefs.append(beliefs.get(check.id, _UNKNOWN))
        if number % STEP == 0:
            yield
    for number, status in enumerate(statuses, 1):
        labels, names = book.subject(status)
        view.subject_labels.append(labels)
        view.names.append(names)
        view.statuses.append(status)
        if number % STEP == 0:
            yield


class _Book:
    """The labels of the checks and subjects of one inventory, as far as they were asked for."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._checks: dict[str, Check] = {}
        self._check_labels: dict[str, Labels] = {}
        self._subject_labels: dict[str, Labels] = {}
        self._names: dict[str, Ending] = {}

    def fits(self, world: World) -> bool:
        """Tell whether this is still the inventory, and nothing has gone of what is written here."""
        return (
            self._inventory is world.inventory
            and len(self._checks) <= len(world.checks)
            and len(self._names) <= len(world.statuses)
        )

    def check(self, check: Check) -> Labels:
        """Give the labels of a check."""
        if self._checks.get(check.id) is not check:
            self._checks[check.id] = check
            self._check_labels[check.id] = Labels(check_labels(check, self._inventory))
        return self._check_labels[check.id]

    def subject(self, status: Status) -> tuple[Labels, Ending]:
        """Give the labels and the names of a subject."""
        subject = status.subject
        if subject not in self._names:
            self._subject_labels[subject] = Labels(subject_labels(subject, status.kind, self._inventory))
            self._names[subject] = Ending(*subject_names(subject, self._inventory))
        return self._subject_labels[subject], self._names[subject]
