"""mqtt crash: at whatever moment the daemon is killed, no event stays untold, and few are told twice."""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.core.world import Event
from monitor.kit.crash import VARIABLE
from tests.listener import listening
from tests.logs import opened
from tests.mosquitto import OPEN, mosquitto, needs_mosquitto
from tests.outputs.mqtt_child import NAME
from tests.outputs.mqtt_ground import DAEMON, EVENT, ids

pytestmark = [pytest.mark.server, needs_mosquitto]

HERE = Path(__file__).parents[2]
COUNT = 300
MANY = 100_000
"""More events than a life that is killed after a moment can tell."""
POINTS = ("before_publish", "after_publish_before_puback", "after_puback_before_mark")


def name(event: Event) -> str:
    return f"{event.vantage}/{event.boot}/{event.seq}"


@contextlib.asynccontextmanager
async def life(port: int, folder: Path, boot: str, count: int, point: str = ""):
    """Let a daemon live that records and tells so many events."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.outputs.mqtt_child", str(port), str(folder), boot, str(count),
        cwd=HERE, env=os.environ | {VARIABLE: point},
    )  # fmt: skip
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def recorded(folder: Path) -> tuple[list[Event], int]:
    """Return what the log holds, and up to where the output says that it is told."""
    async with opened(folder, "shiyan") as (log, _):
        return list(await log.own(0, 100_000)), log.place(NAME)


@dataclass
class Ledger:
    """What was to be told, what was, and how often."""

    expected: list[str]
    got: list[str]
    in_flight: int
    """Handed to the broker at the kill and not noted as told."""

    @property
    def lost(self) -> list[str]:
        got = set(self.got)
        return [event for event in self.expected if event not in got]

    @property
    def firsts(self) -> list[str]:
        """The recorded events in the order in which they were first heard."""
        expected = set(self.expected)
        return list(dict.fromkeys(event for event in self.got if event in expected))

    @property
    def doubled(self) -> int:
        return sum(times - 1 for times in Counter(self.got).values())

    def __str__(self) -> str:
        return (
            f"expected {len(self.expected)}, got {len(set(self.got))}, lost {len(self.lost)}, "
            f"doubled {self.doubled} of {self.in_flight} in flight"
        )


def words(heard, boot: str) -> list[dict]:
    """Return what the daemon of this life said of itself."""
    return [h.told for h in heard if h.topic == DAEMON and h.told["boot"] == boot]


async def killed(folder: Path, crashes: Sequence[str | float]) -> Ledger:
    """Kill life after life of the daemon while it records and tells, let the last one live, and count.

    A crash is a named point, or the seconds from birth to kill.
    """
    in_flight = 0
    async with (
        mosquitto(folder, OPEN, "max_queued_messages 0") as broker,
        listening(broker.port, EVENT, DAEMON) as listener,
    ):
        for number, crash in enumerate(crashes):
            boot, point = f"life{number}", crash if isinstance(crash, str) else ""
            async with life(broker.port, folder, boot, COUNT if point else MANY, point) as child:
                if not point:
                    await listener.until(lambda heard, boot=boot: words(heard, boot))
                    await asyncio.sleep(crash)
                    child.kill()
                assert await child.wait() == -signal.SIGKILL
            # With its will all has been heard that it said before.
            heard = await listener.until(
                lambda heard, boot=boot: any(word["reason"] == "lost" for word in words(heard, boot))
            )
            log, place = await recorded(folder)
            told = {name(event) for event in log if event.position <= place}
            in_flight += len(set(ids(heard)) - told)
        async with life(broker.port, folder, "last", COUNT) as child:
            assert await child.wait() == 0
        log, place = await recorded(folder)
        expected = [name(event) for event in log]
        await listener.until(lambda heard: set(expected) <= set(ids(heard)))
    assert place == log[-1].position
    return Ledger(expected, ids(listener.heard), in_flight)


@pytest.mark.parametrize("nth", [1, 50])
@pytest.mark.parametrize("point", POINTS)
async def test_after_a_kill_no_event_is_lost_and_only_those_in_flight_come_twice(tmp_path, point, nth):
    ledger = await killed(tmp_path, [f"{point}:{nth}"])
    print(f"{point}:{nth}: {ledger}")

    assert ledger.lost == []
    assert ledger.doubled <= ledger.in_flight
    assert ledger.firsts == ledger.expected


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_after_twenty_kills_at_any_moment_no_event_is_lost(tmp_path):
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311 - no secret
    ledger = await killed(tmp_path, [chance.uniform(0.0, 1.5) for _ in range(20)])
    print(f"20 kills, seed {seed}: {ledger}")

    assert ledger.lost == []
    assert ledger.doubled <= ledger.in_flight
    assert ledger.firsts == ledger.expected
