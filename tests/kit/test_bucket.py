"""A token bucket: never more than its burst at once, never more than its rate for long."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.kit.bucket import Bucket


def test_so_many_at_once_and_no_more():
    bucket = Bucket(rate=1, burst=3)

    assert [bucket.take(10.0) for _ in range(5)] == [True, True, True, False, False]


def test_time_brings_tokens_back():
    bucket = Bucket(rate=2, burst=3)
    while bucket.take(10.0):
        pass

    assert [bucket.take(11.0) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_backwards_brings_none():
    bucket = Bucket(rate=1, burst=1)
    bucket.take(10.0)

    assert not bucket.take(5.0)


def test_it_can_be_filled_again():
    bucket = Bucket(rate=0, burst=2)
    while bucket.take(10.0):
        pass

    bucket.fill()

    assert bucket.take(10.0)


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.1, 10), st.floats(1, 20))
def test_never_more_than_burst_and_rate_allow(moments, rate, burst):
    bucket = Bucket(rate, burst)
    moments.sort()

    taken = sum(bucket.take(moment) for moment in moments)

    assert taken <= burst + rate * (moments[-1] - moments[0]) + 1e-6
