"""Traces the ways over circuits: now and then while they are well, and once when an incident breaks them.

A trace goes where a look at the circuit goes, from the same address and interface; where there are several,
the one that goes beyond it, to the anchor of its network. The latest trace that arrived is kept in memory,
so that after a cut it can be said behind which hop the way ends.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from zlib import crc32

from monitor.core.detection import Verdict
from monitor.core.ending import Ending
from monitor.core.incident import Change, Stage
from monitor.core.inventory import Look
from monitor.core.topology import Kind
from monitor.core.trace import Trace, compare
from monitor.core.world import Check, World
from monitor.engine.mishaps import Mishaps
from monitor.kit.resolver import ResolveError, literal, shared
from monitor.kit.sockets import FAMILIES
from monitor.kit.trace import Asked, Method, Path, TraceError

AT_ONCE = 2
"""Traces under way at the same time. Linux, as a router, tells one host of six packets that ran out, and then
of one a second: more at once would leave some of them without an answer of the first router."""
PER_INCIDENT = 4
"""Circuits that are traced because of one incident."""
PER_MINUTE = 30
"""Traces because of incidents in a minute; an avalanche gets no more."""
REMEMBERED = 200
"""Latest incidents that were traced already."""
TRACED = frozenset(
    {
        Kind.CIRCUIT, Kind.POWER, Kind.ROUTER, Kind.NETWORK, Kind.TRUNK,
        Kind.CARRIER, Kind.DUCT, Kind.FEED, Kind.EQUIPMENT,
    }
)  # fmt: skip
"""Kinds of component whose fault breaks circuits."""

METHODS: Mapping[str, Method] = {"tcp": "tcp", "udp": "udp"}
"""By the kind of the look: what passes a firewall when it looks passes it when it traces."""

Tracer = Callable[[Asked], Awaitable[Path]]


class Tracing:
    """Keeps the latest good trace of each circuit; a part of the engine, in its event loop."""

    def __init__(
        self,
        world: World,
        mishaps: Mishaps,
        tracer: Tracer,
        every: float,
        beat: float,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Trace each circuit every so many seconds while it is well; 0: never, and nothing else either.

        *beat*: seconds between two such traces, at least.
        """
        self.ended: Callable[[Ending], None] = _nobody
        """Hears where a way ends, once that was traced because of an incident."""
        self.good: dict[str, Trace] = {}
        """The latest trace of each circuit that arrived."""
        self._world = world
        self._mishaps = mishaps
        self._tracer = tracer
        self._every = every
        self._beat = beat
        self._wall = wall
        self._ways: Mapping[str, Check] = {}
        self._due: dict[str, float] = {}
        """Monotonic time at which a circuit that was traced before is due again."""
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._rounds: asyncio.Task[None] | None = None
        self._of_incidents: deque[float] = deque(maxlen=PER_MINUTE)
        self._done: deque[str] = deque(maxlen=REMEMBERED)

    def adopt(self) -> None:
        """Trace over the circuits that are now looked at; what leads elsewhere than before is forgotten."""
        before, self._ways = self._ways, dict(ways(self._world)) if self._every else {}
        for circuit, check in before.items():
            if self._ways.get(circuit) != check:
                self.good.pop(circuit, None)
                self._due.pop(circuit, None)

    def start(self) -> None:
        """Begin to trace what is well."""
        if self._every:
            self._rounds = asyncio.create_task(self._run(), name="traces")

    async def aclose(self) -> None:
        """Give up what is under way."""
        tasks = self._tasks | ({self._rounds} if self._rounds else set())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def changed(self, changes: Sequence[Change]) -> None:
        """Trace the circuits of each incident that has just been confirmed."""
        for change in changes:
            now = change.now
            if now.stage is Stage.CONFIRMED and not now.planned and now.id not in self._done:
                circuits = self._circuits(now.id)
                if circuits:
                    self._done.append(now.id)
                for circuit in circuits:
                    self._begin(partial(self._after, circuit))

    # Of incidents.

    def _circuits(self, incident: str) -> list[str]:
        """Return the first few circuits of ours that an incident touches, itself first."""
        story = self._world.stories.get(incident)
        if story is None or story.kind not in TRACED:
            return []
        touched = sorted(self._ways.keys() & story.touched)
        touched.sort(key=lambda circuit: (circuit != story.incident.component, circuit not in self.good))
        return [circuit for circuit in touched[:PER_INCIDENT] if self._is_allowed()]

    def _is_allowed(self) -> bool:
        now = time.monotonic()
        if len(self._of_incidents) == PER_MINUTE and now - self._of_incidents[0] < 60.0:  # noqa: PLR2004
            return False
        self._of_incidents.append(now)
        return True

    async def _after(self, circuit: str) -> None:
        trace = await self._trace(circuit)
        if trace is not None:
            self.ended(compare(self.good.get(circuit), trace))

    # While all is well.

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._beat)
            circuit = self._next(time.monotonic())
            if circuit is not None:
                self._begin(partial(self._before, circuit))

    def _next(self, now: float) -> str | None:
        """Return the circuit that is due first, of those that are well; its turn is over with that."""
        due = [name for name in self._ways if self._due.get(name, 0.0) <= now and self._is_well(name)]
        if not due:
            return None
        circuit = min(due, key=lambda name: (self._due.get(name, 0.0), crc32(name.encode())))
        share = 1.0 if circuit in self._due else crc32(circuit.encode()) / 2**32
        self._due[circuit] = now + self._every * share
        return circuit

    def _is_well(self, circuit: str) -> bool:
        belief = self._world.beliefs.get(self._ways[circuit].id)
        return belief is not None and belief.verdict is Verdict.UP and belief.doubt is None

    async def _before(self, circuit: str) -> None:
        trace = await self._trace(circuit)
        if trace is not None and trace.reached and circuit in self._ways:
            self.good[circuit] = trace

    # Both.

    def _begin(self, tracing: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(self._contained(tracing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _contained(self, tracing: Callable[[], Awaitable[None]]) -> None:
        async with self._places:
            with self._mishaps.contained("trace"):
                await tracing()

    async def _trace(self, circuit: str) -> Trace | None:
        """Trace once; None if we could not."""
        check = self._ways.get(circuit)
        if check is None:
            return None
        at = self._wall()
        try:
            path = await self._tracer(await asked(check.look))
        except (TraceError, ResolveError, ValueError):
            return None
        hops = tuple(hop.address for hop in path.hops)
        return Trace(circuit, self._world.vantage, at, path.target, hops, path.reached, path.how)


def ways(world: World) -> Iterator[tuple[str, Check]]:
    """Give each circuit with the check whose look is traced; the one that goes beyond it, if there is one."""
    circuits = world.inventory.circuits
    own = {check.subject: check for check in world.checks.values() if _leads_there(check, check.subject)}
    over = {check.over: check for check in world.checks.values() if _leads_there(check, check.over)}
    for circuit in circuits:
        check = over.get(circuit) or own.get(circuit)
        if check is not None:
            yield circuit, check


def _leads_there(check: Check, circuit: str | None) -> bool:
    return circuit is not None and isinstance(getattr(check.look.options, "host", None), str)


async def asked(look: Look) -> Asked:
    """Return what to trace so that it goes where a look goes. Raises ResolveError."""
    options: Any = look.options
    source = str(options.source) if getattr(options, "source", None) else None
    family = FAMILIES[getattr(options, "family", "any")]
    if source is not None:
        family = literal(source) or family
    host = (await shared().resolve(options.host, family))[0]
    interface = getattr(options, "interface", None)
    method = METHODS.get(look.kind, "auto")
    port = None if method == "auto" else options.port
    return Asked(host, method, port, source, interface)


def _nobody(_ending: Ending) -> None:
    """Let nobody know."""
