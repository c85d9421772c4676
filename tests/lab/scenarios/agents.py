"""What may happen to the daemon of a county: killed, frozen, restarted, cut off, all silent at once."""

import random
import time

from tests.lab.ledger import Entry, Row, alarms
from tests.lab.levels import COLLECTORS, COUNTIES, KEEPALIVE, SILENT_AFTER, Levels, events_of
from tests.lab.topology import NETWORKS, wires
from tests.lab.trial import Trial
from tests.lab.watched import ROOT

COUNTY = COUNTIES[0]
NOTICED = SILENT_AFTER + KEEPALIVE + 6.0
"""Seconds within which the silence of one agent must be told."""
LATE = 12.0
"""Seconds from happening to coming beyond which evidence must be told as late."""
LONG = 60.0
"""Seconds within which a daemon that was killed in between must have recorded what was done."""
dice = random.SystemRandom()


def killed(levels: Levels, rounds: int = 2) -> Row:
    """Kill the daemon as a power cut would, at a moment of its own each time, while circuits fail."""
    trial, agent = Trial(levels, f"agent killed, {rounds}×"), levels.daemons[COUNTY]
    for number in range(rounds):
        circuit = _circuit(number)
        for change in (trial.cut, trial.heal):
            change(circuit)
            time.sleep(dice.uniform(0, 4))
            agent.kill()
            trial.start_anew(agent)
            trial.seen(agent, levels.city, seconds=LONG)
    boots = {entry.boot for entry in trial.own(agent)}
    trial.promise(len(boots) >= 2 * rounds, f"{2 * rounds} kills, and events of {len(boots)} boots only")
    return trial.finish(patience=LONG)


def frozen(levels: Levels, seconds: float = 15.0) -> Row:
    """Let the daemon stand still with open connections while a circuit fails."""
    trial, agent = Trial(levels, f"agent frozen, {seconds:g} s"), levels.daemons[COUNTY]
    agent.freeze()
    began = time.monotonic()
    circuit = _circuit(0)
    trial.cut(circuit)
    took = trial.awaited(lambda: _told(trial, "agent_silent"), NOTICED, "the city told that it is silent")
    trial.remark(f"silence told after {took:.1f} s")
    trial.seen(levels.city)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    agent.thaw()
    took = trial.awaited(lambda: _told(trial, "agent_back"), NOTICED, "the city told that it is back")
    trial.remark(f"return after {took:.1f} s")
    trial.seen(agent, seconds=seconds + 20)
    trial.heal(circuit)
    trial.seen(agent, levels.city, seconds=seconds + 20)
    _only_silent(trial)
    return trial.finish(patience=seconds + 20)


def restarted(levels: Levels, times: int = 1) -> Row:
    """Stop the daemon in good order and start it again."""
    trial, agent = Trial(levels, f"agent restarted, {times}×"), levels.daemons[COUNTY]
    for number in range(times):
        circuit = _circuit(number)
        trial.cut(circuit)
        trial.seen(agent)
        status = agent.stop()
        trial.promise(status == 0, f"it ended with status {status}")
        trial.heal(circuit)
        trial.start_anew(agent)
        trial.seen(agent, levels.city)
    farewells = _told(trial, "agent_stopped")
    trial.promise(len(farewells) == times, f"the city told of {len(farewells)} farewells, not {times}")
    trial.promise(not _told(trial, "agent_silent"), "the city took a farewell for silence")
    return trial.finish()


def cut_off(levels: Levels, seconds: float = 25.0) -> Row:
    """Cut a county off from both brokers while its circuits and devices fail and recover, then mend all.

    Everything it saw meanwhile must come, in order, with its own times, and raise nothing.
    """
    trial, agent = Trial(levels, f"agent cut off, {seconds:g} s"), levels.daemons[COUNTY]
    began = time.monotonic()
    levels.lab.mute(COUNTY)
    trial.cut_off(COUNTY)
    trial.seen(agent)
    hidden_since, number = time.time(), 0
    while number == 0 or time.monotonic() < began + seconds:
        trial.lan_down(COUNTY)
        trial.seen(agent)
        trial.lan_up(COUNTY)
        trial.seen(agent)
        trial.blink_on(_circuit(number), agent)
        number += 1
    known = {name: len(levels.daemons[name].of(COUNTY, after=trial.marks[name])) for name in COLLECTORS}
    latest = time.time() - LATE
    late = {entry.key for entry in trial.own(agent) if hidden_since < entry.at < latest}
    heard = levels.ears["city"].now()
    trial.reconnect(COUNTY)
    levels.lab.mute()
    mended_at = time.time()
    trial.seen(agent, levels.city)
    row = trial.finish()
    said = [m.payload for m in levels.ears["city"].heard[heard:] if m.topic == f"{ROOT}/event"]
    told = {(p["vantage"], p["boot"], p["seq"]): p["late"] for p in said}
    trial.promise(all(told.get(key, True) for key in late), "late evidence was told as if it were live")
    came = sum(1 for entry in levels.city.of(COUNTY) if entry.key in late)
    trial.promise(came == len(late), f"{len(late) - came} of the hidden events never came")
    raised = alarms(levels.city.own(trial.marks["city"]), mended_at)
    trial.promise(not raised, f"late evidence raised {raised[:1]}")
    devices = {f"{COUNTY}/{key}" for key in ("server", "video", "siren")}
    seen = alarms(levels.city.own(trial.marks["city"]), hidden_since, about=devices)
    trial.promise(not seen, f"the city spoke of devices that it could not see: {seen[:1]}")
    trial.remark(f"{len(late)} events were hidden, {known['city']} had come before")
    return trial.again(row)


def all_silent(levels: Levels) -> Row:
    """Let no county's reports come through, all at once: that is one trouble near us, not three counties'."""
    trial = Trial(levels, "all agents silent at once")
    levels.lab.mute(*COUNTIES)
    took = trial.awaited(
        lambda: _told(trial, "all_agents_silent", "city"), NOTICED, "the city told that all are silent"
    )
    trial.remark(f"told after {took:.1f} s")
    circuit = _circuit(0)
    trial.blink(circuit, levels.daemons[COUNTY], levels.city)
    levels.lab.mute()
    row = trial.finish()
    once = _told(trial, "all_agents_silent", "city")
    trial.promise(len(once) == 1, f"told {len(once)} times, not once")
    single = [e for county in COUNTIES for e in _told(trial, "agent_silent", county)]
    trial.promise(not single, "single agents were told to be silent, too")
    _only_silent(trial)
    return trial.again(row)


def _circuit(number: int) -> str:
    """Return one of the county's circuits after the other."""
    found = [wire.id for wire in wires(COUNTY)]
    return found[number % len(found)]


def _told(trial: Trial, what: str, about: str = COUNTY) -> list[Entry]:
    """Return the city's events of this word about a daemon since the trial began."""
    return [e for e in events_of(trial.own(trial.levels.city), what) if e.subject == about]


def _only_silent(trial: Trial) -> None:
    """Promise that missing evidence was taken for nothing else."""
    spoken = {entry.subject for entry in alarms(trial.own(trial.levels.city), trial.began)}
    wrong = spoken & {*COUNTIES[1:], *(f"network/{name}" for name in NETWORKS)}
    dead = [e for e in trial.own(trial.levels.city) if e.subject in COUNTIES and e.data.get("now") == "down"]
    trial.promise(not wrong, f"silence was taken for trouble of {sorted(wrong)}")
    trial.promise(not dead, f"silence was taken for a dead center: {dead[:1]}")
