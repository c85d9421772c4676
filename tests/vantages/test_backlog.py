"""backlog: whatever is lost, doubled or forgotten on the way, a log arrives whole and in order."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.world import Event
from monitor.vantages.backlog import AGAIN, CHUNKS, LONGEST_RETRY, RETRY, Window
from monitor.vantages.chunks import encode, portion
from monitor.vantages.pace import FIRST, LEAST, MOST, QUICK, SLOW, SMALLEST, TRIES, Pace
from monitor.vantages.wire import ENTRIES, Entry, parse


def flown(*uptos: int, acked: int = 0, now: float = 0.0) -> Window:
    window = Window(acked)
    for upto in uptos:
        window = window.fly(upto, now)
    return window


def test_a_few_chunks_are_under_way_at_once():
    window = Window()
    sent = 0
    while window.has_room:
        sent += 1
        window = window.fly(10 * sent, now=0.0)

    assert sent == CHUNKS
    assert window.sent == 10 * CHUNKS


def test_an_acknowledgement_is_cumulative():
    window = flown(10, 20, 30).acknowledged(20, now=1.0)

    assert (window.acked, window.flying, window.sent) == (20, (30,), 30)


def test_an_acknowledgement_within_a_chunk_leaves_it_under_way():
    window = flown(10, 20).acknowledged(15, now=1.0)

    assert (window.acked, window.flying) == (15, (20,))


def test_a_gap_sends_us_back_once_and_then_one_chunk_at_a_time():
    behind = flown(10, 20, 30, 40).acknowledged(10, now=1.0, gap=True)
    again = behind.fly(20, now=1.1)
    answers = [again.acknowledged(10, now=1.2, gap=True), again.acknowledged(10, now=1.3, gap=True)]

    assert (behind.acked, behind.sent, behind.flying) == (10, 10, ())
    assert answers == [again, again]
    assert not again.has_room
    assert again.acknowledged(20, now=1.4).has_room


def test_the_same_gap_again_and_again_is_answered_more_and_more_slowly():
    window, now, backs = Window(10), 0.0, []
    while now < 300:
        window = window.acknowledged(10, now, gap=True)
        window = window.back(now) if window.overdue(now) else window
        if not window.flying:
            backs.append(now)
            window = window.fly(20, now)
        now += 0.5

    assert len(backs) < 12


def test_silence_sends_us_back_after_a_while_and_ever_later():
    window, waits = flown(10, 20), []
    for _ in range(6):
        now = window.moved_at
        assert not window.overdue(now + window.patience - 0.1)
        assert window.overdue(now + window.patience + 0.1)
        waits.append(window.patience)
        window = window.back(now + window.patience + 0.1).fly(10, now + window.patience + 0.1)

    assert waits == [RETRY, 2 * RETRY, 4 * RETRY, 8 * RETRY, LONGEST_RETRY, LONGEST_RETRY]


def test_going_back_forgets_all_that_is_under_way():
    window = flown(20, 30, 40, acked=10).back(now=9.0)

    assert (window.acked, window.sent, window.flying) == (10, 10, ())


def test_nothing_under_way_is_never_overdue():
    assert not Window(10).overdue(now=1e9)


def test_a_chunk_that_is_still_on_its_way_to_the_broker_is_not_overdue():
    window = flown(10).arrived(now=4.0)

    assert not window.overdue(now=4.0 + RETRY)
    assert window.overdue(now=4.1 + RETRY)


def test_who_was_silent_and_speaks_again_is_sent_to_at_once():
    silent = flown(10).back(now=10.0).fly(10, now=10.0)

    assert silent.acknowledged(0, now=10.0 + AGAIN / 2) == silent
    assert silent.acknowledged(0, now=20.0).flying == ()


def test_a_repeated_acknowledgement_changes_nothing_while_all_goes_well():
    window = flown(10, 20)

    assert window.acknowledged(0, now=3.0) == window


def test_an_acknowledgement_that_goes_back_is_believed():
    window = flown(110, 120, acked=100).acknowledged(40, now=1.0)

    assert (window.acked, window.sent, window.flying) == (40, 40, ())


def test_an_acknowledgement_that_leaps_ahead_is_believed():
    window = flown(10).acknowledged(500, now=1.0)

    assert (window.acked, window.sent, window.flying) == (500, 500, ())


def test_another_session_begins_at_what_is_acknowledged():
    window = flown(20, 30, acked=10).reconnected()

    assert (window.acked, window.sent) == (10, 10)


# Both sides and what lies between them, as a play.


@dataclass
class Sender:
    """A daemon with a log of which every third position is another's."""

    log: list[int]
    saved: int = 0
    window: Window = field(default_factory=Window)

    def send(self, now: float, size: int) -> tuple[int, int, tuple[int, ...]] | None:
        if self.window.overdue(now):
            self.window = self.window.back(now)
        after = self.window.sent
        own = tuple(position for position in self.log if position > after)[:size]
        if not own or not self.window.has_room:
            return None
        self.window = self.window.fly(own[-1], now)
        return after, own[-1], own

    def hear(self, position: int, now: float, *, gap: bool) -> None:
        if position <= self.log[-1]:
            self.window = self.window.acknowledged(position, now, gap=gap)

    def restart(self) -> None:
        self.window = Window(self.saved)


@dataclass
class Collector:
    """One who takes in order what comes, and can lose the latest of it."""

    taken: list[int] = field(default_factory=list)
    position: int = 0

    def take(self, chunk: tuple[int, int, tuple[int, ...]]) -> tuple[int, bool]:
        after, upto, own = chunk
        if after > self.position:
            return self.position, True
        self.taken += [position for position in own if position not in self.taken]
        self.position = max(self.position, upto)
        return self.position, False

    def restore(self, back: int) -> None:
        self.position = max(0, self.position - back)
        self.taken = [position for position in self.taken if position <= self.position]


class Play:
    """A sender, a collector and a broker between them, to which mishaps come."""

    def __init__(self, count: int) -> None:
        self.sender = Sender([position for position in range(1, 3 * count) if position % 3])
        self.collector = Collector()
        self.now = 0.0
        self._wire: list = []
        self._acks: list[tuple[int, bool]] = []

    def step(self, mishap: str, size: int) -> None:
        """Let a tenth of a second pass, in which this happens."""
        self.now += 0.1
        self._send(size, {"lose": 0, "double": 2}.get(mishap, 1))
        if mishap in {"restart", "reconnect", "restore", "save", "wait", "swap"}:
            getattr(self, mishap)(size)
        if mishap != "away" and self._wire:
            self._acks.append(self.collector.take(self._wire.pop(0)))
        self._answer(
            {"lose_ack": 0, "double_ack": 2}.get(mishap, 1),
            self._acks[0 if mishap == "old_ack" else -1 :][:1],
        )

    def end(self) -> None:
        """Let all be well from now on, until everything is acknowledged."""
        self.restore(0)
        for _ in range(400):
            self.step("fine", 3)
            self.now += 1.0
            if self.sender.window.acked == self.collector.position == self.sender.log[-1]:
                return

    def _send(self, size: int, copies: int) -> None:
        chunk = self.sender.send(self.now, size)
        self._wire += [chunk] * copies if chunk else []

    def _answer(self, copies: int, acks: list[tuple[int, bool]]) -> None:
        for position, gap in acks * copies:
            self.sender.hear(position, self.now, gap=gap)

    def restart(self, _: int) -> None:
        self.sender.restart()

    def reconnect(self, _: int) -> None:
        self.sender.window = self.sender.window.reconnected()
        self._wire.clear()

    def restore(self, back: int) -> None:
        self.collector.restore(back)
        self._acks = [(self.collector.position, False)]

    def save(self, _: int) -> None:
        self.sender.saved = self.sender.window.acked

    def wait(self, _: int) -> None:
        self.now += 7.0

    def swap(self, _: int) -> None:
        self._wire.reverse()


MISHAPS = st.sampled_from(
    ["fine"] * 6 + ["lose", "double", "swap", "lose_ack", "double_ack", "old_ack", "restart", "reconnect"]
    + ["save", "restore", "wait", "away"]
)  # fmt: skip


@given(count=st.integers(1, 60), mishaps=st.lists(st.tuples(MISHAPS, st.integers(1, 7)), max_size=120))
def test_whatever_happens_everything_arrives_in_order_and_little_is_under_way(count, mishaps):
    play = Play(count)
    for mishap, size in mishaps:
        play.step(mishap, size)
        log, collector = play.sender.log, play.collector

        assert len(play.sender.window.flying) <= CHUNKS
        assert collector.taken == [position for position in log if position <= collector.position]

    play.end()

    assert play.collector.taken == play.sender.log


# Chunks.


def event(seq: int, **data) -> Event:
    return Event("danjiangkou", "boot-1", seq, 1.7e9 + seq, "status", "danjiangkou", data, position=10 * seq)


def test_a_portion_ends_where_it_is_full():
    many = [event(seq) for seq in range(1, ENTRIES + 50)]
    size = len(encode(many[0], 1000)[0])

    by_count = portion(many, room=1 << 20, most=1000)
    by_bytes = portion(many, room=10 * (size + 3), most=1000)

    assert (by_count.events, by_count.upto, len(by_count.entries)) == (ENTRIES, 10 * ENTRIES, ENTRIES)
    assert by_bytes.events == 10
    assert sum(map(len, by_bytes.entries)) <= 10 * (size + 3)


def test_one_event_goes_even_where_there_is_no_room():
    taken = portion([event(1), event(2)], room=0, most=1000)

    assert (taken.events, taken.upto) == (1, 10)


def test_an_event_that_is_too_large_keeps_what_is_short():
    large = event(
        1, was="up", now="down", since=1.5, suspected=False, active=None, detail="x" * 5000, list=[1]
    )
    encoded, whole = encode(large, most=1000)

    assert not whole
    assert parse(Entry, encoded).data == {
        "too_large": True, "was": "up", "now": "down", "since": 1.5, "suspected": False, "active": None,
    }  # fmt: skip


def test_of_an_event_that_is_far_too_large_only_that_is_left():
    encoded, _ = encode(event(1, **{f"key-{n}": "x" * 60 for n in range(16)}), most=300)

    assert parse(Entry, encoded).data == {"too_large": True}
    assert len(encoded) <= 300


@pytest.mark.parametrize(
    "data", [{"x": float("nan")}, {"x": [[[[[[[[[[1]]]]]]]]]]}, {"x": [0] * 5000}, {"": 1}]
)
def test_an_event_that_cannot_be_put_into_words_loses_but_its_data(data):
    encoded, whole = encode(event(1, **data), most=1 << 20)

    assert not whole
    assert parse(Entry, encoded).data["too_large"] is True


def test_an_event_without_a_place_to_be_about_is_left_out_and_does_not_block():
    taken = portion([event(1), replace(event(2), subject="a//b"), event(3)], room=1 << 16, most=1000)

    assert (taken.events, len(taken.entries), taken.upto) == (3, 2, 30)


# Pace.


def burst(pace: Pace, size: int, took: float) -> None:
    """Send what there is room for in messages of one size, and have each answered after so many seconds."""
    together = []
    while pace.has_room:
        together.append(pace.sent(size))
    for many in together:
        pace.answered(size, many, took)


def test_a_quick_line_is_given_more_and_more():
    pace = Pace()
    for _ in range(20):
        burst(pace, 8000, took=QUICK / 2)

    assert pace.allowed == MOST


def test_a_slow_line_is_given_less_and_less_but_never_nothing():
    pace = Pace()
    pace.heard(0.05)
    for _ in range(20):
        burst(pace, 8000, took=20 * SLOW)

    assert pace.allowed == LEAST
    assert pace.has_room


def test_who_says_little_does_not_prove_that_the_line_is_quick():
    pace = Pace()
    for _ in range(100):
        pace.answered(300, pace.sent(300), took=QUICK / 10)

    assert pace.allowed == FIRST


def test_a_long_way_is_no_slow_line():
    pace = Pace()
    pace.heard(0.6)
    for _ in range(20):
        burst(pace, 8000, took=0.65)

    assert pace.allowed == MOST


@pytest.mark.parametrize("way", [0.001, 0.6])
@pytest.mark.parametrize("kilobits", [64, 512, 10_000])
@pytest.mark.parametrize("small", [0, 400])
def test_what_is_urgent_waits_little_on_any_line_that_is_used_well(kilobits, way, small):
    rate, pace, free_at, now, worst, passed = kilobits * 125, Pace(), 0.0, 0.0, 0.0, 0
    on_the_way = []
    pace.heard(way)
    while now < 60.0:
        while pace.has_room:
            size = small if small and len(on_the_way) % 3 else pace.chunk(65536)
            together, free_at = pace.sent(size), max(free_at, now) + size / rate
            on_the_way.append((free_at + way, now, size, together))
            worst = max(worst, free_at - now) if now > 5.0 else 0.0
            passed += size
        now, began, size, together = on_the_way.pop(0)
        pace.answered(size, together, now - began)

    assert worst < 0.5
    assert passed > 60.0 * min((0.15 if way > SLOW else 0.5) * rate, 0.2 * MOST / way)


def test_a_chunk_that_ends_session_after_session_becomes_smaller_until_it_is_taken():
    pace = Pace()
    pace.allowed = MOST
    sizes = []
    for _ in range(TRIES + 12):
        sizes.append(pace.chunk(65536))
        pace.hung_up()

    assert sizes[:TRIES] == [32768] * TRIES
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == SMALLEST
    assert pace.message(65536) == SMALLEST


def test_what_size_was_taken_in_the_end_is_remembered():
    pace = Pace()
    pace.allowed = MOST
    for _ in range(TRIES + 1):
        pace.hung_up()
    small = pace.chunk(65536)
    pace.taken()

    assert pace.chunk(65536) == small
    assert pace.message(65536) == 65536


def test_a_session_lost_now_and_then_makes_nothing_smaller():
    pace = Pace()
    pace.allowed = MOST
    for _ in range(10):
        pace.hung_up()
        pace.taken()

    assert pace.chunk(65536) == 32768
