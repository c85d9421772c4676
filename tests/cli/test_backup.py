"""`command-monitor backup` and `restore`: copies that can be trusted, and what putting one back costs."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from monitor.cli import main
from monitor.store import backup_folder, log_file
from monitor.store.file import LogFile
from tests.store.filled import append, asked, filled, numbers, sound, writing


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Give the place of a log of 100 events, which the environment names."""
    monkeypatch.setenv("COMMAND_MONITOR__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("COMMAND_MONITOR_SETTINGS", raising=False)
    (tmp_path / "state").mkdir()
    return filled(log_file(tmp_path / "state", "city"), 100)


def identity(path):
    return asked(path, "SELECT value FROM meta")[0][0]


def test_without_a_target_it_is_one_of_the_daemons_own_backups(place, capsys):
    assert main(["backup"]) == 0
    told = capsys.readouterr().out
    (made,) = backup_folder(place).iterdir()

    assert re.fullmatch(r"log-city-\d{8}T\d{6}Z\.db", made.name)
    recorded = r"the latest recorded at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.fullmatch(rf"{re.escape(str(made))}: 0\.\d MiB, 100 events, {recorded}\n", told)


@pytest.mark.usefixtures("place")
def test_a_file_or_a_folder_may_be_named(tmp_path, capsys):
    assert main(["backup", str(tmp_path / "mine.db")]) == 0
    assert main(["backup", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert len(numbers(tmp_path / "mine.db")) == 100
    assert len(list(tmp_path.glob("log-city-*.db"))) == 1


def test_while_the_log_is_written_the_copy_is_complete(place, tmp_path):
    with writing(place) as connection:
        append(connection, range(101, 201))

        assert main(["backup", str(tmp_path / "mine.db")]) == 0
    assert len(numbers(tmp_path / "mine.db")) == 200


def test_without_a_log_it_is_said_where_one_was_looked_for(place, capsys):
    place.unlink()

    assert main(["backup"]) == 2
    assert (
        capsys.readouterr().err == f"{place}: no log there; see `state_dir` and `vantage` in the settings\n"
    )


def test_a_file_that_is_there_is_not_written_over(place, capsys):
    assert main(["backup", str(place)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert len(numbers(place)) == 100


@pytest.fixture
def copy(place, tmp_path, capsys):
    """Give a backup of 100 events, after which 50 more were recorded."""
    main(["backup", str(tmp_path / "mine.db")])
    capsys.readouterr()
    with writing(place) as connection:
        append(connection, range(101, 151))
    return tmp_path / "mine.db"


def test_a_restored_log_has_another_identity_and_the_one_before_it_stays(place, copy, capsys):
    was = identity(place)

    assert main(["restore", str(copy)]) == 0
    told = capsys.readouterr().out
    (aside,) = place.parent.glob("log-city.aside-*.db")
    assert len(numbers(place)) == 100
    assert identity(place) != was
    assert identity(place) in told
    assert sound(place)
    assert len(numbers(aside)) == 150
    assert f"Lost: 50 events of {place}, from 20" in told
    assert f"The log before it is now {aside}." in told
    kept = {path.name for path in place.parent.iterdir()}
    assert {name for name in kept if not name.endswith(("-wal", "-shm"))} == {
        aside.name,
        "log-city.db",
        "log-city.lock",
    }


def test_the_check_changes_nothing_and_says_what_would_be_lost(place, copy, capsys):
    before = place.read_bytes()

    assert main(["restore", "--check", str(copy)]) == 0
    sound_, would = capsys.readouterr().out.splitlines()
    assert sound_.startswith(f"{copy}: sound, 100 events, the latest recorded at 20")
    assert would.startswith(f"Restoring it now would lose 50 events of {place}, from 20")
    assert place.read_bytes() == before


def test_nothing_more_recent_is_nothing_lost(place, tmp_path, capsys):
    main(["backup", str(tmp_path / "mine.db")])
    capsys.readouterr()

    assert main(["restore", "--check", str(tmp_path / "mine.db")]) == 0
    assert f"would lose nothing that is in {place}." in capsys.readouterr().out


def test_what_a_damaged_log_holds_cannot_be_counted_and_is_replaced_all_the_same(place, copy, capsys):
    place.write_bytes(b"nothing of ours" * 1000)

    assert main(["restore", str(copy)]) == 0
    assert "cannot be counted (file is not a database)" in capsys.readouterr().out
    assert len(numbers(place)) == 100


@pytest.mark.parametrize("check", [True, False])
def test_a_damaged_backup_is_exit_code_1_and_changes_nothing(place, copy, capsys, check):
    copy.write_bytes(copy.read_bytes()[:20_000])

    assert main(["restore", *(["--check"] if check else []), str(copy)]) == 1
    assert f"{copy}: cannot be restored: " in capsys.readouterr().out
    assert len(numbers(place)) == 150


def test_a_backup_of_a_newer_version_is_refused(place, copy, capsys):
    with writing(copy) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    assert main(["restore", str(copy)]) == 1
    assert "written by a newer version of command-monitor (its shape is 9999)" in capsys.readouterr().out
    assert len(numbers(place)) == 150


def test_a_backup_of_another_vantage_is_refused(place, copy, capsys, monkeypatch):
    monkeypatch.setenv("COMMAND_MONITOR__VANTAGE", "danjiangkou")

    assert main(["restore", str(copy)]) == 2
    assert "is the log of vantage city, and these settings are of danjiangkou" in capsys.readouterr().err
    assert not log_file(place.parent, "danjiangkou").exists()


HOLDER = """
import sys
from pathlib import Path
from monitor.store.lock import claim
lock = claim(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_while_the_daemon_runs_nothing_is_restored_but_all_is_checked(place, copy, capsys):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "held\n"
        assert main(["restore", "--check", str(copy)]) == 0
        assert main(["restore", str(copy)]) == 2
        daemon.communicate(timeout=10)

    assert f"held by process {daemon.pid}" in (told := capsys.readouterr().err)
    assert told.endswith("stop the daemon first\n")
    assert len(numbers(place)) == 150


def test_a_drill_restores_elsewhere_and_leaves_the_log_alone(place, copy, tmp_path, monkeypatch, capsys):
    before = place.read_bytes()
    monkeypatch.setenv("COMMAND_MONITOR__STATE_DIR", str(tmp_path / "drill"))

    assert main(["restore", str(copy)]) == 0
    assert "Lost: nothing: there is no" in capsys.readouterr().out
    assert main(["events", "--limit", "5", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert place.read_bytes() == before


def test_what_an_interrupted_restore_left_does_not_hinder_the_next(place, copy, capsys):
    shutil.copy(copy, place.with_name("log-city.mended.db"))
    place.with_name("log-city.mended.db.partial").write_bytes(b"half")

    assert main(["restore", str(copy)]) == 0
    capsys.readouterr()
    assert len(numbers(place)) == 100
    assert not place.with_name("log-city.mended.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
def test_what_root_restores_belongs_to_the_daemon(place, copy):
    os.chown(place.parent, 65534, 65534)

    assert main(["restore", str(copy)]) == 0
    owners = {path.name: path.stat().st_uid for path in place.parent.iterdir() if "aside" not in path.name}
    assert owners == {"log-city.db": 65534, "log-city.lock": 65534}
    assert place.stat().st_mode & 0o777 == 0o600


KILLED = """
import os, signal, sys
from monitor.cli import main, restore
restore.finish = lambda log: os.kill(os.getpid(), signal.SIGKILL)
main(["restore", sys.argv[1]])
"""


def test_killed_between_the_old_log_and_the_new_one_a_restore_is_completed_by_the_next_start(place, copy):
    done = subprocess.run([sys.executable, "-c", KILLED, copy], check=False, timeout=60)

    assert done.returncode == -signal.SIGKILL
    assert not place.exists()
    file = LogFile(place, backup_folder(place))
    opened = file.open(verify=False)
    file.close()
    assert opened.last == 100
    assert opened.identity != identity(copy)
