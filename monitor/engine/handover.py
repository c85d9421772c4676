"""What whoever goes off duty leaves to whoever comes: all that is open now, and that both have signed it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from monitor.core.alarm import Rung
from monitor.core.alarm.desk import Turn
from monitor.core.alarm.news import alarm_facts, notice_facts
from monitor.core.planned_news import By
from monitor.core.story_facts import incident_facts
from monitor.core.vitals import Vitals
from monitor.core.world import Json, World
from monitor.engine.alarms import Alarms
from monitor.engine.duty import DutyDesk
from monitor.engine.order import Order, Words
from monitor.engine.planning import Planner

AHEAD = 86_400.0
"""Seconds within which planned work begins that is handed over."""
TOLD = ("incident", "stage", "component", "since", "planned", "behind", "sentence")
"""Facts of an incident that are handed over."""
UNDER_WAY = frozenset({Rung.COMPOSED, Rung.REFUSED})
"""Rungs of notices that are handed over."""


class ShowHandover(Order):
    """Say what is to be handed over now."""

    order: Literal["handover/show"]


class SignHandover(Order):
    """Note that both have seen the page with this digest."""

    order: Literal["handover/sign"]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the page as it was shown, UTF-8."""
    leaving: Annotated[Words, Field(min_length=1)]
    coming: Annotated[Words, Field(min_length=1)]
    who: Words = ""


HandoverOrder = ShowHandover | SignHandover


class Handover:
    """Gathers what is handed over, and notes who has signed it."""

    def __init__(
        self,
        world: Callable[[], World],
        planner: Planner,
        alarms: Alarms,
        people: DutyDesk,
        vitals: Vitals,
    ) -> None:
        self._world = world
        self._planner = planner
        self._alarms = alarms
        self._people = people
        self._vitals = vitals

    def sign(self, order: SignHandover, by: By) -> Mapping[str, Json]:
        """Put it among the acts of people."""
        data: dict[str, Json] = {"leaving": order.leaving, "coming": order.coming, "sha256": order.sha256}
        act = by.did(self._planner.now, "handover/sign", self._world().vantage, **data)
        self._alarms.tell(Turn(), [act])
        return data

    def facts(self) -> dict[str, Json]:
        """Return all that is to be handed over; never an address."""
        world, desk = self._world(), self._alarms.desk
        vantage = world.inventory.vantages[world.vantage]
        incidents = (incident_facts(world.stories[name]) for name in sorted(world.stories))
        officers: dict[str, Json] = {one.id: one.name for one in desk.reach.officers.values()}
        return {
            "at": self._planner.now,
            "vantage": {"id": vantage.id, "name": {"zh": vantage.name.zh, "en": vantage.name.en}},
            "officers": officers,
            "duty": self._people.facts(),
            "incidents": [{key: one[key] for key in TOLD} for one in incidents],
            "alarms": [*self._open_alarms()],
            "notices": [*self._open_notices()],
            "planned": [*self._work()],
            "troubles": [*self._troubles()],
        }

    def _open_alarms(self) -> Iterator[Json]:
        for alarm in self._alarms.desk.alarms.values():
            if alarm.closed_at is None:
                yield alarm_facts(alarm)

    def _open_notices(self) -> Iterator[Json]:
        """Give what is on its way to somebody, and what will never be brought."""
        desk = self._alarms.desk
        for alarm in desk.alarms.values():
            for one in desk.of(alarm.id):
                if one.rung in UNDER_WAY:
                    yield {"alarm": alarm.id, "code": alarm.code, **notice_facts(one)}

    def _work(self) -> Iterator[Json]:
        """Give the work that is under way, and what begins before a day has gone by."""
        until = self._planner.now + AHEAD
        for one in self._planner.facts():
            if isinstance(one, dict) and one["state"] != "over":
                begin = one["from"]
                if one["state"] == "under_way" or (isinstance(begin, int | float) and begin < until):
                    yield one

    def _troubles(self) -> Iterator[Json]:
        """Give what is wrong with ourselves; `what` is a label of the status screen."""
        vitals, store = self._vitals, self._vitals.store
        found = [("store", "", store.trouble or store.notice), ("backup", "", store.backup_trouble)]
        found.append(("reload", "", vitals.reload_trouble))
        found += [("output", name, own.trouble) for name, own in sorted(vitals.outputs.items())]
        for what, name, trouble in found:
            if trouble:
                yield {"what": what, "name": name, "trouble": trouble}
