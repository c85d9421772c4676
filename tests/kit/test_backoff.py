"""backoff: waits grow to a bound and are spread evenly below it."""

import itertools

from monitor.kit.backoff import Backoff


def test_the_ceiling_doubles_up_to_the_cap_and_stays_there():
    backoff = Backoff(base=0.5, cap=30, draw=lambda: 1.0)

    waits = [backoff.next() for _ in range(10_000)]

    assert waits[:7] == [0.5, 1, 2, 4, 8, 16, 30]
    assert set(waits[6:]) == {30}


def test_after_success_it_begins_anew():
    backoff = Backoff(base=1, cap=30, draw=lambda: 1.0)
    for _ in range(5):
        backoff.next()
    backoff.reset()

    assert backoff.next() == 1


def test_a_wait_lies_anywhere_below_its_ceiling():
    draws = itertools.cycle([0.0, 0.25, 0.75])
    backoff = Backoff(base=4, cap=4, draw=lambda: next(draws))

    assert [backoff.next() for _ in range(3)] == [0, 1, 3]


def test_by_default_no_two_clients_wait_alike():
    waits = {Backoff(base=10).next() for _ in range(50)}

    assert len(waits) == 50
    assert all(0 <= wait < 10 for wait in waits)
