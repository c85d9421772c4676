"""What may break in the city, and which pieces may then be named for it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.lab.lab import FROM_CENTER, TO_CENTER
from tests.lab.levels import SILENT_AFTER, Levels
from tests.lab.topology import CENTERS, COUNTIES, DUCT

Pieces = list[set[str]]
ALL = ("city/primary", "city/backup", "province/primary", "province/backup")
FLAP, FLAPS = (4.0, 16.0), 3
"""Seconds that a flapping circuit is cut and whole, a fifth of 20 and 80; and how often."""
OTHER = "wudangshan"
"""A center in which something else breaks at the same time; nothing else is done to it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks, in one center or for all."""

    name: str
    make: Callable[[Levels, str], object]
    pieces: Callable[[str], Pieces]
    """For each incident that it should be: the components that it may be called after."""
    touched: Callable[[str], set[str]]
    """Subjects of which alarm may be given; those below a path that ends in a slash."""
    where: Sequence[str] = tuple(center for center in CENTERS if center != OTHER)
    """Centers in which it can happen."""
    least: int | None = None
    """So many of its incidents must be told; None: all."""
    patience: float = 30.0
    """Seconds within which they must be confirmed; those with no incident are watched for so long."""
    planned: bool = False
    """It is being worked on, so its incident must be a planned one."""
    degrades: bool = False
    """It makes a circuit worse and breaks nothing: no incident, and its status says so."""
    timed: bool = False
    """It breaks a circuit, a center or a core, which has to be told in a stated time."""
    always: bool = False
    """Among the few that are played at each change of the program."""


def _circuit(end: str) -> Fault:
    def pieces(center: str) -> Pieces:
        return [{f"{center}/{end}"}]

    def cut(at: Levels, center: str) -> None:
        at.lab.cut(f"{center}/{end}")

    return Fault(end.replace("/", " "), cut, pieces, _line(end), timed=True)


def _line(*ends: str) -> Callable[[str], set[str]]:
    """Return circuits with their links and their center."""

    def touched(center: str) -> set[str]:
        links = {f"{center}/{end.partition('/')[0]}" for end in ends}
        return {center, *links, *(f"{center}/{end}" for end in ends)}

    return touched


def _center(center: str) -> set[str]:
    return {center, f"{center}/"}


def _dark(center: str) -> Pieces:
    return [{f"{center}/power", f"{center}/router"}]


def _lines(*ends: str) -> Callable[[str], Pieces]:
    return lambda center: [{f"{center}/{end}"} for end in ends]


def _agent(center: str) -> Pieces:
    return [{f"vantage/{center}/agent", f"vantage/{center}/uplink"}]


def _nothing(_: str) -> set[str]:
    return set()


def _cut(*ends: str) -> Callable[[Levels, str], object]:
    return lambda at, center: at.lab.cut(*(f"{center}/{end}" for end in ends))


def _duct(_: str) -> set[str]:
    return set().union(*(_line(path.partition("/")[2])(path.partition("/")[0]) for path in DUCT))


def _flap(at: Levels, center: str) -> None:
    """Cut a circuit and mend it again and again; it ends cut."""
    path = f"{center}/city/primary"
    for _ in range(FLAPS - 1):
        at.lab.cut(path)
        time.sleep(FLAP[0])
        at.lab.heal(path)
        time.sleep(FLAP[1])
    at.lab.cut(path)


def _work_and_cut(at: Levels, center: str) -> None:
    planned(at, "add", "--id", f"work-{center}", "--to", "1h", "--what", center)
    time.sleep(1)
    at.lab.cut_off(center)


def planned(at: Levels, *words: str) -> None:
    """Plan work, or end it, at the city's daemon."""
    command = [sys.executable, "-m", "monitor", "planned", *words, "--settings", str(at.city.settings)]
    environment = os.environ | {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}
    subprocess.run(command, check=True, capture_output=True, timeout=20, env=environment)


def _broker_restarts(at: Levels, _: str) -> None:
    at.brokers["city"].kill()
    at.brokers["city"].start()


def _two(at: Levels, center: str) -> None:
    at.lab.cut(f"{OTHER}/province/primary")
    at.lab.router_dead(center)


QUIET = SILENT_AFTER + 8.0
FAULTS = (
    _circuit("city/primary"),
    _circuit("city/backup"),
    _circuit("province/primary"),
    _circuit("province/backup"),
    Fault(
        "both primaries",
        _cut("city/primary", "province/primary"),
        _lines("city/primary", "province/primary"),
        _line("city/primary", "province/primary"),
        timed=True,
    ),
    Fault("four circuits", _cut(*ALL), _dark, _center, timed=True),
    Fault("power", lambda at, center: at.lab.power_off(center), _dark, _center, timed=True, always=True),
    Fault("router", lambda at, center: at.lab.router_dead(center), _dark, _center, timed=True),
    Fault(
        "LAN",
        lambda at, center: at.lab.lan_down(center),
        lambda center: [{f"{center}/lan"}],
        _center,
        where=tuple(center for center in CENTERS if center not in (*COUNTIES, OTHER)),
        patience=40,
    ),
    Fault(
        "a service",
        lambda at, center: at.lab.silence(center, "server", 80),
        lambda center: [{f"{center}/server/web"}],
        lambda center: {center, f"{center}/server"},
        patience=60,
    ),
    Fault(
        "a device",
        lambda at, center: at.lab.silence(center, "video"),
        lambda center: [{f"{center}/video"}],
        lambda center: {center, f"{center}/video"},
        patience=60,
    ),
    Fault("duct", lambda at, _: at.lab.cut(*DUCT), lambda _: [{"risk/valley-road"}], _duct, timed=True),
    Fault(
        "one way, inwards",
        lambda at, center: at.lab.one_way(f"{center}/city/primary", TO_CENTER),
        _lines("city/primary"),
        _line("city/primary"),
        timed=True,
    ),
    Fault(
        "one way, outwards",
        lambda at, center: at.lab.one_way(f"{center}/province/primary", FROM_CENTER),
        _lines("province/primary"),
        _line("province/primary"),
        timed=True,
    ),
    Fault(
        "core of the city",
        lambda at, _: at.lab.core_dead("city"),
        lambda _: [{"network/city", "vantage/city/uplink"}],
        lambda _: {"network/"},
        timed=True,
    ),
    Fault(
        "core of the province",
        lambda at, _: at.lab.core_dead("province"),
        lambda _: [{"network/province"}],
        lambda _: {"network/province"},
        timed=True,
        always=True,
    ),
    Fault(
        "trunk",
        lambda at, _: at.lab.trunk_cut(),
        lambda _: [{"network/city-province"}],
        lambda _: {"network/province"},
        timed=True,
    ),
    Fault(
        "own uplink",
        lambda at, _: at.lab.uplink_cut(),
        lambda _: [{"vantage/city/uplink", "network/city"}],
        lambda _: {"network/"},
        timed=True,
    ),
    Fault("broker killed", lambda at, _: at.brokers["city"].kill(), lambda _: [{"broker"}], _nothing),
    Fault("broker frozen", lambda at, _: at.brokers["city"].freeze(), lambda _: [{"broker"}], _nothing),
    Fault("broker restarted", _broker_restarts, lambda _: [{"broker"}], _nothing, least=0, patience=QUIET),
    Fault(
        "agent killed", lambda at, center: at.daemons[center].kill(), _agent, _nothing, COUNTIES, always=True
    ),
    Fault("agent frozen", lambda at, center: at.daemons[center].freeze(), _agent, _nothing, COUNTIES),
    Fault("agent not heard", lambda at, center: at.lab.mute(center), _agent, _nothing, COUNTIES),
    Fault(
        "two at once",
        _two,
        lambda center: [*_dark(center), {f"{OTHER}/province/primary"}],
        lambda center: _center(center) | _line("province/primary")(OTHER),
        timed=True,
    ),
    Fault(
        "20 % loss",
        lambda at, center: at.lab.loss(20, f"{center}/city/primary"),
        _lines("city/primary"),
        _line("city/primary"),
        least=0,
        patience=120,
        degrades=True,
    ),
    Fault(
        "flapping",
        _flap,
        _lines(*["city/primary"] * FLAPS),
        _line("city/primary"),
        least=1,
    ),
    Fault("planned work", _work_and_cut, _dark, _nothing, planned=True),
)


def mend(at: Levels) -> None:
    """Undo whatever was done; return as soon as that is done."""
    at.lab.restore()
    for program in (*at.brokers.values(), *at.daemons.values()):
        if program.running:
            program.thaw()
        else:
            program.start()


def end_work(at: Levels, fault: Fault, center: str) -> None:
    """End the work that a fault was part of, as one does who has seen that all is well again."""
    if fault.planned:
        planned(at, "end", f"work-{center}")
