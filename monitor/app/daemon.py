"""One daemon, from its parts to a stop."""

import asyncio
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from monitor.app.duty_room import DutyRoom
from monitor.app.life import Life
from monitor.app.parts import Outputs, tuning_of
from monitor.app.reloading import Reloads
from monitor.board.server import Board
from monitor.core.inventory import Inventory
from monitor.core.vitals import Vitals
from monitor.core.world import World
from monitor.engine.lifecycle import Engine
from monitor.engine.orders import control_socket
from monitor.engine.ourselves import Ourselves
from monitor.errors import ConfigError
from monitor.kit import local
from monitor.kit.allocation import collect_now_and_then, give_back_large_blocks, take_as_lasting
from monitor.kit.resolver import close_shared
from monitor.kit.snmp import Receiver
from monitor.kit.stamp import Reflector
from monitor.outputs.log import LogOutput
from monitor.outputs.prometheus import Metrics
from monitor.ports import Feed, Output, ProbeKind
from monitor.settings import Settings, load_declared, load_people
from monitor.store import Store, log_file

LAST_WORDS = 3.0
"""Seconds that outputs have to tell what is still to be told when the daemon stops."""
SHORT = 0.05
"""Seconds between two looks at whether all is told."""
HAND_OVER = 0.0001
"""Seconds after which a thread that waits may run.

A busy loop that looks at its sockets more often than that hands Python's lock back to itself each time: with
the usual 5 ms the log was not written for as long as a storm lasted.
"""
LISTEN_AGAIN = 5.0
"""Seconds after which a listener that could not listen (its address is not there yet) tries again."""
ASKED_TO_END = 5
"""How often a task is cancelled: libraries have been seen to swallow the first time."""

log = structlog.get_logger()


class App:
    """One daemon, from settings to a stop; made inside the running event loop.

    `run` returns when `stop` was called, and raises what made it impossible to go on: an address that
    cannot be listened on, or a part that died unasked (systemd starts us anew).
    """

    def __init__(
        self,
        settings: Settings,
        inventory: Inventory,
        kinds: Mapping[str, ProbeKind],
        *,
        quiet: bool = False,
    ) -> None:
        """Build everything; *quiet* leaves out the log of events, where something else shows them."""
        zone = ZoneInfo(settings.timezone)
        vitals = Vitals()
        self._settings = settings
        self._kinds = kinds
        self._reloads = Reloads(settings)
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Event()
        self._started = asyncio.Event()
        self._hears_orders = asyncio.Event()  # or cannot, and has said so
        self._store = store = Store(
            log_file(settings.state_dir, settings.vantage),
            settings.vantage,
            vitals.store,
            options=settings.store,
        )
        self._room = DutyRoom(settings, load_people(settings), zone)
        self.engine = Engine(
            inventory,
            settings.vantage,
            kinds,
            tuning_of(settings),
            boot=secrets.token_hex(8),
            zone=zone,
            log=store,
            vitals=vitals,
            desk=self._room.desk,
        )
        store.tell = self.engine.tell
        self._room.people.tell = self.engine.tell
        self._orders = self._room.orders(self.engine)
        self._outbox = self._room.outbox(self.engine, self._orders)
        people = self._room.people
        well = partial(self.engine.tell, "well") if settings.reports else None
        self._ourselves = Ourselves(
            self.world, vitals, self.engine.alarms, lambda: people.gaps, zone, well=well
        )
        self._life = Life(self.engine, self._ourselves.standstill)
        self._proving = self._room.proving(self.engine.alarms, self._ourselves, settings.prove_at)
        self._metrics = metrics = Metrics(lambda: self.engine.world, vitals, settings.metrics)
        self.board = Board(
            settings.http,
            metrics,
            vitals,
            zone=settings.timezone,
            intake=self.engine.intake,
            carry=partial(self._orders.answer, via="api"),
        )
        self._reflectors = settings.reflector.reflectors(vitals)
        self._traps = settings.traps.receiver(self.engine.nudger.nudge)
        self._outputs: list[Output] = [] if quiet else [LogOutput()]
        self._outputs += Outputs(settings, vitals, self.engine, store, self._room.people, self._orders).made()

    @property
    def world(self) -> World:
        """The latest world."""
        return self.engine.world

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    def reload(self) -> None:
        """Ask `run` to read the inventory anew; a bad one is told of and changes nothing."""
        self._reloading.set()

    async def run(self) -> None:
        """Watch and tell until asked to stop."""
        give_back_large_blocks()
        self._make_state_dir()
        told = [(output, self._feed(output)) for output in (self.board, *self._outputs)]
        await self._store.open()
        tasks = [asyncio.create_task(self.board.run(told[0][1]), name=self.board.name)]
        try:
            await _reached(self.board.listening, tasks[0])
            tasks += [asyncio.create_task(o.run(feed), name=o.name) for o, feed in told[1:]]
            tasks.append(asyncio.create_task(self._take_orders(), name="orders"))
            await _reached(self._hears_orders, tasks[-1])
            self.engine.start()
            self._started.set()
            sys.setswitchinterval(HAND_OVER)
            take_as_lasting()
            tasks.append(asyncio.create_task(self.engine.run(), name="engine"))
            self._life.ready()
            tasks.append(asyncio.create_task(self._life.run(), name="life"))
            tasks.append(asyncio.create_task(collect_now_and_then(), name="memory"))
            tasks.append(asyncio.create_task(self._room.people.run(), name="duty"))
            tasks.append(asyncio.create_task(self.engine.alarms.run(), name="alarms"))
            tasks.append(asyncio.create_task(self._outbox.run(), name="outbox"))
            tasks.append(asyncio.create_task(self._ourselves.run(), name="ourselves"))
            tasks.append(asyncio.create_task(self._proving.run(), name="proving"))
            tasks.append(asyncio.create_task(self._reload(), name="reload"))
            tasks += [asyncio.create_task(_listen(r, "reflector"), name=r.listen) for r in self._reflectors]
            if self._traps is not None:
                tasks.append(asyncio.create_task(_listen(self._traps, "traps"), name="traps"))
            await self._until_stopped(tasks)
        finally:
            self._life.stopping()
            await self.engine.stop()
            await self._wind_up(tasks)
            await self._store.close()
            await close_shared()

    def _feed(self, output: Output) -> Feed:
        """Return a feed; an output that delivers what it reads goes on where it left off before a restart."""
        return self.engine.feed(output.name if output.durable else None)

    def _make_state_dir(self) -> None:
        folder = self._settings.state_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"state_dir: {folder} cannot be made: {error.strerror}") from error

    async def _reload(self) -> None:
        """Read the inventory anew whenever asked, one time after the other."""
        while True:
            await self._warm_up()
            await self._reloading.wait()
            self._reloading.clear()
            self._life.reloading()
            files = await asyncio.to_thread(self._reloads.look)
            try:
                inventory = await asyncio.to_thread(load_declared, self._settings, self._kinds)
                roster = await asyncio.to_thread(load_people, self._settings)
            except ConfigError as error:
                self.engine.refuse_reload(str(error), [self._reloads.act(files, str(error))])
            else:
                self.engine.reload(inventory, [self._reloads.act(files)])
                self._room.adopt(roster)
            self._life.ready()

    async def _take_orders(self) -> None:
        """Carry out what is ordered by whoever may write the state folder, once the engine has started."""
        path = control_socket(self._settings.state_dir, self._settings.vantage)

        async def answer(question: object, caller: local.Caller) -> object:
            await self._started.wait()
            return await self._orders.answer(question, caller.uid, "socket")

        await local.serve(path, answer, tried=self._hears_orders)

    async def _warm_up(self) -> None:
        """Write the metrics page once for nobody, so that its labels are built before somebody waits."""
        _, page = self._metrics("")
        async for _ in page:
            pass

    async def _until_stopped(self, tasks: list[asyncio.Task[None]]) -> None:
        stopping = asyncio.create_task(self._stopping.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        for task in done - {stopping}:
            await task
            raise RuntimeError(f"{task.get_name()} ended unasked")

    async def _wind_up(self, tasks: list[asyncio.Task[None]]) -> None:
        """Give the outputs a moment for what is left, then end them, however often they must be asked."""
        try:
            async with asyncio.timeout(LAST_WORDS):
                while any(  # noqa: ASYNC110 - several counters, no one event
                    v.connected and v.queued for v in self.engine.vitals.outputs.values()
                ):
                    await asyncio.sleep(SHORT)
        except TimeoutError:
            log.warning("stop.untold", outputs=sorted(self.engine.vitals.outputs))
        await asyncio.sleep(SHORT)
        pending = set(tasks)
        for _ in range(ASKED_TO_END):
            for task in pending:
                task.cancel()
            if pending:
                _, pending = await asyncio.wait(pending, timeout=2.0)


async def _reached(point: asyncio.Event, task: asyncio.Task[None]) -> None:
    """Wait until a task has got so far: one that cannot must say so before anything is told."""
    waiting = asyncio.create_task(point.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        await task


async def _listen(listener: Reflector | Receiver, name: str) -> None:
    """Listen for what others send unasked; that it cannot be done, or not yet, stops nothing else."""
    told = False
    while True:
        try:
            await listener.run()
        except OSError as error:
            if not told:
                log.warning("listener.deaf", listener=name, port=listener.port, error=str(error))
            told = True
        await asyncio.sleep(LISTEN_AGAIN)


@contextmanager
def signals(app: App) -> Iterator[None]:
    """Let SIGTERM and SIGINT stop *app* and SIGHUP reload it, for as long as the context lasts."""
    loop = asyncio.get_running_loop()
    calls = {signal.SIGTERM: app.stop, signal.SIGINT: app.stop, signal.SIGHUP: app.reload}
    for number, call in calls.items():
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        for number in calls:
            loop.remove_signal_handler(number)
