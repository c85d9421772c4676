"""Takes in what is reported to us: checks that it makes sense, puts it in the mailbox, has it looked at.

What reports by itself shows a token, or comes by a broker that vouches for it. What people enter is an order:
who may give one is decided where orders come in.
"""

import hmac
import time
from collections.abc import Callable, Iterable
from datetime import tzinfo
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from monitor.core.act import Act
from monitor.core.planned_news import By
from monitor.core.report import Report, State, Told
from monitor.core.report_news import report_facts, report_news
from monitor.core.world import Json
from monitor.engine.mailbox import Mailbox, Slot
from monitor.engine.pipeline import Pipeline
from monitor.engine.planning import RefusedError
from monitor.engine.telling import Telling
from monitor.engine.watch import Watch
from monitor.kit.secret import one_line
from monitor.kit.text import clean
from monitor.ports import ReportOptions, Taken, Word, reports_by_people

LARGEST = 16 * 1024
"""Bytes of a report."""
SHORTEST = 16
"""Characters that a token must have."""
OWN = frozenset({"age", "rtt"})
"""Values that nobody but us may report."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Note = Annotated[str, Field(max_length=1000), AfterValidator(clean)]
STRANGER = Taken.STRANGER, "no such heartbeat, or a wrong token"


class Saying(BaseModel):
    """What a thing may say of itself; nothing at all means that all is well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: State = State.OK
    note: Note = ""
    values: Annotated[dict[Word, Number], Field(max_length=16)] = {}


class Intake:
    """A `monitor.ports.Intake`, and the entrance for what people report."""

    def __init__(
        self,
        mailbox: Mailbox,
        pipeline: Pipeline,
        telling: Telling,
        zone: tzinfo,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._mailbox = mailbox
        self._pipeline = pipeline
        self._telling = telling
        self._zone = zone
        self._wall = wall

    # What things report by themselves.

    def hear(self, check: str, payload: bytes, via: str, token: str | None) -> tuple[Taken, str]:
        """Take the report *payload* of a check; say what became of it, and why in words."""
        watch = self._pipeline.watches.get(check)
        if watch is None or watch.slot is None or watch.check.look.told is not Told.BY_THING:
            return STRANGER
        if (objection := _objection(watch, via, token)) is not None:
            return objection
        if not watch.slot.may_take():
            return Taken.TOO_OFTEN, "more than one report a second"
        try:
            told = _read(payload, watch)
        except ValueError as error:
            return Taken.UNCLEAR, _told(error)
        self._take(watch, watch.slot, Report(self._wall(), told.status, told.note, told.values, via=via))
        return Taken.TAKEN, "taken"

    def listening(self, via: str, *, listens: bool) -> None:
        """Hear whether reports can come by that way from now on."""
        way = self._mailbox.way(via)
        (way.open if listens else way.close)()

    # What people report.

    def enter(self, subject: str, state: State, note: str, by: By) -> dict[str, Json]:
        """Enter how a roll-call went; return what is told of it. Raises RefusedError."""
        watch, slot = self._rollcall(subject)
        report = Report(self._wall(), state, note, who=by.name, via=by.via)
        options = watch.check.look.options
        if not isinstance(options, ReportOptions):
            raise RefusedError(f"{clean(subject)} waits for no report")
        inventory = self._pipeline.world.inventory
        news = report_news(watch.check, report, by, options.valid_for, inventory, self._zone)
        self._take(watch, slot, report)
        event = self._telling.event("report", watch.check.id, news)
        act = by.did(report.at, "report/enter", watch.check.id, state=str(state), note=note)
        self._telling.tell([event], checks={watch.check.id: watch.kept()}, acts=[act])
        return {"check": watch.check.id, **news}

    def note(self, act: Act) -> None:
        """Take note of an act that changes nothing here."""
        self._telling.tell([], acts=[act])

    def facts(self) -> list[Json]:
        """Return how the latest roll-calls went."""
        world, now = self._pipeline.world, self._wall()
        return [report_facts(*told, world.inventory, now) for told in reports_by_people(world)]

    def _rollcall(self, subject: str) -> tuple[Watch, Slot]:
        """Return the one check that people report of at this path: its own, or its device's."""
        found = {
            name: (watch, watch.slot)
            for name, watch in self._pipeline.watches.items()
            if watch.slot is not None and watch.check.look.told is Told.BY_PERSON
        }
        if subject in found:
            return found[subject]
        of_it = [name for name, (watch, _) in found.items() if watch.check.subject == subject]
        if len(of_it) == 1:
            return found[of_it[0]]
        if of_it:
            raise RefusedError(f"{clean(subject)} has several: {_listed(of_it)}")
        known = f"; known are {_listed(found)}" if found else ": there is none in this inventory"
        raise RefusedError(f"nobody reports of {clean(subject)}{known}")

    def _take(self, watch: Watch, slot: Slot, report: Report) -> None:
        slot.take(report)
        self._pipeline.world.reports[watch.check.id] = report
        self._pipeline.scheduler.put_at(watch, time.monotonic())


def _objection(watch: Watch, via: str, token: str | None) -> tuple[Taken, str] | None:
    """Say why whoever shows *token* may not report; None: they may."""
    if via != "http":
        return None
    file = getattr(watch.check.look.options, "token_file", None)
    if file is None or token is None:
        return STRANGER
    try:
        secret = one_line(file)
    except OSError:
        return Taken.UNREADY, "the file with the token cannot be read"
    if len(secret) < SHORTEST:
        return Taken.UNREADY, f"the token in the file is shorter than {SHORTEST} characters"
    return None if hmac.compare_digest(secret.encode(), token.encode(errors="replace")) else STRANGER


def _read(payload: bytes, watch: Watch) -> Saying:
    """Return what a payload says: JSON, one bare word, or nothing. Raises ValueError."""
    if len(payload) > LARGEST:
        raise ValueError(f"more than {LARGEST} bytes")
    words = payload.strip()
    if not words.startswith(b"{"):
        return Saying.model_validate({"status": words.decode()} if words else {})
    told = Saying.model_validate_json(words)
    may = set(getattr(watch.check.look.options, "values", ())) - OWN
    if unknown := sorted(told.values.keys() - may):
        raise ValueError(f"values: {unknown[0]} is none that it may report")
    return told


def _told(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return clean(str(error))
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return clean(f"{where}: {first['msg']}" if where else str(first["msg"]))


def _listed(names: Iterable[str]) -> str:
    few = sorted(names)[:10]
    return ", ".join(few)
