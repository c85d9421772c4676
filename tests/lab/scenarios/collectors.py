"""What may happen to the daemon that gathers: killed or frozen while counties report."""

import random
import time

from tests.lab.ledger import Row
from tests.lab.levels import COUNTIES, Levels, events_of
from tests.lab.topology import wires
from tests.lab.trial import Trial

COUNTY = COUNTIES[1]
CIRCUITS = tuple(wire.id for wire in wires(COUNTY))
LONG = 60.0
"""Seconds within which a daemon that was killed in between must have recorded what was done."""
dice = random.SystemRandom()


def killed(levels: Levels, rounds: int = 2) -> Row:
    """Kill the city's daemon as a power cut would, at a moment of its own each time, while circuits fail."""
    trial = Trial(levels, f"city's daemon killed, {2 * rounds}×")
    for number in range(rounds):
        for change in (trial.cut, trial.heal):
            change(CIRCUITS[number % len(CIRCUITS)])
            time.sleep(dice.uniform(0, 4))
            levels.city.kill()
            trial.start_anew(levels.city)
            trial.seen(levels.daemons[COUNTY], levels.city, seconds=LONG)
    return trial.finish(patience=LONG)


def frozen(levels: Levels, seconds: float = 15.0) -> Row:
    """Let the city's daemon stand still while circuits fail: nobody is judged by what it did not hear."""
    trial, agent = Trial(levels, f"city's daemon frozen, {seconds:g} s"), levels.daemons[COUNTY]
    levels.city.freeze()
    thaw_at = time.monotonic() + seconds
    while time.monotonic() < thaw_at:
        trial.blink(CIRCUITS[0], agent)
    levels.city.thaw()
    row = trial.finish(blind={"city"})
    silences = events_of(trial.own(levels.city), "agent_silent")
    silences += events_of(trial.own(levels.city), "all_agents_silent")
    trial.promise(not silences, f"its own standstill was taken for the silence of others: {silences[:1]}")
    return trial.again(row)
