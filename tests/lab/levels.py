"""Three levels of the city in the lab: real daemons at the city, the province and three counties.

Each has a mosquitto of its own. The counties report to the city's and to the province's over their circuits;
city and province gather what is reported to theirs. The city's log and one county's are on small disks.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from tests.lab.disk import Disk
from tests.lab.inventory import inventory
from tests.lab.lab import Lab, why_not
from tests.lab.ledger import Entry, Ledger, compare, end, entries
from tests.lab.programs import MOSQUITTO, Broker, Program, until
from tests.lab.topology import CITY, COUNTIES, DAEMON, PROVINCE, PROVINCIAL, place
from tests.lab.watched import ROOT, Ear

COLLECTORS = ("city", "province")
ON_A_DISK = ("city", COUNTIES[0])
"""Whose log is on a small disk of its own."""
DISK = 24
"""Its size, MiB."""
KEEPALIVE = 2
"""Seconds between two signs of life, everywhere: with the default of 10 all this takes five times as long."""
SILENT_AFTER = 3 * KEEPALIVE
"""Seconds of silence after which an agent is taken to be silent."""
HEARD = ("status/#", "network/#", "daemon/#", "ack/#", "event")

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """Where a daemon stands and which broker is its own."""

    vantage: str
    namespace: str
    broker: str


POSTS = {
    "city": Post("city", CITY, DAEMON),
    "province": Post("province", PROVINCE, PROVINCIAL),
    **{county: Post(county, place(county), "127.0.0.1") for county in COUNTIES},
}


class Daemon(Program):
    """A real daemon, as its settings say."""

    def __init__(self, lab: Lab, namespace: str, folder: Path, settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = folder / "settings.yaml"
        self.settings.write_text(yaml.safe_dump(settings))
        self.state = Path(settings["state_dir"])
        self.vantage = str(settings["vantage"])
        super().__init__(lab, namespace, self._words(), folder / "log")

    def _words(self, *before: str) -> tuple[str, ...]:
        return (*before, sys.executable, "-m", "monitor", "run", "--settings", str(self.settings))

    def start_with(self, *before: str) -> None:
        """Start it behind another program's words, such as `env NAME=value`."""
        self.command = self._words(*before)
        try:
            self.start()
        finally:
            self.command = self._words()

    @property
    def file(self) -> Path:
        """Its event log."""
        return self.state / f"log-{self.vantage}.db"

    def own(self, after: int = 0) -> list[Entry]:
        """Return its own events after a position."""
        return entries(self.file, self.vantage, after)

    def of(self, vantage: str, after: int = 0) -> list[Entry]:
        """Return what it has of another vantage."""
        return entries(self.file, vantage, after)

    def end(self) -> int:
        """Return the position of its latest own event."""
        return end(self.file, self.vantage)

    def tracebacks(self) -> int:
        """Return how many exceptions escaped into its log."""
        return self.log.read_text(errors="replace").count("Traceback") if self.log.exists() else 0


class Levels:
    """All daemons and brokers, as a context: running on entering, gone on leaving."""

    def __init__(
        self, lab: Lab, folder: Path, *, device_period: float | None = 2.0, more: Settings | None = None
    ) -> None:
        """Look at devices so often, None: as their profiles say; *more* settings win over the usual ones."""
        self.lab = lab
        self.folder = folder
        self._more = more or {}
        self._aside: set[str] = set()
        """Boots of second daemons under a county's name."""
        (folder / "city.yaml").write_text(inventory(device_period=device_period), encoding="utf-8")
        self.brokers = {
            name: Broker(lab, post.namespace, post.broker, folder / name / "broker")
            for name, post in POSTS.items()
        }
        self.disks = {name: Disk(folder / name / "state", DISK) for name in ON_A_DISK}
        self.daemons = {name: self.daemon(post, folder / name) for name, post in POSTS.items()}
        self.ears = {
            name: Ear(f"ear-{name}", namespace=post.namespace, host=post.broker, below=HEARD)
            for name, post in POSTS.items()
        }

    def daemon(self, post: Post, folder: Path, **more: object) -> Daemon:
        """Return a daemon at a post with its own folder; *more* settings win over the usual ones."""
        return Daemon(self.lab, post.namespace, folder, self._settings(post, folder) | more)

    def _settings(self, post: Post, folder: Path) -> Settings:
        beat = {"keepalive": KEEPALIVE, "timeout": 2}
        settings: Settings = {
            "inventory": str(self.folder / "city.yaml"),
            "vantage": post.vantage,
            "state_dir": str(folder / "state"),
            "http": {"listen": "127.0.0.1", "port": 9770},
            "mqtt": {"host": post.broker, **beat},
            "store": {"reserve_mib": 1},
            "log": {"format": "json"},
            **self._more,
        }
        if post.vantage in COLLECTORS:
            return {**settings, "collect": True}
        reports = {name: {"host": POSTS[name].broker, **beat} for name in COLLECTORS}
        return {**settings, "reports": reports}

    # ── from start to end ───────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.callback(self._end)
            for disk in self.disks.values():
                disk.mount()
            for broker in self.brokers.values():
                broker.start()
            for ear in self.ears.values():
                ear.open()
            for daemon in self.daemons.values():
                daemon.start()
            self.settled(60)
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        for ear in self.ears.values():
            ear.close()
        for program in (*self.daemons.values(), *self.brokers.values()):
            program.kill()
        for disk in self.disks.values():
            disk.unmount()

    def mend(self) -> None:
        """Undo whatever was done to the world, to programs and disks, and wait until all is well again."""
        self.lab.restore()
        for disk in self.disks.values():
            disk.free()
        for program in (*self.brokers.values(), *self.daemons.values()):
            if program.running:
                program.thaw()
            else:
                program.start()
        self.settled()

    # ── how far they are ────────────────────────────────────────────────────────────────────────

    @property
    def city(self) -> Daemon:
        """The city's daemon."""
        return self.daemons["city"]

    def marks(self) -> dict[str, int]:
        """Return how far the own log of each daemon goes now."""
        return {name: daemon.end() for name, daemon in self.daemons.items()}

    def ledgers(self, marks: dict[str, int], twins: Sequence[Daemon] = ()) -> Iterator[Ledger]:
        """Compare the log of each county, from its mark on, with what city and province have of it.

        What the *twins* recorded under the name of one of them is not compared.
        """
        self._aside |= {entry.boot for twin in twins for entry in twin.own()}
        for county in COUNTIES:
            sent = self.daemons[county].own()
            for collector in COLLECTORS:
                copies = [e for e in self.daemons[collector].of(county) if e.boot not in self._aside]
                yield compare(sent, copies, after=marks[county])

    def ledger(self, marks: dict[str, int], twins: Sequence[Daemon] = ()) -> Ledger:
        """Compare them all."""
        return sum(self.ledgers(marks, twins), start=Ledger())

    def caught_up(self, marks: dict[str, int], seconds: float = 30.0) -> float:
        """Wait until city and province have everything, at most *seconds*; return how long it took."""
        began = time.monotonic()
        while any(ledger.lost for ledger in self.ledgers(marks)):
            if time.monotonic() > began + seconds:
                break
            time.sleep(0.1)
        return time.monotonic() - began

    def settled(self, seconds: float = 40.0) -> None:
        """Wait until the city says that all is up, and everybody's latest start has been gathered."""
        self.ears["city"].settled(seconds)
        until(self._all_gathered, seconds, "every county's log is gathered", 0.2)

    def _all_gathered(self) -> bool:
        return all(
            (own := self.daemons[county].end()) and self.acknowledged(collector, county) >= own
            for county in COUNTIES
            for collector in COLLECTORS
        )

    def acknowledged(self, collector: str, county: str) -> int:
        """Return the position that a collecting daemon has acknowledged last, as its broker tells it."""
        latest = self.ears[collector].latest(f"{ROOT}/ack/{county}")
        return int(latest["position"]) if latest else 0


def why_no_levels() -> str | None:
    """Say why this cannot be run here; None if it can."""
    return why_not() or ("needs mosquitto" if MOSQUITTO is None else None)


@contextlib.contextmanager
def levels(
    folder: Path, *, device_period: float | None = 2.0, more: Settings | None = None
) -> Iterator[Levels]:
    """Lend a lab with all its levels running and settled."""
    with Lab() as lab, Levels(lab, folder, device_period=device_period, more=more) as built:
        yield built


def events_of(told: Sequence[Entry], what: str) -> list[Entry]:
    """Return the events about daemons that say this word."""
    return [entry for entry in told if entry.kind == "daemon" and entry.data.get("what") == what]
