"""What may be said under a county's name by others: a second daemon, poison, a flood, yesterday's words."""

import sqlite3
import sys
import time
from contextlib import closing

from tests.lab.hostile import Mouth, belief, chunk, encoded, entry, poison
from tests.lab.ledger import Row
from tests.lab.levels import COUNTIES, KEEPALIVE, POSTS, SILENT_AFTER, Levels, events_of
from tests.lab.topology import DAEMON, STRANGER, place, wires
from tests.lab.trial import Trial
from tests.lab.watched import ROOT, sample

COUNTY = COUNTIES[0]
CIRCUITS = tuple(wire.id for wire in wires(COUNTY))
UNUSED = tuple(wire.id for wire in wires(COUNTY) if wire.role == "backup")
"""Circuits over which no reports go while all is well: their failing delays nothing."""
MOST_QUARANTINED = 1000
"""Messages that may be kept for a person to look at."""
LIVE = 2.0
"""Seconds from an event of an honest agent to its commit by the city, in 99 of 100 cases, flood or not."""


def two_under_one_name(levels: Levels) -> Row:
    """Run a second daemon with the same settings, as somebody does who copies a machine."""
    trial, agent, city = Trial(levels, "two agents under one name"), levels.daemons[COUNTY], levels.city
    post = POSTS[COUNTY]
    twin = levels.daemon(
        post, levels.folder / "twin", http={"listen": "127.0.0.1", "port": 9771}, mqtt={"host": None}
    )
    twin.start()
    try:
        took = trial.awaited(
            lambda: events_of(trial.own(city), "agent_doubled"),
            10 + 2 * KEEPALIVE,
            "the city told of two daemons",
        )
        trial.remark(f"told {took:.1f} s after the second was started")
        trial.blink(CIRCUITS[0], agent, city)
    finally:
        twin.stop()
    own = {e.key for e in twin.own()}
    took = trial.awaited(
        lambda: events_of(trial.own(city), "agent_single"), 30, "the city told that one is left"
    )
    trial.remark(f"one again after {took:.1f} s")
    row = trial.finish(seconds=60, twins=[twin])
    came = sum(1 for e in city.of(COUNTY) if e.key in own)
    trial.remark(f"{came} of the second's {len(own)} events came, too")
    return trial.again(row)


def wrong_topics(levels: Levels) -> Row:
    """Speak of others' affairs from one's own tree, and of one's own from where nobody listens."""
    trial = Trial(levels, "hostile: wrong topics")
    others = [
        (f"vantage/{STRANGER}/belief/{CIRCUITS[0]}/icmp", belief(COUNTY, 1, f"{CIRCUITS[0]}/icmp")),
        (f"vantage/{STRANGER}/log", chunk(COUNTY, 1, entry(1, COUNTY))),
        (f"vantage/{STRANGER}/log/more", chunk(STRANGER, 1, entry(1, COUNTY))),
        ("vantage/nobody/log", chunk("nobody", 1, entry(1, COUNTY))),
        (f"vantage/{COUNTY}/logs", chunk(COUNTY, 1, entry(1, COUNTY))),
        ("vantage/city/log", chunk("city", 1, entry(1, COUNTY))),
    ]
    before = _quarantined(levels)
    with _stranger() as mouth:
        for topic, word in others:
            mouth.say(f"{ROOT}/{topic}", encoded(word))
    trial.blink(CIRCUITS[1], levels.daemons[COUNTY], levels.city)
    row = trial.finish()
    _nothing_taken(trial)
    trial.remark(f"{_quarantined(levels) - before} of {len(others)} put aside")
    return trial.again(row)


def poisoned(levels: Levels) -> Row:
    """Say everything that no honest daemon says."""
    trial, bad = Trial(levels, "hostile: poison"), list(poison(STRANGER))
    before, refused = _quarantined(levels), _counted("refused", STRANGER)
    with _stranger() as mouth:
        for end, payload in bad:
            mouth.say(f"{ROOT}/vantage/{STRANGER}/{end}", payload)
    trial.blink(CIRCUITS[1], levels.daemons[COUNTY], levels.city)
    row = trial.finish()
    _nothing_taken(trial)
    kept, refused = _quarantined(levels), _counted("refused", STRANGER) - refused
    trial.promise(refused == len(bad), f"{refused:.0f} of {len(bad)} messages were refused")
    trial.promise(kept > before, "nothing was put aside for a person to look at")
    trial.promise(kept <= MOST_QUARANTINED, f"{kept} messages are put aside")
    trial.remark(f"{refused:.0f} of {len(bad)} refused, {kept - before} put aside")
    return trial.again(row)


def flooded(levels: Levels, rate: int = 5000, seconds: float = 10.0) -> Row:
    """Say thousands of messages a second, while an honest county's circuits fail."""
    trial = Trial(levels, f"hostile: {rate}/s for {seconds:g} s")
    memory = levels.city.memory
    words = (sys.executable, "-m", "tests.lab.hostile", DAEMON, STRANGER, str(rate), str(seconds))
    log = levels.folder / f"flood-{time.monotonic_ns()}"
    flood = levels.lab.start(place(STRANGER), *words, log=log)
    began, number = time.monotonic(), 0
    took = trial.awaited(
        lambda: events_of(trial.own(levels.city), "agent_flooding"), 10, "the flooding one is put aside"
    )
    trial.remark(f"put aside after {took:.1f} s")
    while number == 0 or time.monotonic() < began + seconds:
        trial.blink(UNUSED[number % len(UNUSED)], levels.daemons[COUNTY], levels.city)
        number += 1
    flood.wait(30)
    levels.lab.end(flood)
    row = trial.finish()
    honest = [e for county in COUNTIES for e in levels.city.of(county) if e.at > trial.began]
    delays = sorted(e.recorded_at - e.at for e in honest if e.recorded_at is not None)
    p99 = delays[int(0.99 * len(delays))]
    trial.promise(p99 < LIVE, f"99 of 100 honest events took up to {p99:.2f} s")
    trial.remark(f"honest events p99 {p99:.2f} s")
    trial.remark(f"{log.read_text().strip()} said, +{levels.city.memory - memory:.0f} MiB")
    return trial.again(row)


def replayed(levels: Levels) -> Row:
    """Record all that a county says, start its daemon anew, and play yesterday back, twice."""
    trial, agent = Trial(levels, "hostile: replay of yesterday"), levels.daemons[COUNTY]
    city = levels.city
    with _stranger(f"{ROOT}/vantage/{COUNTY}/#") as mouth:
        trial.blink(CIRCUITS[0], agent, city)
        levels.caught_up(trial.marks)
        agent.stop()
        trial.start_anew(agent)
        trial.awaited(lambda: len(events_of(trial.own(city), "agent_online")) > 0, 15, "it is online again")
        levels.caught_up(trial.marks)
        tape = [(topic, payload) for topic, payload in mouth.recorded if payload]
        before, repeated = {e.key for e in city.of(COUNTY)}, _counted("repeated", COUNTY)
        time.sleep(SILENT_AFTER)  # so old must they be to be yesterday's, not late
        for topic, payload in tape * 2:
            mouth.say(topic, payload)
        trial.awaited(lambda: _counted("repeated", COUNTY) > repeated, 10, "repetitions are counted")
    after = {e.key for e in city.of(COUNTY)}
    named = {e.key for e in agent.own()}
    trial.promise(after - before <= named, "the replay made events")
    trial.blink(CIRCUITS[1], agent, city)
    row = trial.finish()
    doubled = events_of(trial.own(city), "agent_doubled")
    trial.promise(not doubled, "yesterday's words were taken for a second daemon")
    counted = _counted("repeated", COUNTY) - repeated
    trial.remark(f"{2 * len(tape)} words played back, {counted:.0f} words and events known already")
    return trial.again(row)


def _stranger(heard: str | None = None) -> Mouth:
    return Mouth(place(STRANGER), DAEMON, f"stranger-{time.monotonic_ns()}", heard)


def _counted(what: str, vantage: str) -> float:
    """Return how many words or events of a vantage the city's daemon has counted as *what*."""
    return sample(f"command_monitor_agent_{what}_total", agent=vantage)


def _nothing_taken(trial: Trial) -> None:
    """Promise that of the stranger's words none has become an event, nor a county another."""
    city = trial.levels.city
    for vantage in (STRANGER, "nobody"):
        taken = city.of(vantage, trial.marks["city"])
        trial.promise(not taken, f"{len(taken)} events of {vantage} were taken in")


def _quarantined(levels: Levels) -> int:
    """Return how many messages the city's daemon keeps for a person to look at."""
    with closing(sqlite3.connect(f"file:{levels.city.file}?mode=ro", uri=True, timeout=5)) as log:
        return int(log.execute("SELECT count(*) FROM quarantine").fetchone()[0])
