"""Alarms and their notices as people read them; the facts are those of the order `alarm/list`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from monitor.board.columns import GAP, hanging
from monitor.board.teller import Teller
from monitor.cli.planned import LONGEST, Facts
from monitor.kit.text import clean

COLOURS = {"critical": "bold red", "warning": "yellow", "info": "dim"}
"""By severity."""
RUNGS = {
    "composed": "yellow",
    "refused": "bold red",
    "handed_over": "",
    "delivered": "green",
    "acknowledged": "bold green",
}
"""By how far a notice has got."""
DAY = 86_400.0
MARGIN = Text("   ")
"""Before what stands below an alarm's first line."""
ALARM_HEADS = ("code", "severity", "since", "what", "told", "answered", "state")
NARROW_HEADS = ("code", "severity", "since", "state", "answered")
NOTICE_HEADS = ("code", "officer", "channel", "says", "state", "at", "tries", "trouble")

Officers = Mapping[str, str]
"""Names of officers by id."""


def alarm_table(alarms: Sequence[Facts], officers: Officers, teller: Teller) -> Table:
    """Return one row for each alarm: who was told, how far that has got, who answered, what comes next."""
    table = _table(ALARM_HEADS, teller)
    for one in alarms:
        table.add_row(
            Text(clean(one["code"]), "bold"),
            Text(severity_of(one, teller), COLOURS.get(one["severity"], "")),
            Text(teller.since(one["since"])),
            Text(sentence_of(one, teller)),
            Text("\n").join(_told(one, officers, teller)),
            answer_of(one, teller),
            Text(_next(one, teller), "dim"),
        )
    return table


def alarm_lines(alarms: Sequence[Facts], officers: Officers, teller: Teller, width: int) -> Iterator[Text]:
    """Give the same for a terminal of *width* cells without room for the table: the sentence is never cut."""
    rows = [
        (
            Text(clean(one["code"]), "bold"),
            Text(severity_of(one, teller), COLOURS.get(one["severity"], "")),
            Text(teller.since(one["since"])),
            Text(_next(one, teller), "dim"),
            answer_of(one, teller),
        )
        for one in alarms
    ]
    heads = tuple(Text(teller.words.alarm[head], "bold") for head in NARROW_HEADS)
    sizes = [max(cell.cell_len for cell in column) for column in zip(heads, *rows, strict=True)]
    yield _in_columns(heads, sizes)
    for one, row in zip(alarms, rows, strict=True):
        yield _in_columns(row, sizes)
        yield from hanging(MARGIN, Text(sentence_of(one, teller)), width)
        for told in _told(one, officers, teller):
            yield from hanging(MARGIN, told, width)


def notice_table(notices: Sequence[Facts], officers: Officers, teller: Teller) -> Table:
    """Return one row for each notice, as `notices_of` gives them."""
    says, table = teller.words.alarm, _table(NOTICE_HEADS, teller)
    for one in notices:
        unsure = f"（{says['unsure']}）" if one["unsure"] else ""
        table.add_row(
            Text(clean(one["code"]), "bold"),
            Text(officer_of(one["officer"], officers, teller)),
            Text(clean(one["channel"])),
            Text(says[f"notice_{one['what']}"]),
            rung_of(one, teller).append(unsure, "yellow"),
            Text(teller.clock(one["moved_at"])),
            Text(str(one["attempts"])),
            Text(clean(one["trouble"], LONGEST)),
        )
    return table


def notices_of(alarms: Iterable[Facts]) -> Iterator[Facts]:
    """Give the notices of all alarms, with the alarm and its code."""
    for alarm in alarms:
        for one in alarm["notices"]:
            yield {"alarm": alarm["alarm"], "code": alarm["code"], **one}


def line_of(alarm: Facts, teller: Teller) -> str:
    """Return one line about an alarm: its code, what it is, who has taken it on, until when it is muted."""
    answer = alarm["answer"]
    parts = [alarm["code"], sentence_of(alarm, teller)]
    if answer is not None:
        parts.append(f"{teller.words.alarm['answered']} {answered_by(answer, teller)}")
    if alarm["muted_until"] is not None:
        parts.append(_muted(alarm, teller))
    return "  ".join(clean(part, LONGEST) for part in parts)


def sentence_of(alarm: Facts, teller: Teller) -> str:
    """Return what an alarm says; of one that has no sentence, what is broken."""
    said = alarm["sentence"]
    text = said[teller.words.language] if said else alarm["subject"]
    sign = f"[{teller.words.alarm['exercise']}] " if alarm["drill"] else ""
    return clean(sign + text, LONGEST)


def severity_of(alarm: Facts, teller: Teller) -> str:
    """Say how urgent an alarm is."""
    return teller.words.alarm_severity.get(alarm["severity"], alarm["severity"])


def answer_of(alarm: Facts, teller: Teller) -> Text:
    """Say who has taken an alarm on."""
    answer = alarm["answer"]
    if answer is None:
        return Text(teller.words.alarm["nobody"], "" if alarm["closed_at"] else "yellow")
    note = f" {clean(answer['note'])}" if answer["note"] else ""
    return Text(answered_by(answer, teller) + note, "green")


def answered_by(answer: Facts, teller: Teller) -> str:
    """Say who answered, by what means and when."""
    words = teller.words
    who = answer["name"] or answer["who"] or words.audit["nobody"]
    via = words.audit.get(f"via_{answer['via']}", answer["via"])
    return words.alarm["answered_by"].format(who=clean(who), via=clean(via), at=teller.clock(answer["at"]))


def officer_of(officer: str, officers: Officers, teller: Teller) -> str:
    """Return an officer's name, or that it was told to a place."""
    return clean(officers.get(officer, officer)) if officer else teller.words.alarm["place"]


def rung_of(notice: Facts, teller: Teller) -> Text:
    """Say how far a notice has got."""
    rung = notice["rung"]
    return Text(teller.words.alarm.get(f"rung_{rung}", rung), RUNGS.get(rung, ""))


def _told(alarm: Facts, officers: Officers, teller: Teller) -> Iterator[Text]:
    """Give a line for each person and channel: how far the latest word has got."""
    last = {(one["officer"], one["channel"]): one for one in alarm["notices"]}
    for (officer, channel), notice in last.items():
        yield Text(f"{officer_of(officer, officers, teller)} {clean(channel)} ").append_text(
            rung_of(notice, teller)
        )


def _next(alarm: Facts, teller: Teller) -> str:
    says = teller.words.alarm
    if alarm["closed_at"] is not None:
        return says["over"]
    if alarm["planned"]:
        return says["paused"]
    if alarm["muted_until"] is not None and alarm["muted_until"] > teller.now:
        return _muted(alarm, teller)
    return (
        says["nothing_next"]
        if alarm["due_at"] is None
        else says["next"].format(at=_at(alarm["due_at"], teller))
    )


def _muted(alarm: Facts, teller: Teller) -> str:
    return teller.words.alarm["muted_until"].format(until=_at(alarm["muted_until"], teller))


def _at(at: float, teller: Teller) -> str:
    """Tell a time to come; with its date if it is not within a day."""
    pattern = "%H:%M" if abs(at - teller.now) < DAY else "%m-%d %H:%M"
    return datetime.fromtimestamp(at, teller.zone).strftime(pattern)


def _in_columns(row: Sequence[Text], sizes: Sequence[int]) -> Text:
    cells = [Text.assemble(cell, " " * (size - cell.cell_len)) for cell, size in zip(row, sizes, strict=True)]
    line = Text(GAP).join(cells)
    line.rstrip()
    return line


def _table(heads: Iterable[str], teller: Teller) -> Table:
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_row(*(Text(teller.words.alarm[head], "bold") for head in heads))
    return table
