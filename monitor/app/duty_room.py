"""The duty room: the roster, the alarm desk, and the channels by which officers are told."""

import time
from dataclasses import replace
from datetime import time as clock_time
from datetime import tzinfo
from pathlib import Path

from monitor.core.alarm.desk import Desk
from monitor.core.alarm.ladder import Reach, Way
from monitor.core.alarm.plans import usual
from monitor.core.roster import Roster
from monitor.engine.alarms import Alarms
from monitor.engine.duty import DutyDesk
from monitor.engine.handover import Handover
from monitor.engine.lane import Open
from monitor.engine.letters import Letters
from monitor.engine.lifecycle import Engine
from monitor.engine.orders import Orders
from monitor.engine.ourselves import Ourselves
from monitor.engine.outbox import Outbox
from monitor.engine.proving import Proving
from monitor.engine.replies import Replies
from monitor.errors import ConfigError
from monitor.kit.templates import BadTemplateError
from monitor.settings import Settings, open_channels


class DutyRoom:
    """Everything about who is told; made inside the running event loop."""

    def __init__(self, settings: Settings, roster: Roster, zone: tzinfo) -> None:
        """Open the channels of the settings; raises ConfigError if a secret or a template is bad."""
        self._letters = letters_of(settings)
        self._channels = channels_of(settings)
        self._ways = {name: Way(one.kind.address, one.kind.reports) for name, one in self._channels.items()}
        self.people = DutyDesk(roster, zone)
        """Who knows the roster."""
        reach = Reach(roster.officers, self._ways, self.people.people)
        self._zone = zone
        self.desk = Desk(reach, roster.escalation or usual(self._ways), zone)

    def adopt(self, roster: Roster) -> None:
        """Go by *roster* from now on; an alarm that is open goes by the plan that it began with."""
        self.desk.reach = replace(self.desk.reach, officers=roster.officers)
        self.desk.escalation = roster.escalation or usual(self._ways)
        self.people.adopt(roster)

    def proving(self, alarms: Alarms, ourselves: Ourselves, at: clock_time | None) -> Proving:
        """Return what sends the routine test."""
        return Proving(alarms, ourselves, self._ways, at, self._zone, time.time)

    def orders(self, engine: Engine) -> Orders:
        """Return what carries out what is ordered."""
        vitals = engine.vitals
        handover = Handover(lambda: engine.world, engine.planner, engine.alarms, self.people, vitals)
        return Orders(engine.planner, engine.intake, engine.alarms, handover, vitals.store)

    def outbox(self, engine: Engine, orders: Orders) -> Outbox:
        """Return what brings the desk's notices."""
        replies = Replies(engine.alarms, orders.recorded)
        return Outbox(
            engine.alarms, self._channels, self._letters, engine.vitals, engine.mishaps, replies.hear
        )


def channels_of(settings: Settings) -> dict[str, Open]:
    """Open every channel of the settings. Raises ConfigError if a secret cannot be read."""
    folder = settings.file.parent if settings.file is not None else Path()
    opened = open_channels(settings.channels, folder)
    return {
        name: Open(kind, channel, settings.channels[name].options(folder).per_minute)
        for name, (kind, channel) in opened.items()
    }


def letters_of(settings: Settings) -> Letters:
    """Return what writes messages. Raises ConfigError if a template of the user's is bad."""
    letters = Letters(settings.letters)
    try:
        letters.check()
    except BadTemplateError as error:
        raise ConfigError(f"letters: {settings.letters}: {error}") from error
    return letters
