"""One scenario under way: what is done to the world, what is promised, and the row that comes of it."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from tests.lab.ledger import Entry, Row, Turn, unexplained, untold
from tests.lab.levels import Daemon, Levels
from tests.lab.programs import until
from tests.lab.topology import DEVICES, wires

PATIENCE = 30.0
"""Seconds within which a daemon that looks must have recorded what was done; usually it takes 4."""


class Trial:
    """Notes everything that is done through it, so that it can be asked for in the logs."""

    def __init__(self, levels: Levels, name: str) -> None:
        self.levels = levels
        self.name = name
        self.began = time.time()
        self.marks = levels.marks()
        self.turns: list[Turn] = []
        self._broken: list[str] = []
        self._remarks: list[str] = []
        self._tracebacks = {name: daemon.tracebacks() for name, daemon in levels.daemons.items()}

    # ── the world ───────────────────────────────────────────────────────────────────────────────

    def cut(self, *circuits: str) -> None:
        """Cut circuits."""
        self._note(circuits, "down")
        self.levels.lab.cut(*circuits)

    def heal(self, *circuits: str) -> None:
        """Mend circuits."""
        self._note(circuits, "up")
        self.levels.lab.heal(*circuits)

    def cut_off(self, center: str) -> None:
        """Cut all circuits of a center."""
        self.cut(*(wire.id for wire in wires(center)))

    def reconnect(self, center: str) -> None:
        """Mend all circuits of a center."""
        self.heal(*(wire.id for wire in wires(center)))

    def lan_down(self, center: str) -> None:
        """Hang a center's switch: none of its devices answers."""
        self._note(devices(center), "down")
        self.levels.lab.lan_down(center)

    def lan_up(self, center: str) -> None:
        """Let a center's devices answer again."""
        self._note(devices(center), "up")
        self.levels.lab.lan_up(center)

    def _note(self, subjects: Collection[str], now: str) -> None:
        at = time.time()
        self.turns += [Turn(at, subject, now) for subject in subjects]

    # ── what is seen of it ──────────────────────────────────────────────────────────────────────

    def seen(self, *by: Daemon, seconds: float = PATIENCE) -> None:
        """Wait until these daemons have recorded all that was done to what they look at themselves."""

        def recorded() -> bool:
            return not any(self.missed(daemon, seconds) for daemon in by)

        names = ", ".join(daemon.vantage for daemon in by)
        until(recorded, seconds, f"{self.name}: {names} recorded what was done", 0.1)

    def start_anew(self, daemon: Daemon, *before: str) -> None:
        """Start a daemon that has ended, and wait until its new run has recorded that it has begun."""
        boots = {entry.boot for entry in daemon.own()}
        daemon.start_with(*before)
        self.awaited(
            lambda: {entry.boot for entry in daemon.own()} - boots,
            15,
            f"{daemon.vantage}'s daemon began anew",
        )

    def blink(self, circuit: str, *by: Daemon) -> None:
        """Cut a circuit and mend it, each as soon as these daemons have recorded the former."""
        self.cut(circuit)
        self.seen(*by)
        self.heal(circuit)
        self.seen(*by)

    def blink_on(self, circuit: str, *by: Daemon) -> None:
        """Mend a circuit that is cut, and cut it again."""
        self.heal(circuit)
        self.seen(*by)
        self.cut(circuit)
        self.seen(*by)

    def own(self, daemon: Daemon) -> list[Entry]:
        """Return what a daemon has recorded itself since the trial began."""
        return daemon.own(self.marks[daemon.vantage])

    def missed(self, daemon: Daemon, patience: float = PATIENCE) -> list[Turn]:
        """Return what was done to what a daemon looks at itself, and is not in its log."""
        turns = [turn for turn in self.turns if looks_at(daemon.vantage, turn.subject)]
        return untold(turns, self.own(daemon), patience=patience)

    # ── what comes of it ────────────────────────────────────────────────────────────────────────

    def promise(self, held: object, words: str) -> None:
        """Note that something was promised; if it does not hold, the words say so in the row."""
        if not held:
            self._broken.append(words)

    def remark(self, words: str) -> None:
        """Note what was seen besides."""
        self._remarks.append(words)

    def awaited(self, wanted: Callable[[], object], seconds: float, words: str) -> float:
        """Wait for something to be so, at most *seconds*, as promised; return how long it took."""
        took = self._patient(wanted, seconds)
        self.promise(took <= seconds or wanted(), f"{words}: not within {seconds:g} s")
        return took

    @staticmethod
    def _patient(wanted: Callable[[], object], seconds: float) -> float:
        """Wait for something to be so, at most *seconds*; return how long it took."""
        began = time.monotonic()
        while not wanted() and time.monotonic() <= began + seconds:
            time.sleep(0.05)
        return time.monotonic() - began

    def finish(
        self,
        *,
        seconds: float = 30.0,
        patience: float = PATIENCE,
        blind: Collection[str] = (),
        wrong_clock: Collection[str] = (),
        twins: Sequence[Daemon] = (),
    ) -> Row:
        """Wait until all is gathered, compare everything with everything, and return the row.

        The *blind* daemons could not record at the time all that was done, those with a *wrong clock* said
        that it was at another; the *twins* are second daemons whose events may have come, too.
        """
        seeing = [daemon for name, daemon in self.levels.daemons.items() if name not in blind]
        took = self._patient(lambda: not any(map(self.missed, seeing)), seconds)
        took += self.levels.caught_up(self.marks, seconds)
        try:
            self.levels.settled()
        except AssertionError as error:
            self._broken.append(str(error))
        for name, daemon in self.levels.daemons.items():
            own = self.own(daemon)
            missed = self.missed(daemon, patience) if name not in blind else ()
            self._broken += [f"{name} never recorded that {t.subject} was {t.now}" for t in missed]
            false = unexplained(own, self.turns) if name not in wrong_clock else ()
            self._broken += [f"{name} said that {e.subject} is down, for no reason" for e in false]
            self._broken += [f"{name}: {hole}" for hole in holes(own)]
            self._broken += self._ills(daemon)
        ledger = self.levels.ledger(self.marks, twins)
        return Row(self.name, ledger, took, tuple(self._broken), ", ".join(self._remarks))

    def again(self, row: Row) -> Row:
        """Return the row with what was promised and remarked since."""
        new = tuple(words for words in self._broken if words not in row.broken)
        return replace(row, broken=(*row.broken, *new), remark=", ".join(self._remarks))

    def _ills(self, daemon: Daemon) -> Iterator[str]:
        if not daemon.running:
            yield f"{daemon.vantage}'s daemon is gone"
        if escaped := daemon.tracebacks() - self._tracebacks[daemon.vantage]:
            yield f"{escaped} exceptions escaped into {daemon.vantage}'s log"


def devices(center: str) -> list[str]:
    """Give a center's devices as readable paths."""
    return [f"{center}/{key}" for key in DEVICES]


def looks_at(vantage: str, subject: str) -> bool:
    """Tell whether a daemon sees a circuit or device directly, whatever else is broken."""
    center, *rest = subject.split("/")
    circuit = len(rest) == 2
    match vantage:
        case "city":
            return circuit
        case "province":
            return circuit and rest[0] == "province"
    return center == vantage


def holes(own: Sequence[Entry]) -> Iterator[str]:
    """Say where a log lacks events of its own daemon; the numbers of one boot have no holes."""
    boots: defaultdict[str, list[int]] = defaultdict(list)
    for entry in own:
        boots[entry.boot].append(entry.seq)
    for boot, numbers in boots.items():
        wanted = range(min(numbers), max(numbers) + 1)
        if lacking := sorted(set(wanted) - set(numbers)):
            yield f"{len(lacking)} of its own events of boot {boot} are not in its log, {lacking[0]} first"
        if numbers != sorted(numbers):
            yield f"its own events of boot {boot} are out of order"
