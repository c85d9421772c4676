"""quantile: a few counts tell the quantiles of any stream within five per cent, and forget the far past."""

import random

import pytest

from monitor.core.quantile import MOST, Sketch

CHANCE = random.Random(3)  # noqa: S311 - a simulation
STREAMS = {
    "log-normal": [0.02 * CHANCE.lognormvariate(0, 0.5) for _ in range(20_000)],
    "two routes": [CHANCE.gauss(0.01 if n % 12 else 0.2, 0.001) for n in range(20_000)],
    "the same": [0.3] * 1000,
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_a_quantile_is_within_five_per_cent(stream, share):
    sketch = Sketch()
    for value in STREAMS[stream]:
        sketch.add(value)
    exact = sorted(STREAMS[stream])[int(share * len(STREAMS[stream])) - 1]

    assert sketch.quantile(share) == pytest.approx(exact, rel=0.051)


def test_what_is_kept_is_what_was_counted():
    sketch = Sketch()
    for value in (0.0, 0.0005, 0.01, 0.0101, 5.0, 1e9):
        sketch.add(value)
    again = Sketch(sketch.counts)

    assert (again.total, again.counts) == (6, sketch.counts)
    assert again.quantile(0.5) == sketch.quantile(0.5)


def test_the_far_past_fades():
    sketch = Sketch()
    for _ in range(MOST):
        sketch.add(0.01)
    for _ in range(MOST // 4):
        sketch.add(0.1)

    assert sketch.quantile(0.95) == pytest.approx(0.1, rel=0.05)


def test_nothing_has_no_quantile():
    with pytest.raises(ValueError, match="nothing"):
        Sketch().quantile(0.5)
