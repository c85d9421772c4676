"""What other vantages say, brought into the world; nothing of it changes what we say ourselves."""

from collections.abc import Callable, Mapping

from monitor.core.agent import Agent, Heard
from monitor.core.ending import Ending
from monitor.core.trace import ending_told
from monitor.core.world import Event, Json, World
from monitor.engine.telling import Telling


class Ear:
    """A `monitor.ports.Hearing`."""

    def __init__(self, world: World, telling: Telling) -> None:
        self._world = world
        self._telling = telling
        self.stirred: Callable[[], None] = _nobody
        """Hears that there is something new."""
        self.ended: Callable[[Ending], None] = _no_ending
        """Hears where the way over a circuit ends."""

    @property
    def world(self) -> World:
        """The latest world."""
        return self._world

    def heard(self, vantage: str, beliefs: Mapping[str, Heard | None]) -> None:
        """Take in what *vantage* believes of these checks; None: nothing valid any more."""
        held = self._world.heard.setdefault(vantage, {})
        news = False
        for check, belief in beliefs.items():
            news |= _held(held.get(check)) != _held(belief)
            if belief is None:
                held.pop(check, None)
            else:
                held[check] = belief
        if news:
            self.stirred()

    def agent(self, agent: Agent, what: str = "", **data: Json) -> None:
        """Take in how the daemon of another vantage is; *what*, if given, is told as an event about it."""
        before = self._world.agents.get(agent.vantage)
        self._world.agents[agent.vantage] = agent
        if what:
            self._telling.daemon(what, agent.vantage, **data)
        if before is None or before.presence is not agent.presence:
            self.stirred()

    def broker(self, lost_at: float | None) -> None:
        """Take in since when there is no connection to the broker (monotonic seconds); None: there is one."""
        before, self._world.broker_lost_at = self._world.broker_lost_at, lost_at
        if before != lost_at:
            self.stirred()

    def tell(self, what: str, **data: Json) -> None:
        """Tell an event about the daemons of the other vantages together."""
        self._telling.daemon(what, **data)

    def traced(self, event: Event) -> None:
        """Take in the event of another vantage's trace; what cannot be understood stays in the log alone."""
        agent = self._world.agents.get(event.vantage)
        offset = None if agent is None else agent.clock_offset
        ending = ending_told(event, offset=offset or 0.0)
        if ending is not None:
            self.ended(ending)

    def forget(self) -> None:
        """Forget the vantages that the inventory no longer has."""
        for known in (self._world.agents, self._world.heard):
            for vantage in known.keys() - self._world.inventory.vantages.keys():
                del known[vantage]


def _held(belief: Heard | None) -> tuple[str, bool] | None:
    return None if belief is None else (belief.verdict, belief.suspected)


def _no_ending(_ending: Ending) -> None:
    """Let nobody know."""


def _nobody() -> None:
    """Let nobody know."""
