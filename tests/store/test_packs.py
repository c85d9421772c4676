"""packs: what is recorded is kept small in memory, and comes out as the log would give it."""

import math
import random
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.store.packs import LARGEST, Packs
from monitor.store.ring import NEAR, PROVISIONAL, TAIL, Ring
from tests.store import filled
from tests.store.log_ground import event

STEPS = st.lists(st.tuples(st.integers(0, 300), st.floats(0, 1)), max_size=30)
"""How many events are added, and what share of those that wait is recorded then."""


def opened_ring():
    ring = Ring()
    ring.settle(-PROVISIONAL)
    return ring


def grown(ring, events):
    """Let *events* happen and be recorded, one at a time; return them with their positions."""
    numbered = []
    for one in events:
        numbered += ring.add([one])
        ring.record(ring.last, 0)
    return numbered


@settings(derandomize=True, max_examples=100, deadline=None)
@given(STEPS, st.integers(1, 6_000), st.integers(0, 400), st.integers(1, 300))
def test_a_ring_gives_what_it_was_given_packed_or_not(steps, first, more, limit):
    ring, there, waiting = opened_ring(), [], 0
    for count, share in steps:
        there += ring.add([event(len(there) + n) for n in range(count)])
        waiting += count
        if taken := int(waiting * share):
            waiting -= taken
            ring.record(there[-1].position - waiting, waiting)
    kept = [e for e in there if e.position >= ring.first]
    wanted = [e for e in kept if first <= e.position <= first + more]

    assert ring.everything() == kept
    assert len(ring) == len(kept) >= min(len(there), TAIL)
    assert ring.between(first, first + more, limit) == wanted[:limit]
    assert ring.latest(waiting) == there[len(there) - waiting :]


def test_the_tail_takes_little_memory():
    tracemalloc.start()
    try:
        ring = opened_ring()
        before = tracemalloc.get_traced_memory()[0]
        grown(ring, (filled.event(n) for n in range(TAIL)))
        size = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert len(ring) == TAIL
    assert ring.near > TAIL - 2 * NEAR - 64
    assert size < TAIL * 250


def test_a_packed_event_is_as_the_log_would_give_it():
    packs = Packs()
    odd = event(1, data={"nan": math.nan, "pair": (1, 2), "half": "\ud800", "zh": "中断"}, received_at=7.5)
    packs.add([odd, event(2)])
    first, second = packs.walk(0, 9)

    assert first.data == {"nan": None, "pair": [1, 2], "half": "?", "zh": "中断"}
    assert (first.seq, first.received_at, second.received_at) == (1, 7.5, None)
    assert second == event(2)


def test_large_events_push_out_the_oldest_before_memory_is_full():
    noise = random.Random(1)  # noqa: S311 - what does not compress
    ring = opened_ring()
    there = grown(ring, (event(n, data={"noise": noise.randbytes(8_000).hex()}) for n in range(1_200)))

    assert 1 < ring.first < ring.near
    assert ring._packs.size <= LARGEST
    assert ring.everything() == there[ring.first - 1 :]
