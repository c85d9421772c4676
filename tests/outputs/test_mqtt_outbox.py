"""mqtt outbox: what is told next, and what becomes of it when the broker goes away."""

import pytest

from monitor.core.world import Event
from monitor.outputs.mqtt.outbox import TRIES, Lane, Outbox


def event(seq, vantage="shiyan", boot="b"):
    return Event(vantage, boot, seq, 0.0, "status", "danjiangkou", {}, position=10 * seq)


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
        "daemon", "status:a", "event:shiyan/b/1", "status:b", "event:shiyan/b/2", "event:shiyan/b/3",
        "clear:t", "status:x",
    ]  # fmt: skip


def test_a_subject_that_changes_often_is_told_once():
    outbox = Outbox(10)
    for _ in range(5):
        outbox.change(["a"])
        outbox.refresh(["a"])

    assert taken(outbox) == ["status:a"]


def test_there_is_room_until_enough_events_are_in_hand_under_way_ones_included():
    outbox = Outbox(3)
    outbox.tell([event(1), event(2)])
    outbox.change(["a", "b", "c", "d"])
    room = [outbox.has_room]
    outbox.tell([event(3)])
    room.append(outbox.has_room)
    taken_first = next(item for item in iter(outbox.next, None) if item.lane is Lane.EVENT)
    room.append(outbox.has_room)
    outbox.done(taken_first)
    room.append(outbox.has_room)

    assert room == [True, False, False, True]


def test_nothing_is_ever_pushed_out():
    outbox = Outbox(1)
    outbox.tell(event(n) for n in range(1, 1001))

    assert (outbox.queued, len(taken(outbox, 2000)), outbox.told) == (1000, 1000, 10_000)


def test_what_is_told_grows_only_without_a_gap():
    outbox = Outbox(10)
    outbox.tell(event(n) for n in range(1, 5))
    items = [outbox.next() for _ in range(4)]
    told = []
    for index in (1, 3, 0, 2):
        outbox.done(items[index])
        told.append(outbox.told)

    assert told == [0, 0, 20, 40]


def test_what_is_under_way_again_after_a_lost_session_holds_up_what_is_told():
    outbox = Outbox(10)
    outbox.tell(event(n) for n in range(1, 4))
    first, second = outbox.next(), outbox.next()
    outbox.done(second)
    outbox.lost(proven=True)
    outbox.done(first)  # an answer that comes after the end counts for nothing
    before = outbox.told

    assert before == 0
    assert taken(outbox) == ["event:shiyan/b/1", "event:shiyan/b/3"]
    assert outbox.told == 30


def test_what_is_given_out_of_turn_is_told_in_the_order_in_which_it_was_given():
    """While its disk cannot be read the log gives what is in memory first, and what lies before it later."""
    outbox = Outbox(10)
    outbox.tell([event(8), event(9)])
    outbox.tell([event(1), event(2)])
    told = []
    while item := outbox.next():
        outbox.done(item)
        told.append(outbox.told)

    assert told == [80, 90, 10, 20]


def test_events_that_are_not_taken_now_are_held_in_their_order_and_tried_one_by_one():
    outbox = Outbox(10)
    outbox.tell(event(n) for n in range(1, 5))
    outbox.change(["a"])
    under_way = [outbox.next() for _ in range(4)]
    for item in under_way:
        if item.event:
            outbox.hold(item)
        else:
            outbox.done(item)
    while_held = outbox.next()
    outbox.resume()
    tried, beside = outbox.next(), outbox.next()
    outbox.done(tried)

    assert (while_held, tried.key, beside) == (None, "shiyan/b/1", None)
    assert taken(outbox) == [f"event:shiyan/b/{n}" for n in (2, 3, 4)]
    assert outbox.told == 40


def test_events_are_tried_again_in_a_new_session():
    outbox = Outbox(10)
    outbox.tell([event(1)])
    outbox.hold(outbox.next())
    outbox.lost(proven=True)

    assert taken(outbox) == ["event:shiyan/b/1"]


def test_events_of_several_vantages_with_one_number_are_not_taken_for_each_other():
    outbox = Outbox(10)
    outbox.tell([event(1), event(1, "yunyang"), event(1, boot="c")])

    assert taken(outbox) == ["event:shiyan/b/1", "event:yunyang/b/1", "event:shiyan/c/1"]


def test_what_was_under_way_when_the_session_ended_is_told_again_in_order():
    outbox = Outbox(10)
    outbox.tell(event(n) for n in range(5))
    first = outbox.next()
    outbox.done(first)
    outbox.next()
    outbox.next()
    outbox.lost(proven=True)

    assert taken(outbox) == [f"event:shiyan/b/{n}" for n in (1, 2, 3, 4)]


def test_a_change_that_was_under_way_is_told_again():
    outbox = Outbox(10)
    outbox.change(["a"])
    outbox.next()
    outbox.lost(proven=True)

    assert taken(outbox) == ["status:a"]


def lose(outbox, *, proven=True):
    """Live through a session that ends on the first thing it sends, and say what was given up."""
    outbox.next()
    return outbox.lost(proven=proven)


@pytest.mark.parametrize("lane", [Lane.EVENT, Lane.STATUS, Lane.CLEAR])
def test_what_ends_every_session_is_tried_alone_and_given_up(lane):
    outbox = Outbox(10)
    key = "shiyan/b/1" if lane is Lane.EVENT else "1"
    if lane is Lane.EVENT:
        outbox.tell([event(1)])
    elif lane is Lane.STATUS:
        outbox.change(["1"])
    else:
        outbox.introduce(topics=["1"])
    given_up = [lose(outbox) for _ in range(1 + TRIES)]

    assert given_up[:-1] == [None] * TRIES
    assert (given_up[-1].lane, given_up[-1].key) == (lane, key)
    assert taken(outbox) == []
    assert outbox.told == (10 if lane is Lane.EVENT else 0)
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
    assert taken(outbox) == ["event:shiyan/b/1"]


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
