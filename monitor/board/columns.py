"""Lines that stand in columns below the table, whatever room the terminal has for them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rich.cells import cell_len, set_cell_size
from rich.text import Text

GAP = "  "
INDENT = "    "
NAME_LEAST = 8
"""Cells of a name that are shown however narrow the terminal is."""
_PIECE = re.compile(r"(?:[!-~]+ ?| |[^!-~ ])[，。；、：！？）…]*")
"""What is never broken: a word or number of Latin script, any other letter; each with its punctuation."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says of one thing."""

    head: Text
    """How it is, with a sign."""
    name: str
    """May be shortened."""
    part: str = ""
    """What of it: network and role. Is never shortened."""
    reason: str = ""
    since: str = ""
    more: Text = field(default_factory=Text)
    """What stands at the end of the line, or on one of its own: whom to call."""


def aligned(lines: Sequence[Line], width: int) -> Iterator[Text]:
    """Give each line, and a second one for the rest of it unless there is room beside all of them.

    Where it is narrow, how long it lasts goes first, then the end of the name.
    """
    what = max(cell_len(_whole(line)) for line in lines)
    head = max(line.head.cell_len for line in lines)
    reason = max(cell_len(line.reason) for line in lines)
    before = head + len(GAP) + what + (len(GAP) + reason if reason else 0)
    if before + _room(lines) > width:
        lines = [replace(line, since=line.since.partition(" (")[0]) for line in lines]
    whole = before + _room(lines)
    beside = whole + len(GAP) + max(line.more.cell_len for line in lines) <= width
    sizes = (head, max(what - max(0, whole - width), min(what, NAME_LEAST)), reason)
    for line in lines:
        text = _in_columns(line, sizes)
        if beside and line.more:
            text.append(" " * (whole - text.cell_len) + GAP).append(line.more)
        yield from _folded(text, line, width)
        if line.more and not beside:
            yield Text.assemble(INDENT, line.more)


def hanging(sign: Text, sentence: Text, width: int) -> Iterator[Text]:
    """Give a sentence behind its sign, in lines of *width* cells that begin behind the sign.

    Chinese breaks between any two letters, though not before a punctuation mark; numbers stay whole.
    """
    margin = sign.cell_len + 1
    for number, (start, end) in enumerate(_lines(sentence.plain, width - margin)):
        line = sentence[start:end]
        line.rstrip()
        yield Text.assemble(" " * sign.cell_len if number else sign, " ", line)


def _lines(plain: str, width: int) -> Iterator[tuple[int, int]]:
    """Say where the lines of *width* cells begin and end."""
    start, used = 0, 0
    for piece in _PIECE.finditer(plain):
        cells = cell_len(piece[0].rstrip())
        if used and used + cells > width:
            yield start, piece.start()
            start, used = piece.start(), 0
        used += cell_len(piece[0])
    yield start, len(plain)


def _room(lines: Sequence[Line]) -> int:
    """Return the cells that the times take, with the gap before them."""
    since = max(cell_len(line.since) for line in lines)
    return since + len(GAP) if since else 0


def _in_columns(line: Line, sizes: tuple[int, int, int]) -> Text:
    """Give one line, in columns for head, what and reason."""
    head, what, reason = sizes
    text = Text.assemble(line.head, " " * (head - line.head.cell_len))
    cells = [_sized(_what(line, what), what), _sized(line.reason, reason), line.since]
    text.append(GAP.join(["", *(cell for cell in cells if cell)]))
    text.rstrip()
    return text


def _folded(text: Text, line: Line, width: int) -> Iterator[Text]:
    """Give the line; where it has no room, out of its columns, and at last why and since when on a second."""
    why = GAP.join(filter(None, (line.reason, line.since)))
    room = width - cell_len(why) - line.head.cell_len - 2 * len(GAP)
    if text.cell_len <= width:
        yield text
    elif room > cell_len(line.part) + NAME_LEAST:
        yield Text.assemble(line.head, GAP + _what(line, room) + GAP + why)
    else:
        yield Text.assemble(line.head, GAP + _whole(line))
        yield Text(INDENT + why)


def _whole(line: Line) -> str:
    return f"{line.name} {line.part}".strip()


def _what(line: Line, room: int) -> str:
    """Say what it is about in *room* cells; only the name gives way."""
    room -= cell_len(line.part) + 1 if line.part else 0
    return f"{shortened(line.name, max(room, NAME_LEAST))} {line.part}".strip()


def _sized(text: str, cells: int) -> str:
    """Pad to *cells*; what is longer stays whole."""
    return text + " " * (cells - cell_len(text))


def shortened(text: str, cells: int) -> str:
    """Return *text* in at most *cells* cells of the terminal."""
    return text if cell_len(text) <= cells else f"{set_cell_size(text, cells - 1).rstrip()}…"
