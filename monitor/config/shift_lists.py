"""Shifts that are written down one by one, in spreadsheets (CSV) and in calendars (iCalendar, RFC 5545).

CSV has a line per shift: begin, end, officer, and what the shift is called, under a heading in English or
Chinese. In a calendar each event is a shift; its summary is the officer. Times without a zone are the city's.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from pathlib import Path

from icalendar import Calendar, Component, Event

from monitor.config.words import shown
from monitor.core.roster import Listed, Officer, Shift
from monitor.errors import ConfigError, Problem

LARGEST = 4 * 1024 * 1024
"""Bytes that a list may have."""
HEADINGS = {
    "begin": ("begin", "from", "开始"),
    "end": ("end", "to", "结束"),
    "officer": ("officer", "值班员"),
    "shift": ("shift", "班次"),
}

Finder = Callable[[str], str | None]
"""Finds an officer's id by what stands in the list."""

_MOMENT = re.compile(r"(20\d\d)[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d\d)(?::(\d\d))?")


def read_list(path: Path, officer: Finder) -> list[Listed]:
    """Return the shifts in the list at *path*, .csv or .ics; raise ConfigError with every mistake in it."""
    text = _text(path)
    read = _from_calendar if path.suffix.lower() == ".ics" else _from_table
    problems: list[Problem] = []
    found = list(read(text, str(path), officer, problems))
    if problems:
        raise ConfigError(problems=problems)
    return found


def table(shifts: Iterable[Shift], officers: Mapping[str, Officer], zone: tzinfo) -> str:
    """Return *shifts* as CSV that `read_list` understands, and a spreadsheet, too."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow([words[0] for words in HEADINGS.values()])
    for one in shifts:
        edges = (f"{datetime.fromtimestamp(edge, zone):%Y-%m-%d %H:%M}" for edge in (one.begin, one.end))
        lines.writerow([*edges, officers[one.officer].name, one.rota])
    return out.getvalue()


def calendar(shifts: Iterable[Shift], officers: Mapping[str, Officer], zone: tzinfo, now: float) -> str:
    """Return *shifts* as a calendar that `read_list` understands, and a telephone, too."""
    found = Calendar()
    found.add("prodid", "-//command-monitor//duty//ZH")
    found.add("version", "2.0")
    for one in shifts:
        event = Event()
        event.add("uid", f"{one.begin:.0f}-{one.officer}-{one.rota or 'shift'}@command-monitor")
        event.add("dtstamp", datetime.fromtimestamp(now, UTC))
        event.add("dtstart", datetime.fromtimestamp(one.begin, zone).astimezone(UTC))
        event.add("dtend", datetime.fromtimestamp(one.end, zone).astimezone(UTC))
        event.add("summary", officers[one.officer].name)
        event.add("categories", [one.rota] if one.rota else [])
        found.add_component(event)
    return str(found.to_ical(), "utf-8")


def _text(path: Path) -> str:
    """Return a file's text: spreadsheets save UTF-8 with a mark in front, or GB 18030."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
        raise ConfigError(problems=[Problem(str(path), None, "", reason, "a readable file")]) from error
    if len(raw) > LARGEST:
        raise ConfigError(problems=[Problem(str(path), None, "", "more than 4 MiB", "a shorter list")])
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ConfigError(problems=[Problem(str(path), None, "", "no text", "text in UTF-8 or GB 18030")])


def _from_table(text: str, file: str, officer: Finder, problems: list[Problem]) -> Iterator[Listed]:
    rows = csv.reader(io.StringIO(text, newline=""))
    columns = _columns(next(rows, []))
    if missing := [key for key in ("begin", "end", "officer") if key not in columns]:
        expected = ", ".join("/".join(HEADINGS[key]) for key in missing)
        problems.append(Problem(file, 1, "", "a heading that lacks columns", expected))
        return
    for row in rows:
        cells = {key: row[n].strip() if n < len(row) else "" for key, n in columns.items()}
        if not any(cells.values()):
            continue
        line = rows.line_num
        edges = [_moment(cells[key], file, line, key, problems) for key in ("begin", "end")]
        who = _officer(cells["officer"], file, line, officer, problems)
        yield from _listed(edges, who, cells.get("shift", ""), file, line, problems)


def _columns(heading: Sequence[str]) -> dict[str, int]:
    cells = [cell.strip().lower() for cell in heading]
    return {key: cells.index(w) for key, words in HEADINGS.items() for w in words if w in cells}


def _moment(text: str, file: str, line: int, key: str, problems: list[Problem]) -> datetime | None:
    if parts := _MOMENT.fullmatch(text):
        try:
            year, month, day, hour, minute, second = map(int, parts.groups("0"))
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the city's clocks
        except ValueError:
            pass  # the 31st of a short month
    problems.append(Problem(file, line, key, shown(text), "a date and a time of day, `2026-11-24 08:00`"))
    return None


def _officer(text: str, file: str, line: int | None, officer: Finder, problems: list[Problem]) -> str | None:
    if (found := officer(text)) is None:
        problems.append(Problem(file, line, "officer", shown(text), "an officer's id or name"))
    return found


def _listed(
    edges: Sequence[datetime | None],
    who: str | None,
    name: str,
    file: str,
    line: int | None,
    problems: list[Problem],
) -> Iterator[Listed]:
    begin, end = edges
    if begin is None or end is None or who is None:
        return
    if end <= begin:
        problems.append(Problem(file, line, "end", shown(str(end)), f"a time after {begin}"))
        return
    yield Listed(begin, end, who, name)


def _from_calendar(text: str, file: str, officer: Finder, problems: list[Problem]) -> Iterator[Listed]:
    try:
        events = list(Calendar.from_ical(text).walk("VEVENT"))
    except (ValueError, KeyError, IndexError) as error:
        problems.append(Problem(file, None, "", f"no calendar: {error}"[:120], "a calendar (RFC 5545)"))
        return
    for event in events:
        key = f"event {shown(str(event.get('uid', '')))}"
        if "RRULE" in event:
            problems.append(Problem(file, None, key, "an event that recurs", "one event for each shift"))
            continue
        edges = [_edge(event, name, file, key, problems) for name in ("dtstart", "dtend")]
        who = _officer(str(event.get("summary", "")).strip(), file, None, officer, problems)
        yield from _listed(edges, who, _category(event), file, None, problems)


def _edge(event: Component, name: str, file: str, key: str, problems: list[Problem]) -> datetime | None:
    value = getattr(event.get(name), "dt", None)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):  # all day long
        return datetime.combine(value, time())
    problems.append(Problem(file, None, key, f"no {name}", "a beginning and an end"))
    return None


def _category(event: Component) -> str:
    found = getattr(event.get("categories"), "cats", [])
    return str(found[0]) if found else ""
