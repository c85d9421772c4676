"""The door of the roster: a file comes in, and perhaps lists of shifts beside it; a frozen roster goes on."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from chinese_calendar.constants import holidays, workdays
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from monitor.config.document import Node, read
from monitor.config.escalation import PlanFile, RuleFile, escalation_of
from monitor.config.looks import named
from monitor.config.schema import FileModel, NameFile
from monitor.config.shift_lists import read_list
from monitor.config.validation import validated, wanted
from monitor.config.values import DAYS, Clock, Day, Id, Moment, Text, Texts, known, no_truth
from monitor.config.words import nearest, one_of, shown
from monitor.core.inventory import Name
from monitor.core.roster import Calendar, Change, Days, Listed, Officer, Roster, Rota, Turn
from monitor.errors import ConfigError, Problem

_PHONE = re.compile(r"\+?[0-9][0-9 -]{2,24}")
_MAIL = re.compile(r"[^@\s<>\",;]{1,64}@[A-Za-z0-9.-]{1,190}")


def _phone(value: str) -> str:
    if value and not _PHONE.fullmatch(value):
        raise wanted("a telephone number: digits, spaces and -, perhaps + in front", found="another text")
    return value


def _mail(value: str) -> str:
    if value and not _MAIL.fullmatch(value):
        raise wanted("an address for mail, `name@example.org`", found="another text")
    return value


def _date(value: object) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise wanted("a date, `2026-11-24`") from None


DateText = Annotated[
    date, PlainValidator(_date), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"})
]


class OfficerFile(FileModel):
    """Somebody who is told."""

    name: Text
    """What people call him or her."""
    phone: Annotated[Text, AfterValidator(_phone)] = ""
    """Mobile telephone, for short messages; it is never shown whole, nor logged."""
    email: Annotated[Text, AfterValidator(_mail)] = ""
    """Address for mail."""
    language: Literal["zh", "en"] = "zh"
    """In which language messages come."""


class ShiftFile(FileModel):
    """A shift that comes round, and who has it in turn."""

    name: NameFile = NameFile()
    """What people call it; without one, its id."""
    from_: Clock = Field(alias="from")
    """The time of day at which it begins, on the clocks of the settings' time zone."""
    to: Clock
    """The time of day at which it ends; if that is not later, on the next day."""
    days: Literal["all", "workdays", "restdays"] | list[Day] = "all"
    """The days on which it begins: all, those on which offices are open, the others, or days of the week."""
    officers: list[Texts] = Field(min_length=1)
    """Ids of officers in turn; a list within the list: those who are on duty together."""
    turn: Turn = Turn.DAY
    """What the next in turn comes after: a shift (day), or a week that begins like `since`."""
    every: Annotated[int, Field(ge=1, le=366), BeforeValidator(no_truth)] = 1
    """After how many shifts, or weeks, the next has it."""
    since: DateText
    """The day on which the first of them begins; before it there is no such shift."""


class ChangeFile(FileModel):
    """Somebody else's duty than the turn says, or one more, for some time."""

    from_: Moment = Field(alias="from")
    """From when, `2026-11-24 08:00`."""
    to: Moment
    """Until when."""
    officer: Annotated[Text, known("officer")] | None = None
    """Who comes; left out: nobody."""
    instead_of: Annotated[Text, known("officer")] | None = None
    """Who goes; left out: whoever has that shift. With no `shift` either: one more person is on duty."""
    shift: Annotated[Text, known("shift")] | None = None
    """Which shift it is about; left out: any."""
    note: Text = ""
    """Why."""

    @model_validator(mode="after")
    def _says_something(self) -> "ChangeFile":
        if self.officer is None and self.instead_of is None:
            raise wanted("`officer` (who comes), `instead_of` (who goes), or both", found="neither")
        if (self.from_.tzinfo is None) != (self.to.tzinfo is None):
            raise wanted("a zone in both times or in none", found="a zone in one")
        if self.to <= self.from_:
            raise wanted("`to` after `from`", found="a change that ends before it begins")
        return self


class RosterFile(FileModel):
    """Who is on duty, and who leads."""

    officers: dict[Id, OfficerFile] = Field(min_length=1)
    """Everybody who may be told, by id."""
    leaders: Annotated[list[Annotated[Text, known("officer")]], Field(min_length=1)]
    """Ids of those who are told where nobody is on duty or nobody answers, the first one first."""
    holidays: Literal["china", "none"] = "china"
    """Whose holidays and make-up workdays count for `workdays` and `restdays`."""
    rest: tuple[DateText, ...] = ()
    """Further days of rest, such as of a year whose holidays the program does not know yet."""
    work: tuple[DateText, ...] = ()
    """Further make-up workdays."""
    shifts: dict[Id, ShiftFile] = Field(default_factory=dict)
    """Shifts that come round, by id."""
    lists: tuple[Text, ...] = ()
    """Files of shifts that are written down one by one, .csv or .ics, beside this file."""
    changes: tuple[ChangeFile, ...] = ()
    """Changes by hand; the later one wins."""
    plans: dict[Id, PlanFile] = Field(default_factory=dict)
    """What is done about an alarm until somebody answers, by id. Without any, those on duty are told at once
    over every channel, and the leaders as well after five minutes."""
    rules: list[RuleFile] = Field(default_factory=list)
    """Which plan is for which alarms, the first that fits; without any, the first plan is for all."""


def load_roster(path: Path) -> Roster:
    """Return the roster at *path*, or raise ConfigError with every mistake in it and in its lists."""
    node = read(path)
    context = {"officer": node.keys("officers"), "shift": node.keys("shifts"), "plan": node.keys("plans")}
    file, problems = validated(RosterFile, node, context)
    if file is None:
        raise ConfigError(problems=problems)
    problems += _strangers(file, node)
    listed: list[Listed] = []
    for number, name in enumerate(file.lists):
        try:
            listed += read_list(path.parent / name, _finder(file))
        except ConfigError as error:
            problems += error.problems or [_at(node, ("lists", str(number)), repr(name), str(error))]
    if problems:
        raise ConfigError(problems=problems)
    return _built(file, tuple(listed))


def calendar(file: RosterFile) -> Calendar:
    """Return which days are worked: China's holidays, as far as they are known, and the file's own."""
    rest, work = set(file.rest), set(file.work)
    if file.holidays == "none":
        return Calendar(frozenset(rest), frozenset(work - rest))
    until = max(holidays).replace(month=12, day=31)
    rest |= holidays.keys() - work
    work |= workdays.keys() - rest
    return Calendar(frozenset(rest), frozenset(work), max(until, *rest, *work))


def _built(file: RosterFile, listed: tuple[Listed, ...]) -> Roster:
    return Roster(
        officers={k: Officer(k, o.name, o.phone, o.email, o.language) for k, o in file.officers.items()},
        leaders=tuple(file.leaders),
        rotas=tuple(_rota(key, shift) for key, shift in file.shifts.items()),
        listed=listed,
        changes=tuple(Change(c.from_, c.to, c.officer, c.instead_of, c.shift, c.note) for c in file.changes),
        calendar=calendar(file),
        escalation=escalation_of(file.plans, file.rules),
    )


def _rota(key: str, file: ShiftFile) -> Rota:
    days = Days(file.days) if isinstance(file.days, str) else frozenset(map(DAYS.index, file.days))
    turns = tuple(map(tuple, file.officers))
    name = named(file.name, Name(key, key))
    return Rota(key, name, file.from_, file.to, turns, file.since, days, file.turn, file.every)


def _strangers(file: RosterFile, node: Node) -> Iterator[Problem]:
    """Give a problem for everybody in a turn who is no officer."""
    for key, shift in file.shifts.items():
        for number, turn in enumerate(shift.officers):
            for officer in turn:
                if officer not in file.officers:
                    place = ("shifts", key, "officers", str(number))
                    expected = one_of(file.officers, "an officer")
                    yield _at(node, place, shown(officer), expected, nearest(officer, file.officers))


def _finder(file: RosterFile) -> Callable[[str], str | None]:
    """Return what finds an officer's id by id or by name."""
    names = {officer.name: key for key, officer in file.officers.items()}
    return lambda text: text if text in file.officers else names.get(text)


def _at(node: Node, path: tuple[str, ...], found: str, expected: str, hint: str = "") -> Problem:
    place = node.place
    for key in path:
        node = node.child(key) or node
        place = node.place
    return Problem(place.file, place.line, ".".join(path), found, expected, hint)
