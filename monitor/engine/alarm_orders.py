"""What people may order about alarms: show them, take them on, mute them, exercise."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from monitor.core.act import Act
from monitor.core.alarm import Alarm, Answer, Severity
from monitor.core.alarm.news import alarm_facts, notice_facts
from monitor.core.inventory import Name as Called
from monitor.core.planned_news import By
from monitor.core.sentence import WORDS
from monitor.core.world import Json
from monitor.engine.alarms import Alarms
from monitor.engine.order import Order, Words
from monitor.engine.planning import RefusedError

DAY = 86_400.0
Word = Annotated[str, Field(min_length=1, max_length=200)]


class ShowAlarms(Order):
    """Say which alarms are open, and how far their notices have got."""

    order: Literal["alarm/list"]


class AnswerAlarm(Order):
    """Take alarms on."""

    order: Literal["alarm/answer"]
    ids: Annotated[list[Word], Field(min_length=1, max_length=1000)]
    """Ids or codes; `all`: every alarm that nobody has taken on."""
    seconds: Annotated[float, Field(ge=60, le=7 * DAY, allow_inf_nan=False)] | None = None
    """For how long that is enough; left out: as the plan says."""
    note: Words = ""
    who: Words = ""


class MuteAlarm(Order):
    """Say nothing more of an alarm for a time, beside that it is over; 0 seconds: speak again."""

    order: Literal["alarm/mute"]
    id: Word
    seconds: Annotated[float, Field(ge=0, le=7 * DAY, allow_inf_nan=False)]
    note: Words = ""
    who: Words = ""


class Drill(Order):
    """Open an alarm that only exercises, as if this were broken."""

    order: Literal["alarm/drill"]
    subject: Word
    severity: Severity = Severity.WARNING
    who: Words = ""


class EndDrill(Order):
    """End an exercise."""

    order: Literal["alarm/end-drill"]
    id: Word
    who: Words = ""


AlarmOrder = ShowAlarms | AnswerAlarm | MuteAlarm | Drill | EndDrill


class AlarmOrders:
    """Carries out what is ordered about alarms."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def do(self, order: AlarmOrder, by: By) -> Mapping[str, Json]:
        """Do it, and say how things are. Raises RefusedError."""
        match order:
            case ShowAlarms():
                return self.facts()
            case AnswerAlarm():
                return self._answer(order, by)
            case MuteAlarm():
                return self._mute(order, by)
            case Drill():
                return self._drill(order, by)
            case EndDrill():
                return self._end_drill(order, by)

    def facts(self) -> dict[str, Json]:
        """Return all alarms that are not settled, with their notices, and the names of the officers."""
        desk = self._alarms.desk
        alarms: list[Json] = [
            alarm_facts(alarm) | {"notices": [notice_facts(one) for one in desk.of(alarm.id)]}
            for alarm in desk.alarms.values()
        ]
        officers: dict[str, Json] = {one.id: one.name for one in desk.reach.officers.values()}
        return {"at": self._alarms.clock(), "alarms": alarms, "officers": officers}

    def _answer(self, order: AnswerAlarm, by: By) -> Mapping[str, Json]:
        now = self._alarms.clock()
        names = self._all_open() if "all" in order.ids else [self._found(word).id for word in order.ids]
        if not names:
            raise RefusedError("no alarm is open that nobody has taken on")
        until = None if order.seconds is None else now + order.seconds
        data: dict[str, Json] = {"alarms": [*names], "until": until, "note": order.note}
        answer = Answer(by.name, by.via, now, until, order.note)
        self._alarms.answer(names, answer, self._act(by, "alarm/answer", names[0], data))
        return self._those(names)

    def _all_open(self) -> list[str]:
        alarms = self._alarms.desk.alarms.values()
        return [one.id for one in alarms if one.closed_at is None and one.answer is None]

    def _mute(self, order: MuteAlarm, by: By) -> Mapping[str, Json]:
        alarm = self._found(order.id)
        until = self._alarms.clock() + order.seconds if order.seconds else None
        data: dict[str, Json] = {"until": until, "note": order.note}
        what = "alarm/mute" if until else "alarm/unmute"
        self._alarms.mute(alarm.id, until, self._act(by, what, alarm.id, data))
        return self._those([alarm.id])

    def _drill(self, order: Drill, by: By) -> Mapping[str, Json]:
        now = self._alarms.clock()
        name = f"drill-{int(now)}"
        if name in self._alarms.desk.alarms:
            raise RefusedError("one exercise a second")
        called = Called(order.subject, order.subject)
        act = self._act(by, "alarm/drill", name, {"subject": order.subject})
        if not self._alarms.drill(name, order.severity, _drill_facts(called, order.subject, now), act):
            raise RefusedError("no plan is for such an alarm, or there is no channel")
        return self._those([name])

    def _end_drill(self, order: EndDrill, by: By) -> Mapping[str, Json]:
        alarm = self._found(order.id)
        if not alarm.drill:
            raise RefusedError(f"{order.id} is no exercise: it ends when what is broken works again")
        self._alarms.end([alarm.id], [self._act(by, "alarm/end-drill", alarm.id, {})])
        return {"ended": alarm.id}

    def _found(self, word: str) -> Alarm:
        alarm = self._alarms.desk.find(word)
        if alarm is None:
            raise RefusedError(f"no alarm {word!r} is open")
        return alarm

    def _those(self, names: list[str]) -> Mapping[str, Json]:
        known = self._alarms.desk.alarms
        return {"alarms": [alarm_facts(known[name]) for name in names if name in known]}

    def _act(self, by: By, what: str, subject: str, data: Mapping[str, Json]) -> Act:
        return Act(self._alarms.clock(), by.name, by.uid, by.via, what, subject, data)


def _drill_facts(called: Called, subject: str, now: float) -> dict[str, Json]:
    said: dict[str, Json] = {}
    for language, words in WORDS.items():
        name = called.zh if language == "zh" else called.en
        said[language] = words.alarm["drill_of"].format(name=name) + words.sentence["end"]
    return {
        "component": subject,
        "kind": "power",
        "since": now,
        "name": {"zh": called.zh, "en": called.en},
        "sentence": said,
    }
