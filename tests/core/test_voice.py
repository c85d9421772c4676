"""voice: what a path does to a call is what the E-model says of its delay, jitter and loss."""

import pytest

from monitor.core.voice import NONE, call, mos, rating
from monitor.core.world import Reading


@pytest.mark.parametrize(
    ("rtt", "jitter", "loss", "expected"),
    [
        pytest.param(0.01, 0.0, 0.0, 93.2, id="nothing-in-the-way"),
        pytest.param(0.01, 0.0, 0.01, 93.2 - 95 / 26.1, id="one-per-cent-lost"),
        pytest.param(0.01, 0.0, 0.05, 93.2 - 475 / 30.1, id="five-per-cent-lost"),
        pytest.param(0.72, 0.0, 0.0, 93.2 - 24.1, id="0.4-s-one-way"),
        pytest.param(0.01, 0.5, 0.0, 93.2 - 44.0, id="a-buffer-of-a-second"),
    ],
)
def test_the_rating_is_that_of_g_107(rtt, jitter, loss, expected):
    assert rating(rtt, jitter, loss) == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize(
    ("r", "score"), [(93.2, 4.41), (80, 4.02), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1)]
)
def test_the_opinion_that_goes_with_a_rating_is_that_of_annex_b(r, score):
    assert mos(r) == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize(
    ("rtt", "jitter", "lost", "fit"),
    [
        pytest.param(0.02, 0.001, 0, True, id="clean"),
        pytest.param(0.02, 0.001, 1, True, id="one-lost-packet-proves-nothing"),
        pytest.param(0.02, 0.001, 3, False, id="three-of-sixty-do"),
        pytest.param(0.6, 0.01, 0, True, id="satellite"),
        pytest.param(0.8, 0.01, 0, False, id="too-late"),
        pytest.param(0.02, 0.03, 0, False, id="too-uneven"),
    ],
)
def test_a_path_is_fit_for_video_within_stated_limits(rtt, jitter, lost, fit):
    assert call(rtt, jitter, lost / 60, 60).video is fit


def test_everything_makes_it_worse():
    ratings = [
        rating(rtt, jitter, loss) for rtt in (0, 0.5, 2) for jitter in (0, 0.1) for loss in (0, 0.1, 1)
    ]

    assert max(ratings) == ratings[0]
    assert all(0 <= r <= 93.2 for r in ratings)
    assert all(rating(rtt, 0, 0) >= rating(rtt + 0.01, 0, 0) for rtt in (0, 0.1, 0.15, 0.16, 0.4, 1))


def test_a_reading_tells_of_calls_only_what_it_measured():
    reading = Reading()
    unseen = reading.call
    for _ in range(10):
        reading.remember(lost=True)

    assert unseen is None
    assert reading.call is None
    assert call(0.01, 0.0, 1.0, 10) == NONE
