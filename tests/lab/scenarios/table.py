"""All scenarios by name: how each is played in seconds, and how in full."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.ledger import Row
from tests.lab.levels import Levels
from tests.lab.scenarios import agents, brokers, clocks, collectors, disks, strangers

Play = Callable[[Levels], Row]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that may happen."""

    name: str
    short: Play
    """Seconds."""
    full: Play
    """Minutes, some of them."""
    always: bool = False
    """Among the few that are played at each change of the program."""
    why_not: str | None = None
    """Why it cannot be played here."""


NO_OTHER_CLOCK = None if clocks.FAKETIME else "needs libfaketime"

SCENARIOS = (
    Scenario("agent-killed", lambda at: agents.killed(at, 1), lambda at: agents.killed(at, 20), always=True),
    Scenario("agent-frozen", agents.frozen, agents.frozen),
    Scenario("agent-restarted", agents.restarted, lambda at: agents.restarted(at, 10)),
    Scenario(
        "agent-cut-off",
        lambda at: agents.cut_off(at, 1),
        lambda at: agents.cut_off(at, 600),
        always=True,
    ),
    Scenario("all-agents-silent", agents.all_silent, agents.all_silent, always=True),
    Scenario("city-killed", collectors.killed, lambda at: collectors.killed(at, 10)),
    Scenario("city-frozen", collectors.frozen, collectors.frozen),
    Scenario("broker-killed", brokers.killed, lambda at: brokers.killed(at, 60)),
    Scenario("broker-frozen", brokers.frozen, lambda at: brokers.frozen(at, 60)),
    Scenario("broker-restarted", brokers.restarted, lambda at: brokers.restarted(at, 100)),
    Scenario(
        "broker-forgot",
        lambda at: brokers.forgotten(at, 1),
        lambda at: brokers.forgotten(at, 60),
        always=True,
    ),
    Scenario("city-disk-full", disks.city_full, lambda at: disks.city_full(at, 120)),
    Scenario("agent-disk-full", disks.agent_full, lambda at: disks.agent_full(at, 120)),
    Scenario("two-agents", strangers.two_under_one_name, strangers.two_under_one_name),
    Scenario("wrong-topics", strangers.wrong_topics, strangers.wrong_topics),
    Scenario("poison", strangers.poisoned, strangers.poisoned),
    Scenario("flood", strangers.flooded, lambda at: strangers.flooded(at, 5000, 60)),
    Scenario("replay", strangers.replayed, strangers.replayed),
    Scenario(
        "clock-off",
        clocks.hour_off,
        clocks.hour_off,
        why_not=NO_OTHER_CLOCK,
    ),
    Scenario(
        "clock-set-right",
        clocks.set_right_while_away,
        clocks.set_right_while_away,
        why_not=NO_OTHER_CLOCK,
    ),
)
