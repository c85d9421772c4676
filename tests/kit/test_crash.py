"""crash: a process dies at the point and the hit that were asked for, at no other, without a last word."""

import os
import signal
import subprocess
import sys

import pytest

from monitor.kit import crash

PROGRAM = """
import atexit, sys
from monitor.kit import crash
atexit.register(print, "a last word")
for n in range(1, 6):
    crash.point("here")
    crash.point("there")
    print(n, flush=True)
"""


def ended(order):
    """Run the program under *order*; return how it ended and what it said."""
    environment = {key: value for key, value in os.environ.items() if key != crash.VARIABLE}
    if order is not None:
        environment[crash.VARIABLE] = order
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        pytest.param("here:3", ["1", "2"], id="at-the-third-hit"),
        pytest.param("here", [], id="at-the-first-hit-if-no-number-is-given"),
        pytest.param("there:1", [], id="at-another-point"),
    ],
)
def test_it_dies_at_that_point_and_hit(order, said):
    assert ended(order) == (-signal.SIGKILL, said)


@pytest.mark.parametrize("order", [None, "", "elsewhere:1", "here:6"])
def test_it_lives_if_the_point_or_the_hit_is_never_reached(order):
    assert ended(order) == (0, ["1", "2", "3", "4", "5", "a last word"])


def test_a_number_that_is_none_is_told_at_the_start():
    code, said = ended("here:often")

    assert code == 1
    assert said == []
