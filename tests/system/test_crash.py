"""Killed anywhere, the daemon forgets nothing, invents nothing, and tells twice only what was in flight."""

import random
import time

import pytest

from tests.mosquitto import needs_mosquitto
from tests.system.account import HEAD
from tests.system.ear import needs_sub
from tests.system.lives import Lives, lives

pytestmark = [pytest.mark.server, needs_mosquitto, needs_sub]

PASSED = (
    "probe_result", "before_begin", "in_tx", "before_commit", "after_commit",
    "before_publish", "after_publish_before_puback", "after_puback_before_mark",
)  # fmt: skip
"""Points that a daemon passes again and again."""
LED_TO = {
    "in_reload:1": Lives.reload_until_dead,
    "in_reload:50": Lives.reload_until_dead,
    "in_checkpoint:1": Lives.stop,
    "in_checkpoint:2": Lives.stop,
    "in_shutdown:1": Lives.stop,
    "in_shutdown:2": Lives.stop,
}
"""Points to which it has to be led; the last two it passes twice in a life."""
FIRST = ("in_migration:1", "in_migration:12")
"""Points of the first start, which makes the log."""
SELECTED = (
    "in_migration:12", "probe_result:50", "in_tx:50", "before_commit:1", "after_commit:50",
    "after_publish_before_puback:50", "in_reload:1", "in_checkpoint:2",
)  # fmt: skip
"""One after the other; the others are for those who have more time."""
MATRIX = [*(f"{point}:{nth}" for point in PASSED for nth in (1, 50)), *LED_TO, *FIRST]


@pytest.mark.timeout(300)
async def test_killed_at_one_point_after_the_other_it_forgets_nothing(tmp_path):
    async with lives(tmp_path, random.Random(4)) as all_lives:  # noqa: S311 - no secret
        for point in SELECTED:
            await all_lives.die_at(point, LED_TO.get(point))
        await all_lives.end_well(2.0)

    holds_good(all_lives, f"{len(SELECTED)} points")


@pytest.mark.timeout(300)
async def test_killed_at_any_moment_it_forgets_nothing(tmp_path):
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311 - no secret
    async with lives(tmp_path, chance) as all_lives:
        for _ in range(2):
            await all_lives.killed_after(chance.uniform(0.05, 2.0))
            await all_lives.killed_after(chance.uniform(0.05, 6.0), of_work=True)
        await all_lives.end_well(2.0)

    holds_good(all_lives, f"at random, seed {seed}")


@pytest.mark.long
@pytest.mark.parametrize("point", MATRIX)
async def test_killed_at_a_point_it_forgets_nothing(tmp_path, point):
    async with lives(tmp_path, random.Random(point)) as all_lives:  # noqa: S311 - no secret
        if point not in FIRST:
            await all_lives.end_well(3.0)
        await all_lives.die_at(point, LED_TO.get(point))
        await all_lives.end_well(3.0)

    holds_good(all_lives, point)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_killed_at_its_twentyfifth_checkpoint_it_forgets_nothing(tmp_path):
    async with lives(tmp_path, random.Random(5), centers=50) as all_lives:  # noqa: S311 - no secret
        await all_lives.die_at("in_checkpoint:50", patience=250)
        await all_lives.end_well()

    holds_good(all_lives, "in_checkpoint:50")


def holds_good(all_lives, title):
    recorded, told = all_lives.account()
    print(f"\n{HEAD}\n{all_lives.line(title)}")

    assert all_lives.blemishes == []
    assert recorded.expected > 0
    assert recorded.got == recorded.expected
    assert recorded.lost == recorded.doubled == 0
    assert told.expected > recorded.expected
    assert told.lost == 0
    assert told.doubled <= all_lives.in_flight
    assert all_lives.held.places["mqtt"] == all_lives.held.events[-1].position
