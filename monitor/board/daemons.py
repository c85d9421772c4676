"""How the daemons are, as lines below the table: what is wrong with this one, and those of other vantages."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from monitor.board.columns import GAP, Line, aligned
from monitor.board.teller import SIGNS, SUSPECTED, Teller

CLOCK_OFF = 2.0
"""Seconds by which a clock may be off before it is told."""

Item = Mapping[str, Any]


def own_lines(status: Item, teller: Teller, console: Console, width: int) -> Iterator[Text]:
    """Give what is wrong with the daemon itself, then what a person should know of it."""
    label, store = teller.words.label, status["store"]
    outputs = (
        (f"{label['output']} {name}", own["trouble"]) for name, own in status["vitals"]["outputs"].items()
    )
    waiting = teller.label("pending", store["pending"]) if store["pending"] else ""
    recording = teller.words.semicolon.join(filter(None, (store["trouble"], waiting)))
    troubles = [
        *outputs,
        (label["store"], recording if store["trouble"] else ""),
        (label["backup"], store["backup_trouble"]),
        (label["reload"], status["vitals"]["reload_trouble"]),
    ]
    mishaps = status["vitals"].get("mishaps", 0)  # a daemon of an earlier version tells none
    notices = [
        (label["program"], teller.label("mishaps", mishaps) if mishaps else ""),
        (label["store"], teller.label("lost", store["dropped"]) if store["dropped"] else ""),
        (label["store"], store["notice"]),
    ]
    if any(told for _, told in (*troubles, *notices)):
        yield Text("")
    for signed, lines in ((SIGNS["down"], troubles), (SUSPECTED, notices)):
        for what, told in lines:
            if told:
                yield from _hanging(signed, f"{what}: {_in_short(told, teller)}", console, width)


def _in_short(told: str, teller: Teller) -> str:
    """Put in front of a technical text what it says, where this language has words for it."""
    short = next((said for piece, said in teller.words.trouble.items() if piece in told), "")
    return f"{short}{teller.words.semicolon}{told}" if short else told


def _hanging(signed: tuple[str, str], told: str, console: Console, width: int) -> Iterator[Text]:
    """Give a text behind its sign, in as many lines as it needs, all of which begin behind the sign."""
    sign, style = signed
    plain = Text("".join(letter if letter.isprintable() else " " for letter in told), style)
    margin = cell_len(sign) + 1
    for number, line in enumerate(plain.wrap(console, width - margin)):
        line.rstrip()
        yield Text.assemble((" " * margin if number else f"{sign} ", style), line)


def agent_lines(status: Item, teller: Teller, width: int) -> Iterator[Text]:
    """Give a line for the daemon of each other vantage; nothing where none is listened to."""
    agents = [_agent(agent, teller) for agent in status["agents"]]
    if agents:
        yield Text("")
        yield Text(f"{teller.words.label['agents']} ({len(agents)})", "bold")
        yield from aligned(agents, width)


def _agent(agent: Item, teller: Teller) -> Line:
    remarks = Text(GAP).join(_remarks(agent, teller))
    return Line(
        teller.presence(agent["presence"]),
        teller.called(agent["name"]),
        since=teller.since(agent["since"]),
        more=remarks,
    )


def _remarks(agent: Item, teller: Teller) -> Iterator[Text]:
    label, offset = teller.words.label, agent["clock_offset"]
    if agent["presence"] == "unknown" and agent["heard_at"]:
        yield Text(label["last_heard"].format(at=teller.clock(agent["heard_at"])))
    for wrong in ("duplicate", "quarantined"):
        if agent[wrong]:
            yield Text(f"{SUSPECTED[0]} {label[wrong]}", SUSPECTED[1])
    if offset is not None and abs(offset) > CLOCK_OFF:
        clock = label["clock_ahead" if offset > 0 else "clock_behind"]
        yield Text(clock.format(duration=teller.lasting(abs(offset))), "yellow")
    if agent["backlog"]:
        yield Text(teller.label("backlog", agent["backlog"]))
