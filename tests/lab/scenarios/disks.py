"""What may happen to the disk of a daemon: full while things fail, and free again."""

import time

from tests.lab.ledger import Row
from tests.lab.levels import COUNTIES, Levels
from tests.lab.topology import wires
from tests.lab.trial import Trial

ON_DISK = COUNTIES[0]
OTHER = COUNTIES[2]
MOST = 40
"""Rounds of a circuit's failing and recovering, at most."""
LIVE = 12.0
"""Seconds within which a fault must be told live, disk or no disk."""


def city_full(levels: Levels, seconds: float = 10.0) -> Row:
    """Fill the disk of the city's log while circuits fail; what is told live is told, and recorded later."""
    return _full(levels, "city's disk full", "city", OTHER, seconds)


def agent_full(levels: Levels, seconds: float = 10.0) -> Row:
    """Fill the disk of a county's log while its circuits fail."""
    return _full(levels, "agent's disk full", ON_DISK, ON_DISK, seconds)


def _full(levels: Levels, name: str, whose: str, county: str, seconds: float) -> Row:
    trial = Trial(levels, f"{name}, {seconds:g} s")
    disk, ear = levels.disks[whose], levels.ears[whose]
    circuits = [wire.id for wire in wires(county)]
    disk.fill()
    began, number = time.monotonic(), 0
    stuck = 0
    while number < MOST and (stuck == 0 or time.monotonic() < began + seconds):
        circuit = circuits[number % len(circuits)]
        for change, health in ((trial.cut, "down"), (trial.heal, "up")):
            mark = ear.now()
            change(circuit)
            trial.awaited(
                lambda mark=mark, circuit=circuit, health=health: ear.said(circuit, health, since=mark),
                LIVE,
                f"{whose} told live that {circuit} is {health}",
            )
            disk.fill()
        number += 1
        stuck = len(trial.missed(levels.daemons[whose]))
    trial.promise(disk.left < 1 << 16, f"the disk was not full: {disk.left} bytes are free")
    before = len(trial.own(levels.daemons[whose]))
    disk.free()
    row = trial.finish(seconds=60, patience=LIVE)
    after = len(trial.own(levels.daemons[whose]))
    trial.remark(f"{after - before} of {after} own events were recorded afterwards")
    trial.promise(stuck, f"nothing told had to wait for the disk in {number} rounds: it was no trial")
    return trial.again(row)
