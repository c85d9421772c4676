"""log: in memory the order is kept, nothing is torn apart, and a reader is given everything exactly once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.store.batch import Taken
from monitor.store.pending import Item, Pending
from monitor.store.place import Place
from monitor.store.ring import PROVISIONAL, Ring
from monitor.store.spans import Spans
from tests.store.log_ground import event, kept

NUMBERS = st.integers(1, 40)
SPANS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=12)


def members(spans):
    return {n for first, last in spans for n in range(first, last + 1)}


@settings(derandomize=True, max_examples=300, deadline=None)
@given(SPANS, NUMBERS, NUMBERS)
def test_spans_are_a_set(pairs, one, other):
    first, last = sorted((one, other))
    spans = Spans(*pairs)
    held = members(pairs)
    missing = [n for n in range(first, last + 1) if n not in held]
    gap = spans.gap(first, last)

    assert members(spans) == held
    assert all(a[1] + 1 < b[0] for a, b in zip(list(spans), list(spans)[1:], strict=False))
    assert spans.count(first, last) == len(held & set(range(first, last + 1)))
    assert (first in spans) == (first in held)
    assert (gap is None) == (not missing)
    assert gap is None or gap[0] == missing[0]
    assert gap is None or set(range(gap[0], gap[1] + 1)) <= set(missing)


def given_out(place, upto, limit, beyond=0):
    """Take the next positions as a reader does; return them."""
    gap = place.gap(upto, beyond)
    if gap is None:
        return []
    first, last = gap
    last = min(last, first + limit - 1)
    place.give(first, last)
    return list(range(first, last + 1))


def test_a_place_moves_with_what_is_told():
    place = Place(10)
    given_out(place, 100, 20)
    given_out(place, 100, 20)

    assert place.tell(15)
    assert place.saved == 15
    assert not place.tell(15)
    assert not place.tell(3)
    assert place.tell(50)
    assert place.saved == 50
    assert not place.tell(1_000)


def test_what_is_told_out_of_turn_is_not_saved_before_what_lies_before_it_is_told():
    place = Place(10)
    ahead = given_out(place, 100, 20, beyond=60)
    told_ahead = place.tell(ahead[-1])
    behind = [*given_out(place, 100, 30), *given_out(place, 100, 30)]
    place.tell(30)
    in_between = place.saved
    place.tell(60)

    assert not told_ahead
    assert behind == list(range(11, 61))
    assert in_between == 30
    assert place.saved == ahead[-1]


def test_what_was_given_before_is_told_when_something_given_later_is_though_it_lies_before_it():
    place = Place(0)
    ahead = given_out(place, 20, 10, beyond=10)
    behind = given_out(place, 20, 10)
    place.tell(5)
    in_between = place.saved
    place.tell(behind[-1])

    assert (ahead[-1], in_between) == (20, 5)
    assert place.saved == 20


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 20),
    st.integers(0, 20),
    st.booleans(),
    st.integers(1, 9),
)
def test_when_the_log_opens_late_everything_is_given_once_and_the_place_is_where_it_was_told(
    last, saved, before, after, named, limit
):
    saved = min(saved, last)
    place = Place(PROVISIONAL + before)
    early = given_out(place, PROVISIONAL + before + after, limit)
    half = early[: len(early) // 2]
    if half:
        place.tell(half[-1])
    place.settle(last, saved if named else None)
    if early:
        place.tell(early[-1])
    end = last + before + after
    late = []
    while more := given_out(place, end, limit):
        late += more
        place.tell(more[-1])
    first = saved if named else last + before

    assert sorted([*(n - PROVISIONAL + last for n in early), *late]) == list(range(first + 1, end + 1))
    assert place.saved == end


def test_a_ring_keeps_what_is_not_recorded_and_a_tail_of_what_is():
    ring = Ring()
    ring.settle(-PROVISIONAL)
    for n in range(5_000):
        ring.add([event(n)])
    ring.record(4_000, 1_000)

    assert (ring.last, ring.recorded) == (5_000, 4_000)
    assert 1_000 < ring.first <= 2_001
    assert [e.position for e in ring.between(4_990, 9_999, 5)] == list(range(4_990, 4_995))
    assert len(ring) == 5_000 - ring.first + 1


def test_what_is_lost_is_forgotten_and_counted():
    ring = Ring()
    ring.settle(-PROVISIONAL)
    events = [ring.add([event(n)])[0] for n in range(100)]
    ring.lose(events[10:20])
    ring.lose(events[20:30])

    assert [e.position for e in ring.between(8, 33, 10)] == [8, 9, 10, 31, 32, 33]
    assert ring.lost.count(1, 100) == 20


def pending(most=1_000):
    ring = Ring()
    ring.settle(-PROVISIONAL)
    return ring, Pending(most)


def item(ring, *seqs, **about):
    return Item(ring.add([event(seq) for seq in seqs]), **about)


def test_a_batch_holds_whole_items_and_stays_until_it_is_settled():
    ring, waiting = pending()
    for n in range(10):
        waiting.add(item(ring, *range(n * 3, n * 3 + 3)))
    first = [e.seq for e in waiting.take(10).events]
    waiting.give_back()
    again = [e.seq for e in waiting.take(10).events]
    waiting.settle()
    rest = [e.seq for e in waiting.take(1_000).events]

    assert first == again == list(range(9))
    assert rest == list(range(9, 30))


def test_one_item_is_taken_however_large_it_is():
    ring, waiting = pending()
    waiting.add(item(ring, *range(5_000)))

    assert len(waiting.take(10).events) == 5_000


def test_what_is_only_held_goes_with_what_was_last_to_happen():
    ring, waiting = pending()
    waiting.add(item(ring, 1, checks={"a": kept("1")}))
    waiting.add(Item(checks={"a": kept("2"), "b": kept("2")}))
    first = waiting.take(1)
    waiting.add(Item(checks={"a": kept("3")}))
    waiting.settle()
    second = waiting.take(1)

    assert (first.checks["a"], first.checks["b"]) == (kept("2"), kept("2"))
    assert second.checks == {"a": kept("3")}


def test_what_is_held_is_never_ahead_of_what_has_happened():
    ring, waiting = pending()
    waiting.add(item(ring, 1, checks={"a": kept("1")}))
    waiting.add(item(ring, 2, checks={"a": kept("2")}))
    batch = waiting.take(1)

    assert [e.seq for e in batch.events] == [1]
    assert batch.checks == {"a": kept("1")}


def test_when_memory_is_full_the_oldest_go_but_not_what_they_implied():
    ring, waiting = pending(most=5)
    in_hand = waiting.add(item(ring, 0, checks={"a": kept("0")})) or waiting.take(1)
    gone = []
    for n in range(1, 10):
        gone += waiting.add(item(ring, n, checks={f"c{n}": kept(str(n))}))
    waiting.settle()
    rest = waiting.take(1_000)

    assert [e.seq for e in in_hand.events] == [0]
    assert [e.seq for one in gone for e in one.events] == [1, 2, 3, 4, 5]
    assert [e.seq for e in rest.events] == [6, 7, 8, 9]
    assert set(rest.checks) == {f"c{n}" for n in range(1, 10)}


def test_what_came_from_others_can_be_withdrawn_and_what_came_with_it_stays():
    ring, waiting = pending()
    waiting.add(item(ring, 1))
    waiting.add(item(ring, 2, taken=Taken("dan", "L", 7, ("b",))))
    waiting.add(item(ring, 3, checks={"a": kept("3")}))
    waiting.add(item(ring, 4, taken=Taken("dan", "L", 8, ("b",)), checks={"b": kept("4")}))
    withdrawn = waiting.withdraw()
    batch = waiting.take(1_000)

    assert [e.seq for one in withdrawn for e in one.events] == [2, 4]
    assert [e.seq for e in batch.events] == [1, 3]
    assert batch.taken == []
    assert batch.checks == {"a": kept("3"), "b": kept("4")}


@pytest.mark.parametrize("seen_first", [True, False], ids=["taken-back", "taken-once"])
def test_places_of_readers_are_the_latest_ones(seen_first):
    _, waiting = pending()
    waiting.place("mqtt", 5)
    if seen_first:
        waiting.take(1)
    waiting.place("mqtt", 7)
    waiting.place("log", 3)
    if seen_first:
        waiting.give_back()

    assert waiting.take(1).places == {"mqtt": 7, "log": 3}
