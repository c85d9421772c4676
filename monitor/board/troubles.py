"""What is wrong, as lines below the table: in the city with whom to call, and with the daemon itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from monitor.core.sentence import duration
from monitor.core.words import Words

SIGNS: Mapping[str, tuple[str, str]] = {
    "up": ("✔", "green"),
    "on_backup": ("↷", "yellow"),
    "degraded": ("▾", "yellow"),
    "down": ("✘", "bold red"),
    "unknown": ("?", "magenta"),
    "maintenance": ("⚒", "cyan"),
}
"""A sign and a style for each health, so that colour is never all; all signs are one cell wide everywhere."""
SUSPECTED = ("!", "bold yellow")
GAP = "  "
INDENT = "    "
PLAIN = "default not bold"
NAME_LEAST = 8
"""Cells of a name that are shown however narrow the terminal is."""
_A_DAY = 86_400.0

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Teller:
    """Says names, healths and times in one language, as of one moment."""

    words: Words
    zone: tzinfo | None
    """None: this machine's."""
    now: float
    """Unix seconds."""

    def called(self, name: Mapping[str, str]) -> str:
        """Return a name in this language."""
        return name[self.words.language]

    def clock(self, at: float) -> str:
        """Tell a time of day; with the date, and without the seconds, if it is long ago."""
        pattern = "%H:%M:%S" if self.now - at < _A_DAY else "%m-%d %H:%M"
        return datetime.fromtimestamp(at, self.zone).strftime(pattern)

    def since(self, at: float | None) -> str:
        """Tell a time and how long ago it was; nothing of a time that nobody knows."""
        return "" if at is None else f"{self.clock(at)} ({duration(self.now - at, self.words)})"

    def reason(self, reason: str | None) -> str:
        """Say a reason in words where there are any."""
        return self.words.reason.get(reason, reason) if reason else ""

    def health(self, health: str) -> Text:
        """Say a health with its sign."""
        sign, style = SIGNS[health]
        return Text(f"{sign} {self.words.health[health]}", style)

    def suspected(self) -> Text:
        """Say that it is feared only."""
        return Text(f"{SUSPECTED[0]}{self.words.label['suspected']}", SUSPECTED[1])


@dataclass(frozen=True, slots=True)
class _Trouble:
    health: Text
    name: str
    """May be shortened."""
    part: str
    """What of it: network and role. Is never shortened."""
    reason: str
    since: str
    call: str = ""


def trouble_lines(status: Item, teller: Teller, width: int) -> Iterator[Text]:
    """Give all that is wrong in a status document, for a terminal of *width* cells."""
    troubles = [*_of_networks(status, teller), *_of_centers(status, teller)]
    label = teller.words.label
    yield Text("")
    if troubles:
        yield Text(f"{label['troubles']} ({len(troubles)})", "bold")
        yield from _aligned(troubles, width)
    else:
        yield Text(f"{SIGNS['up'][0]} {label['none']}", "green")
    yield from _own(status["vitals"], label)


# The city's.


def _of_networks(status: Item, teller: Teller) -> Iterator[_Trouble]:
    for network in status["networks"]:
        if _is_trouble(network):
            yield _trouble(network, teller, teller.called(network["name"]), "")


def _of_centers(status: Item, teller: Teller) -> Iterator[_Trouble]:
    networks = {network["id"]: teller.called(network["name"]) for network in status["networks"]}
    for center in status["centers"]:
        name = teller.called(center["name"])
        for link in center["links"]:
            for circuit in filter(_is_trouble, link["circuits"]):
                part = (
                    f"{networks.get(link['network'], link['network'])} {teller.words.role[circuit['role']]}"
                )
                yield _trouble(circuit, teller, name, part, _whom_to_call(circuit, teller))
        for device in filter(_is_trouble, center["devices"]):
            yield _trouble(device, teller, name, teller.called(device["name"]))


def _is_trouble(item: Item) -> bool:
    """Tell whether an item gets a line: what is merely hidden by another fault does not."""
    if item["health"] is None or item["reason"].startswith("behind_"):
        return False
    return bool(item["health"] != "up" or item["suspected"])


def _trouble(item: Item, teller: Teller, name: str, part: str, call: str = "") -> _Trouble:
    if item["health"] == "up":
        reason, since = item.get("suspected_reason"), item.get("suspected_since")
        return _Trouble(teller.suspected(), name, part, teller.reason(reason), teller.since(since), call)
    health = teller.health(item["health"])
    return _Trouble(health, name, part, teller.reason(item["reason"]), teller.since(item["since"]), call)


def _whom_to_call(circuit: Item, teller: Teller) -> str:
    label, carrier = teller.words.label, circuit["carrier"]
    parts = [teller.called(carrier["name"]) if carrier else ""]
    parts.append(f"{label['number']} {circuit['number']}" if circuit["number"] else "")
    parts.append(f"{label['hotline']} {carrier['hotline']}" if carrier and carrier["hotline"] else "")
    return " ".join(part for part in parts if part)


# The columns.


def _aligned(troubles: Sequence[_Trouble], width: int) -> Iterator[Text]:
    """Give a line for each, and a second one for whom to call unless there is room beside all of them.

    Where it is narrow, how long it lasts goes first, then the end of the name.
    """
    what = max(cell_len(f"{t.name} {t.part}".strip()) for t in troubles)
    head = max(t.health.cell_len for t in troubles) + what + 2 * len(GAP)
    tail = max(cell_len(t.reason) for t in troubles) + len(GAP)
    if head + tail + max(cell_len(t.since) for t in troubles) > width:
        troubles = [replace(t, since=t.since.partition(" (")[0]) for t in troubles]
    since = max(cell_len(t.since) for t in troubles)
    call = max(cell_len(t.call) for t in troubles)
    beside = head + tail + since + len(GAP) + call <= width
    excess = max(0, head + tail + since - width)
    for trouble in troubles:
        line = _line(trouble, (head - what - 2 * len(GAP), max(what - excess, NAME_LEAST), tail - len(GAP)))
        if beside and trouble.call:
            line.append(" " * (head + tail + since - line.cell_len) + GAP + trouble.call, PLAIN)
        yield from _folded(line, trouble, width)
        if trouble.call and not beside:
            yield Text(INDENT + trouble.call)


def _line(trouble: _Trouble, columns: tuple[int, int, int]) -> Text:
    """Give one line, in columns for health, what and reason."""
    health, what, reason = columns
    line = trouble.health.copy()
    line.pad_right(health - line.cell_len)
    cells = (_sized(_what(trouble, what), what), _sized(trouble.reason, reason), trouble.since)
    line.append(GAP.join(("", *cells)), PLAIN)
    line.rstrip()
    return line


def _folded(line: Text, trouble: _Trouble, width: int) -> Iterator[Text]:
    """Give the line; where it has no room, out of its columns, and at last why and since when on a second."""
    why = GAP.join((trouble.reason, trouble.since))
    room = width - cell_len(why) - trouble.health.cell_len - 2 * len(GAP)
    if line.cell_len <= width:
        yield line
    elif room > cell_len(trouble.part) + NAME_LEAST:
        yield Text.assemble(trouble.health, (GAP + _what(trouble, room) + GAP + why, PLAIN))
    else:
        yield Text.assemble(trouble.health, (GAP + f"{trouble.name} {trouble.part}".strip(), PLAIN))
        yield Text(INDENT + why)


def _what(trouble: _Trouble, room: int) -> str:
    """Say what it is about in *room* cells; only the name gives way."""
    room -= cell_len(trouble.part) + 1 if trouble.part else 0
    return f"{shortened(trouble.name, max(room, NAME_LEAST))} {trouble.part}".strip()


def _sized(text: str, cells: int) -> str:
    """Pad to *cells*; what is longer stays whole."""
    return text + " " * (cells - cell_len(text))


def shortened(text: str, cells: int) -> str:
    """Return *text* in at most *cells* cells of the terminal."""
    return text if cell_len(text) <= cells else f"{set_cell_size(text, cells - 1).rstrip()}…"


# Our own.


def _own(vitals: Item, label: Mapping[str, str]) -> Iterator[Text]:
    outputs = {f"{label['output']} {name}": own["trouble"] for name, own in vitals["outputs"].items()}
    told = {**outputs, label["state"]: vitals["state_trouble"], label["reload"]: vitals["reload_trouble"]}
    for what, trouble in told.items():
        if trouble:
            plain = "".join(letter if letter.isprintable() else " " for letter in trouble)
            yield Text(f"{SIGNS['down'][0]} {what}: {plain}", SIGNS["down"][1])
