"""What may happen to the clock of a county: an hour wrong, stepped, and right again."""

from pathlib import Path

from tests.lab.ledger import Row
from tests.lab.levels import COUNTIES, Levels, events_of
from tests.lab.topology import wires
from tests.lab.trial import Trial
from tests.lab.watched import sample, samples

COUNTY = COUNTIES[2]
CIRCUIT = next(wires(COUNTY)).id
HOUR = 3600.0
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
"""Debian's libfaketime, which tells a program another time."""


def hour_off(levels: Levels) -> Row:
    """Run a county's daemon with a clock an hour ahead, step it back an hour behind, then set it right."""
    trial, agent, city = Trial(levels, "agent's clock an hour off"), levels.daemons[COUNTY], levels.city
    stamps = _start_with_another_clock(trial, HOUR)
    _measured(trial, HOUR)
    trial.blink(CIRCUIT, city)
    _set(stamps, -HOUR)
    _measured(trial, -HOUR)
    _set(stamps, 0.0)
    _measured(trial, 0.0)
    trial.blink(CIRCUIT, city)
    trial.promise(events_of(trial.own(agent), "clock_stepped"), "the agent did not notice the steps")
    agent.stop()
    trial.start_anew(agent)
    row = trial.finish(blind={COUNTY}, wrong_clock={COUNTY})
    silences = [e for e in events_of(trial.own(city), "agent_silent") if e.subject == COUNTY]
    trial.promise(not silences, "a wrong clock was taken for silence")
    early = [e for e in city.of(COUNTY, trial.marks["city"]) if e.received_at and e.received_at < e.at - 1]
    trial.promise(early, "no event came with a time ahead of ours: the clock was not wrong")
    return trial.again(row)


def set_right_while_away(levels: Levels) -> Row:
    """Let a county's clock be an hour ahead while it is cut off from its brokers, and right when it is back.

    What happened meanwhile bears times of the future, and must come all the same.
    """
    trial, agent = Trial(levels, "clock set right while away"), levels.daemons[COUNTY]
    believed = _believed()
    stamps = _start_with_another_clock(trial, HOUR)
    _measured(trial, HOUR)
    levels.lab.mute(COUNTY)
    mark = agent.end()
    for change, now in ((trial.cut, "down"), (trial.heal, "up")):
        change(CIRCUIT)
        trial.awaited(
            lambda now=now: any(
                e.kind == "status" and e.subject == CIRCUIT and e.data["now"] == now for e in agent.own(mark)
            ),
            15,
            f"the agent saw the circuit {now}",
        )
    _set(stamps, 0.0)
    trial.awaited(lambda: events_of(agent.own(mark), "clock_stepped"), 15, "the agent noticed the step")
    agent.stop()
    trial.start_anew(agent)
    levels.lab.mute()
    trial.awaited(lambda: _believed() == believed, 15, "what the agent believes is heard")
    return trial.finish(blind={COUNTY}, wrong_clock={COUNTY})


def _start_with_another_clock(trial: Trial, offset: float) -> Path:
    """Start the county's daemon with a clock that is so many seconds ahead; return the file that sets it."""
    agent, stamps = trial.levels.daemons[COUNTY], trial.levels.folder / "faketime"
    _set(stamps, offset)
    agent.stop()
    trial.start_anew(
        agent,
        "env",
        f"LD_PRELOAD={FAKETIME}",
        f"FAKETIME_TIMESTAMP_FILE={stamps}",
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
    )
    return stamps


def _set(stamps: Path, offset: float) -> None:
    stamps.write_text(f"{offset:+.0f}")


def _believed() -> float:
    """Return of how many checks the city holds the county's belief."""
    return sum(samples("command_monitor_agent_beliefs", agent=COUNTY))


def _measured(trial: Trial, offset: float) -> None:
    """Wait until the city has measured the clock's offset, and told whether it is wrong."""

    def known() -> bool:
        words = [e for e in events_of(trial.levels.city.own(), "agent_clock") if e.subject == COUNTY]
        told = bool(words) and words[-1].data["wrong"] is (abs(offset) > 1.0)
        return told and abs(sample("command_monitor_agent_clock_offset_seconds", agent=COUNTY) - offset) < 1.0

    took = trial.awaited(known, 25, f"the city knows that the clock is {offset:+g} s off")
    trial.remark(f"{offset:+g} s known after {took:.1f} s")
