"""The lab: leaves nothing behind, not even by dying."""

import signal
import subprocess
import sys

import pytest

from tests.lab.lab import Lab, why_not
from tests.lab.netns import RUN
from tests.lab.topology import PREFIX

pytestmark = pytest.mark.lab

CRASH = "import os; from tests.lab.lab import Lab; Lab().__enter__(); os.kill(os.getpid(), 9)"


def test_a_lab_leaves_nothing_behind_and_clears_what_a_crash_has_left():
    if reason := why_not():
        pytest.skip(f"the lab {reason}")
    crashed = subprocess.run([sys.executable, "-c", CRASH], check=False)
    left = list(RUN.glob(f"{PREFIX}*"))
    with Lab():
        pass

    assert crashed.returncode == -signal.SIGKILL
    assert left
    assert not list(RUN.glob(f"{PREFIX}*"))
