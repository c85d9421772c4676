"""pace: what little changes is concluded at once, a storm a slice of time at a time, a center at once."""

import asyncio
import time
from itertools import pairwise
from types import SimpleNamespace

from monitor.core.detection import Belief
from monitor.engine.pace import SLICE, Changed, Pace

COST = SLICE / 2
"""Seconds that the conclusion of a center takes here."""


def change(subject):
    return Changed(SimpleNamespace(check=SimpleNamespace(subject=subject)), Belief(), Belief())


class Conclusions:
    """Notes what was concluded together."""

    def __init__(self, cost=0.0):
        self.cost = cost
        self.drawn = []

    def draw(self, changed):
        until = time.monotonic() + self.cost
        self.drawn.append([one.watch.check.subject for one in changed])
        while time.monotonic() < until:
            pass


async def test_what_changes_now_and_then_is_concluded_at_once():
    conclusions = Conclusions()
    pace = Pace(conclusions.draw)
    pace.add(change("dan/city/primary"))
    first = list(conclusions.drawn)
    pace.add(change("network/city"))

    assert first == [["dan/city/primary"]]
    assert conclusions.drawn == [["dan/city/primary"], ["network/city"]]


async def test_a_storm_waits_and_each_center_is_concluded_once_in_the_order_of_its_changes():
    conclusions = Conclusions(cost=2 * SLICE)
    pace = Pace(conclusions.draw)
    pace.add(change("first/city/primary"))
    for role in ("primary", "backup"):
        for center in ("dan", "yun"):
            pace.add(change(f"{center}/city/{role}"))
    waiting = [pace.is_waiting(change(f"{center}/province").watch) for center in ("dan", "first")]
    at_once = len(conclusions.drawn)
    async with asyncio.timeout(5):
        while len(conclusions.drawn) < 3:
            await asyncio.sleep(0)

    assert at_once == 1
    assert waiting == [True, False]
    assert conclusions.drawn[1:] == [
        ["dan/city/primary", "dan/city/backup"],
        ["yun/city/primary", "yun/city/backup"],
    ]


async def test_the_loop_has_its_turns_while_a_storm_is_worked_off():
    conclusions = Conclusions(COST)
    pace = Pace(conclusions.draw)
    for n in range(30):
        pace.add(change(f"c{n}/city/primary"))
    turns = []
    async with asyncio.timeout(5):
        while len(conclusions.drawn) < 30:
            turns.append(len(conclusions.drawn))
            await asyncio.sleep(0)

    steps = [later - earlier for earlier, later in pairwise(turns)]
    assert max(steps) <= SLICE / COST + 1


async def test_a_flush_concludes_all_that_waits():
    conclusions = Conclusions(cost=2 * SLICE)
    pace = Pace(conclusions.draw)
    for center in ("dan", "yun", "fang"):
        pace.add(change(center))
    pace.flush()

    assert conclusions.drawn == [["dan"], ["yun"], ["fang"]]
