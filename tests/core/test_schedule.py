"""schedule: every item is due once, at the tick it was put for last, however far ahead."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.schedule import NEVER, SLOTS, Wheel, first_tick, phase, ticks


@dataclass
class Item:
    name: str = ""
    tick: int = NEVER


def test_an_item_is_due_at_its_tick_and_only_once():
    wheel: Wheel[Item] = Wheel(0)
    item = Item()
    wheel.put(item, 5)

    assert [wheel.take(4), wheel.take(5), wheel.take(5 + SLOTS)] == [[], [item], []]


def test_moving_an_item_voids_its_old_place():
    wheel: Wheel[Item] = Wheel(0)
    item = Item()
    wheel.put(item, 5)
    wheel.put(item, 9)

    assert (wheel.take(8), wheel.take(9)) == ([], [item])


def test_an_item_moved_back_to_the_same_slot_is_due_once():
    wheel: Wheel[Item] = Wheel(0)
    item = Item()
    for tick in (5, 9, 5):
        wheel.put(item, tick)

    assert (wheel.take(5), wheel.take(SLOTS)) == ([item], [])


def test_what_lies_more_than_a_turn_ahead_waits_for_its_turn():
    wheel: Wheel[Item] = Wheel(0)
    item = Item()
    wheel.put(item, 3 * SLOTS + 7)

    assert wheel.take(3 * SLOTS + 6) == []
    assert wheel.take(3 * SLOTS + 7) == [item]


def test_a_tick_in_the_past_means_the_next_one():
    wheel: Wheel[Item] = Wheel(100)
    item = Item()
    wheel.put(item, 3)

    assert wheel.take(101) == [item]


def test_a_loop_that_slept_for_turns_loses_nothing():
    wheel: Wheel[Item] = Wheel(0)
    items = [Item(str(n)) for n in range(50)]
    for n, item in enumerate(items):
        wheel.put(item, 1 + n * 301)

    assert {item.name for item in wheel.take(100_000)} == {item.name for item in items}


@given(st.lists(st.tuples(st.integers(1, 3 * SLOTS), st.integers(0, 4)), max_size=40))
def test_whatever_is_put_comes_out_exactly_once_at_its_last_tick(puts):
    wheel: Wheel[Item] = Wheel(0)
    items = [Item(str(n)) for n in range(5)]
    last = {}
    for tick, which in puts:
        wheel.put(items[which], tick)
        last[str(which)] = tick

    seen = {item.name: now for now in range(1, 3 * SLOTS + 1) for item in wheel.take(now)}

    assert seen == last


def test_the_next_tick_with_work_is_found_and_bounded():
    wheel: Wheel[Item] = Wheel(0)
    wheel.put(Item(), 7)

    assert (wheel.next_tick(5), wheel.next_tick(50)) == (5, 7)


@given(st.text(), st.integers(1, 5000), st.integers(0, 10**9))
def test_a_check_keeps_its_phase_whenever_the_daemon_starts(check, period, now):
    tick = first_tick(check, period, now)

    assert now < tick <= now + period
    assert tick % period == phase(check, period)


def test_ten_thousand_checks_spread_evenly_over_their_period():
    period = ticks(1.0)
    counts = [0] * period
    for n in range(10_000):
        counts[phase(f"center-{n}/city/primary/icmp", period)] += 1

    assert max(counts) < 2 * 10_000 / period
