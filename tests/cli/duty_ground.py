"""A duty room behind its control socket: an engine with alarms, asked by the verbs as their users do."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, replace

from monitor.cli import main
from monitor.core.alarm import Rung, Severity
from monitor.core.alarm.ladder import climbed
from monitor.engine.orders import Orders, control_socket
from monitor.kit import local
from tests.core.alarm_ground import CUT, desk
from tests.engine.city import Script, city, orders_for, running


@dataclass
class Room:
    """One duty room."""

    engine: object
    orders: Orders
    folder: object

    def alarm(self, name="i1", severity=Severity.WARNING, **more):
        """Open an alarm that began just now."""
        self.engine.alarms.own(name, severity, CUT | {"since": time.time() - 90} | more)
        return self.engine.alarms.desk.alarms[name]

    def moved(self, rung, **how):
        """Let everything that waits get to a rung."""
        alarms = self.engine.alarms
        for channel in alarms.desk.reach.ways:
            waiting = list(alarms.desk.waiting(channel))
            for one in waiting:
                up = climbed(one, rung, alarms.clock()) if rung is not Rung.COMPOSED else one
                alarms.moved(channel, "letter", [replace(up, **how)], "", news=True)

    async def say(self, *arguments):
        """Run a verb in another thread and return its exit code."""
        where = ["--settings", str(self.folder / "settings.yaml")]
        return await asyncio.to_thread(main, [*arguments, *where])


@contextlib.asynccontextmanager
async def duty_room(folder, people=None, **settings):
    """Run an engine that takes orders, with its settings in *folder*."""
    told = {"state_dir": str(folder), "vantage": "city", "timezone": "Asia/Shanghai"} | settings
    (folder / "settings.yaml").write_text(json.dumps(told))
    async with running(city(), Script(), folder, desk=desk()) as (engine, _):
        orders = orders_for(engine, people)
        path = control_socket(folder, "city")
        serving = asyncio.create_task(local.serve(path, lambda q, who: orders.answer(q, who.uid, "socket")))
        try:
            while not path.exists():
                await asyncio.sleep(0.01)
            yield Room(engine, orders, folder)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
