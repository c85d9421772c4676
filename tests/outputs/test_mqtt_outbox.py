"""mqtt outbox: what is told next, and what becomes of it when the broker goes away."""

import pytest

from monitor.core.world import Event
from monitor.outputs.mqtt.outbox import TRIES, Lane, Outbox


def event(seq):
    return Event(seq, 0.0, "status", "danjiangkou", {})


def taken(outbox, most=100):
    """Take what there is, acknowledging each at once, and say it in words."""
    words = []
    while len(words) < most and (item := outbox.next()) is not None:
        words.append(f"{item.lane}:{item.key}".rstrip(":"))
        outbox.done(item)
    return words


def test_events_and_changes_take_turns_and_refreshes_come_last():
    outbox = Outbox(10)
    outbox.refresh(["x", "a"])
    outbox.introduce(topics=["t"])
    outbox.tell([event(1), event(2), event(3)])
    outbox.change(["a", "b"])
    outbox.daemon()

    assert taken(outbox) == [
        "daemon", "status:a", "event:1", "status:b", "event:2", "event:3", "clear:t", "status:x",
    ]  # fmt: skip


def test_a_subject_that_changes_often_is_told_once():
    outbox = Outbox(10)
    for _ in range(5):
        outbox.change(["a"])
        outbox.refresh(["a"])

    assert taken(outbox) == ["status:a"]


def test_a_full_queue_drops_the_oldest_and_counts_them():
    outbox = Outbox(3)
    outbox.tell(event(n) for n in range(10))

    assert outbox.dropped == 7
    assert taken(outbox) == ["event:7", "event:8", "event:9"]


def test_what_was_under_way_when_the_session_ended_is_told_again_in_order():
    outbox = Outbox(10)
    outbox.tell(event(n) for n in range(5))
    first = outbox.next()
    outbox.done(first)
    outbox.next()
    outbox.next()
    outbox.lost(proven=True)

    assert taken(outbox) == ["event:1", "event:2", "event:3", "event:4"]


def test_a_change_that_was_under_way_is_told_again():
    outbox = Outbox(10)
    outbox.change(["a"])
    outbox.next()
    outbox.lost(proven=True)

    assert taken(outbox) == ["status:a"]


def test_the_bound_holds_for_what_comes_back_too():
    outbox = Outbox(2)
    outbox.tell([event(1), event(2)])
    outbox.next()
    outbox.next()
    outbox.tell([event(3), event(4)])
    outbox.lost(proven=True)

    assert outbox.dropped == 2
    assert taken(outbox) == ["event:3", "event:4"]


def lose(outbox, *, proven=True):
    """Live through a session that ends on the first thing it sends, and say what was given up."""
    outbox.next()
    return outbox.lost(proven=proven)


@pytest.mark.parametrize("lane", [Lane.EVENT, Lane.STATUS, Lane.CLEAR])
def test_what_ends_every_session_is_tried_alone_and_given_up(lane):
    outbox = Outbox(10)
    if lane is Lane.EVENT:
        outbox.tell([event(1)])
    elif lane is Lane.STATUS:
        outbox.change(["1"])
    else:
        outbox.introduce(topics=["1"])
    given_up = [lose(outbox) for _ in range(1 + TRIES)]

    assert given_up[:-1] == [None] * TRIES
    assert (given_up[-1].lane, given_up[-1].key) == (lane, "1")
    assert taken(outbox) == []
    assert outbox.window is None


def test_while_there_is_a_suspect_nothing_else_is_under_way():
    outbox = Outbox(10)
    outbox.tell([event(1), event(2)])
    outbox.change(["a"])
    outbox.next()
    lose(outbox)
    suspect = outbox.next()

    assert outbox.window == 1
    assert outbox.next() is None

    outbox.done(suspect)

    assert outbox.window is None
    assert outbox.next() is not None


def test_a_broker_that_never_answered_gives_nobody_a_bad_name():
    outbox = Outbox(10)
    outbox.tell([event(1)])
    given_up = [lose(outbox, proven=False) for _ in range(50)]

    assert given_up == [None] * 50
    assert taken(outbox) == ["event:1"]


def test_a_suspect_that_is_dropped_meanwhile_blocks_nobody():
    outbox = Outbox(1)
    outbox.tell([event(1)])
    lose(outbox)
    outbox.tell([event(2)])

    assert taken(outbox) == ["event:2"]


def test_an_introduction_is_over_when_each_part_of_it_has_been_answered():
    outbox = Outbox(10)
    outbox.introduce(["a", "b"], ["t"])
    outbox.change(["b"])
    for _ in range(2):
        outbox.done(outbox.next())

    assert not outbox.introduced

    outbox.done(outbox.next())

    assert outbox.introduced


def test_in_a_hurry_refreshes_are_left_out():
    outbox = Outbox(10)
    outbox.refresh(["a"])
    outbox.change(["b"])
    outbox.hurry()

    assert taken(outbox) == ["status:b"]
