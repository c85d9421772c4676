"""What may be ordered while the daemon runs, and the answers; who may do it is decided where they come in."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from monitor.core.planned import Once, Window
from monitor.core.planned_news import By, Turn
from monitor.core.report import State
from monitor.core.vitals import StoreVitals
from monitor.core.world import Json
from monitor.engine.alarm_orders import (
    AlarmOrders,
    AnswerAlarm,
    Drill,
    EndDrill,
    MuteAlarm,
    ShowAlarms,
)
from monitor.engine.alarms import Alarms
from monitor.engine.handover import Handover, ShowHandover, SignHandover
from monitor.engine.intake import Intake
from monitor.engine.order import Order, Words
from monitor.engine.planning import Planner, RefusedError
from monitor.kit.bucket import Bucket
from monitor.kit.text import clean

PATIENCE = 3.0
"""Seconds that an order waits for being recorded; then it is said that it is not yet."""
REFUSALS = 60
"""Refused orders in an hour that are kept among the acts; who can order can also flood."""
LONGEST = 366 * 86_400.0
"""Seconds for which a window may be open."""

Moment = Annotated[float, Field(ge=1e9, le=5e9, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]


class Add(Order):
    """Enter planned work; times are Unix seconds."""

    order: Literal["planned/add"]
    id: Name | None = None
    what: Annotated[list[Words], Field(min_length=1, max_length=100)]
    begin: Moment | None = None
    """Left out: now."""
    end: Moment
    document: Words = ""
    note: Words = ""
    who: Words = ""


class End(Order):
    """End planned work before its time."""

    order: Literal["planned/end"]
    id: Words
    who: Words = ""


class Show(Order):
    """Say what work is planned."""

    order: Literal["planned/list"]


class Enter(Order):
    """Enter how a roll-call went."""

    order: Literal["report/enter"]
    subject: Words
    """The check's path, or that of its device."""
    state: State
    note: Words = ""
    who: Words = ""


class Reports(Order):
    """Say how the latest roll-calls went, and which are due."""

    order: Literal["report/list"]


class Copied(Order):
    """Take note that somebody has copied the log."""

    order: Literal["log/copied"]
    file: Words
    who: Words = ""


AnyOrder = Annotated[
    Add
    | End
    | Show
    | Enter
    | Reports
    | Copied
    | ShowAlarms
    | AnswerAlarm
    | MuteAlarm
    | Drill
    | EndDrill
    | ShowHandover
    | SignHandover,
    Field(discriminator="order"),
]
_ORDERS: TypeAdapter[AnyOrder] = TypeAdapter(AnyOrder)


def control_socket(state_dir: Path, vantage: str) -> Path:
    """Return where the daemon at *vantage* takes orders."""
    return state_dir / f"control-{vantage}.sock"


class Orders:
    """Carries out what is ordered."""

    def __init__(
        self, planner: Planner, intake: Intake, alarms: Alarms, handover: Handover, store: StoreVitals
    ) -> None:
        self._planner = planner
        self._handover = handover
        self._alarms = AlarmOrders(alarms)
        self._intake = intake
        self._store = store
        self._refusals = Bucket(REFUSALS / 3600.0, REFUSALS)

    async def answer(self, question: object, uid: int | None = None, via: str = "") -> Mapping[str, Json]:
        """Do what is asked; `refused` says why not, everything else that it is done.

        *uid*: the user who asks, if the operating system knows; *via*: the way by which the order came.
        """
        try:
            order = _ORDERS.validate_python(question)
        except ValidationError as error:
            return {"refused": _told(error)}
        try:
            return await self._carry_out(order, uid, via)
        except RefusedError as error:
            self._note_refusal(order, By(getattr(order, "who", ""), uid, via), str(error))
            return {"refused": str(error)}

    def _note_refusal(self, order: AnyOrder, by: By, why: str) -> None:
        """Put among the acts that somebody tried, unless they try without end."""
        if self._refusals.take(time.monotonic()):
            subject = str(getattr(order, "id", None) or getattr(order, "subject", ""))
            self._intake.note(by.did(self._planner.now, order.order, subject, refused=why))

    async def _carry_out(self, order: AnyOrder, uid: int | None, via: str) -> Mapping[str, Json]:
        match order:
            case Show() | Reports() | ShowAlarms() | ShowHandover():
                return self._shown(order)
            case Add():
                return await self._done(lambda: self._add(order, By(order.who, uid, via)))
            case End():
                return await self._done(lambda: self._planner.end(order.id, By(order.who, uid, via)))
        by = By(order.who, uid, via)
        told: Mapping[str, Json] = {}
        match order:
            case Copied():
                self._intake.note(by.did(self._planner.now, "log/copy", file=order.file))
            case Enter():
                told = self._intake.enter(order.subject, order.state, order.note, by)
            case SignHandover():
                told = self._handover.sign(order, by)
            case AnswerAlarm() | MuteAlarm() | Drill() | EndDrill():
                told = self._alarms.do(order, by)
        return {**told, "recorded": await self.recorded()}

    def _shown(self, order: Show | Reports | ShowAlarms | ShowHandover) -> Mapping[str, Json]:
        match order:
            case Show():
                return {"at": self._planner.now, "planned": self._planner.facts()}
            case Reports():
                return {"at": self._planner.now, "reports": self._intake.facts()}
            case ShowAlarms():
                return self._alarms.facts()
            case ShowHandover():
                return self._handover.facts()

    def _add(self, order: Add, by: By) -> Turn:
        planner = self._planner
        begin = planner.now if order.begin is None else order.begin
        if not begin < order.end <= begin + LONGEST:
            raise RefusedError("it has to end after it begins, and within a year")
        when = Once(*(datetime.fromtimestamp(at, UTC) for at in (begin, order.end)))
        name = order.id or planner.free_name(begin)
        scope = tuple(dict.fromkeys(order.what))
        window = Window(name, scope, when, order.document, order.note, order.who, declared=False)
        return planner.add(window, by)

    async def _done(self, act: Callable[[], Turn]) -> Mapping[str, Json]:
        """Act, wait until that is recorded, and say what was done."""
        turn = act()
        return {**self._planner.news(turn), "recorded": await self.recorded()}

    async def recorded(self) -> bool:
        """Tell whether the disk has taken what was told until now; it has some seconds for it."""
        store = self._store
        before, lost = store.recorded + store.pending, store.dropped
        acts, given_up = store.acts_recorded + store.acts_pending, store.acts_lost

        def is_under_way() -> bool:
            events_wait = store.recorded < before - (store.dropped - lost)
            return events_wait or store.acts_recorded < acts - (store.acts_lost - given_up)

        try:
            async with asyncio.timeout(PATIENCE):
                while is_under_way():  # noqa: ASYNC110 - counters, no event
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return False
        return (store.dropped, store.acts_lost) == (lost, given_up)


def _told(error: ValidationError) -> str:
    """Say the first thing that is wrong with an order."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return clean(f"{where}: {first['msg']}" if where else str(first["msg"]))
