"""A duty room with the real log and channels that answer as the test says."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC

from monitor.core.alarm import Address, Escalation, Plan, Rule, Step
from monitor.core.alarm.desk import Desk
from monitor.core.alarm.ladder import Reach, Way
from monitor.core.world import World
from monitor.engine.alarms import Alarms
from monitor.engine.lane import Open
from monitor.engine.letters import Letters
from monitor.engine.mishaps import Mishaps
from monitor.engine.outbox import Outbox
from monitor.engine.replies import Replies
from monitor.engine.telling import Telling
from monitor.kit.courier import Fate, Receipt
from monitor.ports import ChannelKind, ChannelOptions
from tests.core.alarm_ground import OFFICERS, facts, people
from tests.engine.city import city
from tests.logs import opened

TAKEN = Receipt(Fate.TAKEN)
PLAN = Plan("quick", (Step(0.0, ("duty",), ("sms", "hall")),), repeat=0.0)


@dataclass
class Sink:
    """A channel that keeps what was brought."""

    answers: list = field(default_factory=lambda: [TAKEN])
    brought: list = field(default_factory=list)
    gate: asyncio.Event | None = None
    heard: object = None

    async def send(self, message):
        if self.gate is not None:
            await self.gate.wait()
        self.brought.append(message)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run(self, hear):
        self.heard = hear
        await asyncio.Event().wait()

    async def aclose(self):
        self.closed = True

    def open(self, address, *, reports=False, per_minute=0, at_once=1):
        kind = ChannelKind("sink", "", ChannelOptions, lambda _: self, address, at_once, reports)
        return Open(kind, self, per_minute)

    async def until(self, count):
        async with asyncio.timeout(20):
            while len(self.brought) < count:
                await asyncio.sleep(0.01)
        return self.brought

    @property
    def keys(self):
        return [message.key for message in self.brought]


class Room:
    """The parts, and a clock that the test may move."""

    def __init__(self, log, vitals, channels, plan=PLAN):
        self.vitals, self.log = vitals, log
        self.world = World(city(), "city", "b1")
        self.telling = Telling(self.world, vitals, log)
        self.mishaps = Mishaps(vitals, self.telling)
        self.shift = 0.0
        ways = {name: Way(one.kind.address, one.kind.reports) for name, one in channels.items()}
        desk = Desk(Reach(OFFICERS, ways, people), Escalation({plan.id: plan}, (Rule(plan.id),)), UTC)
        self.alarms = Alarms(desk, self.telling, self.mishaps, self.clock)
        self.replies = Replies(self.alarms, self._recorded)
        self.outbox = Outbox(self.alarms, channels, Letters(), vitals, self.mishaps, self.replies.hear)
        self.feed = self.telling.feed(None)

    def clock(self):
        return asyncio.get_running_loop().time() + 1_800_000_000.0 + self.shift

    async def _recorded(self):
        return True

    def happens(self, **changes):
        """Let the event of an incident be told as the diagnosis does."""
        told = facts(**changes)
        self.telling.tell([self.telling.event("incident", told["component"], told)])

    def notices(self):
        return [one for notices in self.alarms.desk.notices.values() for one in notices.values()]

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def room(channels=None, folder=None, plan=PLAN):
    """Run a duty room with these channels, by name; by default one for telephones and one for a hall."""
    channels = channels or {"sms": Sink().open(Address.PHONE), "hall": Sink().open(Address.NONE)}
    async with opened(folder) as (log, vitals):
        built = Room(log, vitals, channels, plan)
        built.alarms.adopt(log.remembered())
        tasks = [asyncio.create_task(built.alarms.run()), asyncio.create_task(built.outbox.run())]
        try:
            yield built
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
