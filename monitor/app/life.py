"""What the service manager hears of the daemon while it lives."""

import asyncio
import time
from collections.abc import Callable

import structlog

from monitor.core.oneline import one_line
from monitor.engine.lifecycle import Engine
from monitor.engine.pulse import Pulse
from monitor.kit.systemd import Manager

SHOWN = 10.0
"""Seconds between two signs of life, at most."""
SIGNS = 3
"""Signs of life within the time that the manager waits for one."""

log = structlog.get_logger()


class Life:
    """Tells the service manager how the daemon is, and that it moves as long as it does."""

    def __init__(self, engine: Engine, audit: Callable[[], str]) -> None:
        """Show no sign of life either while *audit* says that the alarms stand still."""
        self._audit = audit
        self._engine = engine
        self._manager = Manager()
        self._pulse = Pulse(engine.vitals)

    def ready(self) -> None:
        """Say that it watches, or does so again after a reload."""
        self._manager.ready(self._line())

    def reloading(self) -> None:
        """Say that a reload has begun."""
        self._manager.reloading()

    def stopping(self) -> None:
        """Say that it is about to end."""
        self._manager.stopping()

    async def run(self) -> None:
        """Show signs of life until cancelled."""
        every = min(SHOWN, (self._manager.watchdog or SHOWN * SIGNS) / SIGNS)
        while self._manager.listens:
            self._show()
            await asyncio.sleep(every)
        await asyncio.Event().wait()

    def _show(self) -> None:
        periods = (check.look.period for check in self._engine.world.checks.values())
        stands = self._pulse.standstill(time.monotonic(), min(periods, default=None)) or self._audit()
        if stands:
            log.error("daemon.standstill", what=stands)
            self._manager.is_now(f"{stands} stands still")
        else:
            self._manager.moving(self._line())

    def _line(self) -> str:
        return one_line(self._engine.world, self._engine.vitals, "zh")
