"""lock: one process per log, and no lock outlives its process."""

import os
import signal
import subprocess
import sys

import pytest

from monitor.errors import MonitorError
from monitor.store.lock import LockedError, claim

HOLDER = """
import sys, time
from pathlib import Path
from monitor.store.lock import claim
lock = claim(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Give another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "log-city.db"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_what_another_process_holds_is_refused_with_its_number(tmp_path, holder):
    with pytest.raises(LockedError) as refused:
        claim(tmp_path / "log-city.db")

    assert isinstance(refused.value, MonitorError)
    assert str(refused.value) == (
        f"{tmp_path}/log-city.lock is held by process {holder.pid}: only one may use this log at a time"
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_ends_with_its_process_however_that_ends(tmp_path, holder, how):
    holder.send_signal(how)
    holder.wait(10)
    lock = claim(tmp_path / "log-city.db")

    assert (tmp_path / "log-city.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_the_log_and_its_lock_name_the_same(tmp_path):
    lock = claim(tmp_path / "log-city.lock")

    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        claim(tmp_path / "log-city.db")
    lock.release()


def test_two_logs_do_not_hinder_each_other(tmp_path):
    locks = [claim(tmp_path / f"log-{vantage}.db") for vantage in ("city", "danjiangkou")]

    assert sorted(path.name for path in tmp_path.iterdir()) == ["log-city.lock", "log-danjiangkou.lock"]
    for lock in locks:
        lock.release()


def test_a_released_lock_can_be_taken_again_and_released_twice(tmp_path):
    lock = claim(tmp_path / "log-city.db")
    lock.release()
    lock.release()
    again = claim(tmp_path / "log-city.db")

    assert (tmp_path / "log-city.lock").read_text() == f"{os.getpid()}\n"
    again.release()


def test_only_the_owner_may_read_it(tmp_path):
    lock = claim(tmp_path / "log-city.db")

    assert (tmp_path / "log-city.lock").stat().st_mode & 0o777 == 0o600
    lock.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
def test_a_lock_that_root_makes_belongs_to_the_folders_owner(tmp_path):
    os.chown(tmp_path, 65534, 65534)
    lock = claim(tmp_path / "log-city.db")

    assert (tmp_path / "log-city.lock").stat().st_uid == 65534
    lock.release()


def test_a_file_left_by_a_process_that_is_gone_is_no_lock(tmp_path):
    (tmp_path / "log-city.lock").write_text("4194304999\n")
    lock = claim(tmp_path / "log-city.db")

    assert (tmp_path / "log-city.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_without_the_folder_it_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        claim(tmp_path / "nowhere" / "log-city.db")
