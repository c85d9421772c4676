"""The lab: leaves nothing behind, not even by dying."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.lab import Lab, why_not
from tests.lab.netns import RUN
from tests.lab.topology import PREFIX

pytestmark = pytest.mark.lab

CRASH = """
import os, sys
from pathlib import Path
from tests.lab.disk import Disk
from tests.lab.lab import Lab

Lab().__enter__()
Disk(Path(sys.argv[1]), 1).mount()
os.kill(os.getpid(), 9)
"""


def mounted():
    return [line for line in Path("/proc/mounts").read_text().splitlines() if line.startswith(PREFIX)]


def test_a_lab_leaves_nothing_behind_and_clears_what_a_crash_has_left(tmp_path):
    if reason := why_not():
        pytest.skip(f"the lab {reason}")
    crashed = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], check=False)
    left, disks = list(RUN.glob(f"{PREFIX}*")), mounted()
    with Lab():
        pass

    assert crashed.returncode == -signal.SIGKILL
    assert left
    assert disks
    assert not list(RUN.glob(f"{PREFIX}*"))
    assert not mounted()
