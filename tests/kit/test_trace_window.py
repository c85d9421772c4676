"""trace window: what is sent next, when it is over, and what it comes to; times are made up."""

import pytest

from monitor.kit.trace.path import Bounds
from monitor.kit.trace.window import TRIES, Heard, Window

GOAL = "10.0.0.9"


def number(ttl, attempt=0):
    return ttl * TRIES + attempt


def passed(ttl, attempt=0, address=None, rtt=0.01):
    return Heard(number(ttl, attempt), address or f"10.0.0.{ttl}", "ttl_exceeded", (11, 0), rtt)


def arrived(ttl, attempt=0, rtt=0.05):
    return Heard(number(ttl, attempt), GOAL, "echo_reply", rtt=rtt)


def refused(ttl, address="10.0.0.2", attempt=0):
    return Heard(number(ttl, attempt), address, "net_unreachable", (3, 0), 0.02)


def played(bounds, answer, until=100.0):
    """Play a whole trace against *answer*, which gives what comes back to a number, or None."""
    window, now, sent = Window(GOAL, bounds), 0.0, []
    while not window.over and now < until:
        while (one := window.next(now)) is not None:
            window.sent(one, now)
            sent.append(one)
            if (heard := answer(one)) is not None:
                window.heard(heard)
        now = max(now, window.wake_at)
        window.expire(now)
    return window.path("icmp", cut_short=not window.over), sent


def way(length, silent=()):
    def answer(one):
        ttl, attempt = divmod(one, TRIES)
        if ttl in silent:
            return None
        return arrived(ttl, attempt) if ttl >= length else passed(ttl, attempt)

    return answer


def test_the_way_is_told_hop_by_hop_to_the_target():
    path, _ = played(Bounds(), way(4))

    assert [hop.address for hop in path.hops] == ["10.0.0.1", "10.0.0.2", "10.0.0.3", GOAL]
    assert (path.reached, path.how, path.rtt) == (True, "echo_reply", 0.05)


def test_nothing_is_sent_beyond_the_target_once_it_is_known():
    _, sent = played(Bounds(), way(4))

    assert max(sent) // TRIES == 4
    assert len(sent) == 4 * Bounds().tries


def test_a_silent_hop_on_the_way_is_a_gap_and_no_end():
    path, _ = played(Bounds(), way(4, silent={2, 3}))

    assert [hop.address for hop in path.hops] == ["10.0.0.1", "", "", GOAL]
    assert path.reached


def test_a_black_hole_ends_after_so_many_silent_hops():
    path, sent = played(Bounds(silent=3), way(30, silent=set(range(3, 31))))

    assert [hop.address for hop in path.hops] == ["10.0.0.1", "10.0.0.2"]
    assert (path.reached, path.how, path.last.address) == (False, "silence", "10.0.0.2")
    assert path.sent == len(sent) <= (2 + 3) * Bounds().tries


def test_silence_from_the_beginning_names_no_hop():
    path, _ = played(Bounds(silent=2), lambda _: None)

    assert (path.hops, path.last, path.how) == ((), None, "silence")


def test_a_loop_of_routers_ends_with_the_hops():
    path, sent = played(Bounds(hops=9), lambda one: passed(*divmod(one, TRIES)))

    assert (path.how, len(path.hops)) == ("hops", 9)
    assert len(sent) == 18


def test_a_refusal_ends_at_the_router_that_gave_it():
    path, _ = played(
        Bounds(), lambda one: passed(1, one % TRIES) if one // TRIES == 1 else refused(one // TRIES)
    )

    assert [hop.address for hop in path.hops] == ["10.0.0.1", "10.0.0.2"]
    assert (path.reached, path.how, path.by, path.icmp) == (False, "net_unreachable", "10.0.0.2", (3, 0))


def test_a_router_that_first_lets_a_packet_run_out_and_then_refuses_is_told_once():
    def answer(one):
        ttl, attempt = divmod(one, TRIES)
        return passed(ttl, attempt) if ttl < 3 else refused(ttl, attempt=attempt)

    path, _ = played(Bounds(), answer)

    assert [hop.address for hop in path.hops] == ["10.0.0.1", "10.0.0.2"]


def test_the_nearest_answer_of_the_target_is_its_distance():
    window = Window(GOAL, Bounds())
    for ttl in (1, 2, 3):
        window.sent(number(ttl), 0.0)
    window.heard(arrived(3))
    window.heard(arrived(2))
    window.heard(passed(1))

    assert [hop.address for hop in window.path("icmp", cut_short=True).hops] == ["10.0.0.1", GOAL]


def test_an_answer_after_its_time_still_counts():
    window = Window(GOAL, Bounds(wait=1.0))
    window.sent(number(1), 0.0)
    window.expire(2.0)
    window.heard(passed(1))

    assert window.path("icmp", cut_short=True).hops[0].address == "10.0.0.1"


@pytest.mark.parametrize("one", [passed(0), passed(31), passed(1, 5), passed(9)])
def test_an_answer_to_what_was_never_sent_changes_nothing(one):
    window = Window(GOAL, Bounds())
    window.sent(number(1), 0.0)
    window.heard(one)

    assert window.path("icmp", cut_short=True).hops == ()


def test_a_second_answer_changes_nothing():
    window = Window(GOAL, Bounds())
    window.sent(number(1), 0.0)
    window.heard(passed(1))
    window.heard(passed(1, address="6.6.6.6"))

    (hop,) = window.path("icmp", cut_short=True).hops
    assert (hop.address, hop.received, hop.others) == ("10.0.0.1", 1, ())


def test_two_that_answer_at_one_distance_are_both_told():
    path, _ = played(
        Bounds(),
        lambda one: arrived(2, one % TRIES) if one >= 32 else passed(1, one % TRIES, f"10.0.1.{one}"),
    )

    assert path.hops[0].others == ("10.0.1.17",)


def test_packets_are_kept_apart_and_only_so_many_are_under_way():
    window = Window(GOAL, Bounds(window=3, gap=0.5))
    window.sent(window.next(0.0), 0.0)
    assert window.next(0.4) is None
    for now in (0.5, 1.0):
        window.sent(window.next(now), now)

    assert window.next(1.5) is None


def test_an_answer_that_quotes_too_little_makes_it_go_one_by_one():
    asked = []

    def answer(one):
        asked.append(one)
        ttl, attempt = divmod(one, TRIES)
        said = arrived(ttl, attempt) if ttl >= 3 else passed(ttl, attempt)
        return said._replace(number=None)

    window, now = Window(GOAL, Bounds(window=4)), 0.0
    for _ in range(4):
        window.sent(window.next(now), now)
        now += 1.0
    window.heard(passed(1)._replace(number=None))
    while not window.over:
        if (one := window.next(now)) is not None:
            window.sent(one, now)
            window.heard(answer(one))
        now += 1.0

    path = window.path("udp", cut_short=False)
    assert [hop.address for hop in path.hops] == ["10.0.0.1", "10.0.0.2", GOAL]
    assert asked == sorted(asked)


def test_a_trace_that_is_cut_short_says_so():
    path, _ = played(Bounds(wait=1.0, silent=5), way(30, silent=set(range(2, 31))), until=0.5)

    assert (path.how, path.last.address) == ("time", "10.0.0.1")
