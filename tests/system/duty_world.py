"""What happened in a town beside what a log says of it: nothing missing, invented or wrongly blamed."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from tests.lab.ledger import Entry
from tests.system.account import Book, Recorded, changes, recorded
from tests.system.town import Flip, Town

LATE = 10.0
"""Seconds for which a circuit that is mended may still be held to be cut."""
SLACK = 0.1
"""Seconds by which two clocks of one machine may be read in the wrong order."""
ILL = ("on_backup", "degraded")


@dataclass(frozen=True)
class Done:
    """What was done to a town, all of which must stand in the log."""

    town: Town

    @property
    def flips(self) -> list[Flip]:
        """Return it in its order."""
        return self.town.flips

    def is_seen(self, _circuit: str) -> bool:
        """Say that nothing is left to be seen."""
        return True


@dataclass(frozen=True)
class World:
    """The account of what was looked at."""

    found: Recorded
    blamed: tuple[str, ...]
    """What was said to be broken and was not, in words."""
    seen: tuple[float, ...]
    """Seconds from each flip to the event about it, as the daemon noticed it."""

    def faults(self) -> list[str]:
        """Return what is wrong, in words."""
        found = self.found
        counted = {"missing": found.lost, "invented": found.doubled}
        wrong = [f"{count} of {found.expected} events {what}" for what, count in counted.items() if count]
        return [*wrong, *found.blemishes, *self.blamed]


def world_of(done, book: Book, opened: dict[str, dict]) -> World:
    """Compare a log, and the alarms *opened* in it, with what was *done*: a `Done`, or a `Script`.

    None: there is no town, and what happens comes from the test.
    """
    if done is None:
        return World(Recorded(0, 0, 0, 0, 0.0, ()), (), ())
    cuts = Cuts(done.town)
    blamed = [*_blamed(cuts, book.events)]
    for alarm, told in opened.items():
        if (
            told["area"] != "ourselves"
            and not told["drill"]
            and not cuts.explain(told["subject"], told["at"])
        ):
            blamed.append(f"an alarm of {told['subject']} ({alarm}), in which nothing was cut")
    return World(recorded(done, book), tuple(blamed), tuple(_seen(done, book)))


def _blamed(cuts: "Cuts", events: list[Entry]) -> Iterator[str]:
    """Tell what was said to be worse than it can have been."""
    for entry in events:
        now = entry.data.get("now")
        if entry.kind == "belief" and now == "down" and not cuts.all_of(entry.data["subject"], entry.at):
            yield f"{entry.subject} is said to be down, and was not cut"
        if entry.kind == "status" and now == "down" and not cuts.all_of(entry.subject, entry.at):
            yield f"{entry.subject} is said to be down, and was not cut off"
        if entry.kind == "status" and now in ILL and not cuts.explain(entry.subject, entry.at):
            yield f"{entry.subject} is said to be {now}, and nothing in it was cut"
        confirmed = entry.kind == "incident" and entry.data["stage"] == "confirmed"
        if confirmed and not cuts.explain(entry.subject, entry.at):
            yield f"{entry.subject} is said to be broken, and nothing in it was cut"


class Cuts:
    """When which circuit of a town was cut."""

    def __init__(self, town: Town) -> None:
        self._spans: dict[str, list[tuple[float, float]]] = {name: [] for name in town.echoes}
        for flip in town.flips:
            spans = self._spans[flip.circuit]
            if flip.now == "down":
                spans.append((flip.at, inf))
            elif spans:
                spans[-1] = (spans[-1][0], flip.at)

    def all_of(self, subject: str, at: float) -> bool:
        """Tell whether each circuit of *subject* was cut then, or had been just before."""
        within = self._within(subject)
        return bool(within) and all(self._was_cut(circuit, at) for circuit in within)

    def explain(self, subject: str, at: float) -> bool:
        """Tell whether a circuit in *subject*, or else of its center or network, was cut."""
        return any(self._was_cut(circuit, at) for circuit in self._within(subject) or self._beside(subject))

    def _within(self, subject: str) -> list[str]:
        return [name for name in self._spans if name == subject or name.startswith(f"{subject}/")]

    def _beside(self, subject: str) -> list[str]:
        """Return the circuits of the same center, or of the network, or all: what else may be broken."""
        parts = set(subject.replace(":", "/").split("/"))
        own = [name for name in self._spans if name.split("/")[0] in parts]
        return own or [name for name in self._spans if name.split("/")[1] in parts] or [*self._spans]

    def _was_cut(self, circuit: str, at: float) -> bool:
        return any(since - SLACK <= at <= until + LATE for since, until in self._spans[circuit])


def _seen(done, book: Book) -> Iterator[float]:
    """Give the seconds from each flip to the belief in it."""
    beliefs = changes(book.events, "belief")
    for circuit in done.town.echoes:
        flips = [flip for flip in done.flips if flip.circuit == circuit]
        known = [one for one in beliefs[f"{circuit}/udp"] if one.data["now"] != "unknown"]
        yield from (
            one.at - flip.at for flip, one in zip(flips, known, strict=False) if flip.now == one.data["now"]
        )
