"""What may happen to the city's broker: killed, frozen, restarted a hundred times, its memory deleted."""

import json
import time
from pathlib import Path

from tests.lab.hostile import retained
from tests.lab.ledger import Row
from tests.lab.levels import COUNTIES, Levels
from tests.lab.topology import CITY, DAEMON, wires
from tests.lab.trial import Trial
from tests.lab.watched import ROOT, page

COUNTY = COUNTIES[1]
CIRCUITS = tuple(wire.id for wire in wires(COUNTY))
BACK = 40.0
"""Seconds within which all that is retained must be on the broker again: the longest pause between two
attempts to connect, and what the telling takes."""


def killed(levels: Levels, seconds: float = 4.0) -> Row:
    """Kill the broker as a power cut would, while circuits fail."""
    return _away(levels, f"broker killed, {seconds:g} s", seconds, forget=False)


def forgotten(levels: Levels, seconds: float = 4.0) -> Row:
    """Kill the broker and delete what it kept on disk: sessions, retained words, everything."""
    return _away(levels, "broker's file deleted", seconds, forget=True)


def frozen(levels: Levels, seconds: float = 15.0) -> Row:
    """Let the broker stand still with all connections open."""
    trial, broker = Trial(levels, f"broker frozen, {seconds:g} s"), levels.brokers["city"]
    trial.cut(CIRCUITS[0])
    trial.seen(levels.daemons[COUNTY])
    broker.freeze()
    thaw_at = time.monotonic() + seconds
    trial.heal(CIRCUITS[0])
    trial.seen(levels.daemons[COUNTY], levels.city)
    while time.monotonic() < thaw_at:
        trial.blink(CIRCUITS[1], levels.daemons[COUNTY], levels.city)
    broker.thaw()
    return trial.finish(seconds=60)


def restarted(levels: Levels, times: int = 5, pause: float = 1.0) -> Row:
    """Restart the broker again and again, killed and in good order by turns, while circuits fail."""
    trial, broker = Trial(levels, f"broker restarted, {times}×"), levels.brokers["city"]
    before = {name: _handles(levels, name) for name in levels.daemons}
    for number in range(times):
        circuit = CIRCUITS[number // 2 % len(CIRCUITS)]
        (trial.heal if number % 2 else trial.cut)(circuit)
        (broker.kill if number % 3 else broker.stop)()
        broker.start()
        trial.seen(levels.daemons[COUNTY])
        time.sleep(pause)
    if times % 2:
        trial.heal(CIRCUITS[(times - 1) // 2 % len(CIRCUITS)])
        trial.seen(levels.daemons[COUNTY])
    row = trial.finish(seconds=60)
    after = {name: _handles(levels, name) for name in levels.daemons}
    grown = {name: after[name] - before[name] for name in after if after[name] - before[name] > HANDLES}
    trial.promise(not grown, f"open files have grown: {grown}")
    return trial.again(row)


INCIDENTS = f"{ROOT}/incident/"
"""Begins the topics that go with what they tell of: what was open at first may have ended meanwhile."""
HANDLES = 6
"""Open files by which a daemon may differ from one moment to the next."""


def _away(levels: Levels, name: str, seconds: float, *, forget: bool) -> Row:
    trial, broker = Trial(levels, name), levels.brokers["city"]
    agent = levels.daemons[COUNTY]
    kept = {topic for topic in retained(CITY, DAEMON) if not topic.startswith(INCIDENTS)}
    trial.cut(CIRCUITS[0])
    trial.seen(agent, levels.city)
    broker.kill()
    back_at = time.monotonic() + seconds
    if forget:
        trial.promise(broker.forget(), "the broker had kept nothing that could be deleted")
    trial.heal(CIRCUITS[0])
    trial.seen(agent, levels.city)
    while time.monotonic() < back_at:
        trial.blink(CIRCUITS[1], agent, levels.city)
    broker.start()
    took = trial.awaited(lambda: _retains(kept), BACK, "all that was retained is there again")
    trial.remark(f"{len(kept)} retained words back after {took:.1f} s")
    return trial.finish(seconds=60)


def _retains(kept: set[str]) -> bool:
    """Tell whether the broker has what it had kept, and of incidents those that are open, no other."""
    there = retained(CITY, DAEMON)
    status = json.loads(page("/api/v1/status"))
    open_now = {f"{INCIDENTS}{story['incident']}" for story in status["incidents"]}
    return kept <= there and open_now == {topic for topic in there if topic.startswith(INCIDENTS)}


def _handles(levels: Levels, name: str) -> int:
    return len(list(Path(f"/proc/{levels.daemons[name].pid}/fd").iterdir()))
