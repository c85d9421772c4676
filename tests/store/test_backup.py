"""backup: a copy made while the log is written is complete and sound, or it is not there."""

import contextlib
import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from monitor.store.backup import BackupError, every, make, newest, path_for, restore, rotate, verify
from tests.store.disks import small_disk  # noqa: F401 - a fixture
from tests.store.filled import PAGE, append, asked, filled, numbers, overwrite, pages_of, sound, writing

AT = 1_763_990_580.0


class Writer:
    """Appends events one by one, each in a transaction of its own, and says which are committed."""

    def __init__(self, path, first):
        self.acknowledged = first - 1
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self):
        with writing(self._path) as connection:
            while not self._stop.is_set():
                append(connection, [self.acknowledged + 1])
                self.acknowledged += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def test_a_copy_made_under_a_running_writer_has_every_event_acknowledged_before_it(tmp_path):
    log, target = filled(tmp_path / "log-city.db", 20_000), tmp_path / "copy.db"
    with Writer(log, 20_001) as writer:
        for _ in range(3):
            target.unlink(missing_ok=True)
            before = writer.acknowledged
            make(log, target)
            after = writer.acknowledged
            copied = numbers(target)

            assert before <= len(copied) <= after + 1
            assert copied == list(range(1, len(copied) + 1))
            assert sound(target)
            assert before < after
    assert numbers(log) == list(range(1, writer.acknowledged + 1))


def test_what_is_in_the_write_ahead_log_only_is_in_the_copy(tmp_path):
    log, target = tmp_path / "log-city.db", tmp_path / "copy.db"
    with writing(log) as connection:
        append(connection, range(1, 50))
        make(log, target)

    assert numbers(target) == list(range(1, 50))


def test_a_copy_is_one_file_for_its_owner_only(tmp_path):
    log, target = filled(tmp_path / "log-city.db"), tmp_path / "backups" / "copy.db"
    make(log, target)

    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.parent.stat().st_mode & 0o777 == 0o700
    assert verify(target, thorough=True) == ""
    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
def test_a_copy_that_root_makes_belongs_to_the_daemon(tmp_path):
    log, target = filled(tmp_path / "log-city.db"), tmp_path / "backups" / "copy.db"
    os.chown(tmp_path, 65534, 65534)
    make(log, target)

    assert (target.parent.stat().st_uid, target.stat().st_uid) == (65534, 65534)


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    log, target = filled(tmp_path / "log-city.db"), tmp_path / "copy.db"
    target.write_text("precious")

    with pytest.raises(BackupError, match="exists already"):
        make(log, target)
    assert target.read_text() == "precious"


def test_a_copy_that_is_given_up_leaves_nothing(tmp_path):
    log = filled(tmp_path / "log-city.db")

    with pytest.raises(BackupError, match="given up"):
        make(log, tmp_path / "copy.db", given_up=lambda: True)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == []


def test_a_damaged_log_has_no_backup(tmp_path):
    log = filled(tmp_path / "log-city.db")
    overwrite(log, (pages_of(log, "events", 13)[3] - 1) * PAGE, os.urandom(PAGE))

    with pytest.raises(BackupError, match="not sound: it is damaged"):
        make(log, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_no_log_is_said_in_words(tmp_path):
    with pytest.raises(BackupError, match=r"log-city.db"):
        make(tmp_path / "log-city.db", tmp_path / "copy.db")


def test_a_copy_never_fills_the_disk_of_the_log(small_disk):  # noqa: F811
    log = filled(small_disk / "log-city.db")

    with pytest.raises(BackupError, match=r"MiB free; a copy of .* wants"):
        make(log, small_disk / "copy.db")


def test_two_copies_into_one_folder_at_a_time_are_one_too_many(tmp_path):
    log = filled(tmp_path / "log-city.db")
    refused = []

    def meanwhile():
        with contextlib.suppress(BackupError):
            make(log, tmp_path / "backups" / "second.db")
            return False
        refused.append(True)
        return False

    make(log, tmp_path / "backups" / "first.db", given_up=meanwhile)

    assert refused
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["first.db"]


KILLED = """
import os, signal, sys
from pathlib import Path
from monitor.store.backup import make
make(Path(sys.argv[1]), Path(sys.argv[2]), given_up=lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_what_a_killed_copy_left_is_never_taken_for_a_backup_and_goes_with_the_next(tmp_path):
    log, folder = filled(tmp_path / "log-city.db"), tmp_path / "backups"
    killed = path_for(folder, "log-city", AT)
    done = subprocess.run([sys.executable, "-c", KILLED, log, killed], check=False, timeout=60)

    assert done.returncode == -signal.SIGKILL
    assert f"{killed.name}.partial" in [path.name for path in folder.iterdir()]
    assert newest(folder, "log-city") is None
    make(log, path_for(folder, "log-city", AT + 60))
    assert [path.name for path in folder.iterdir()] == ["log-city-20251124T132400Z.db"]


def test_others_files_are_left_alone(tmp_path):
    log = filled(tmp_path / "log-city.db")
    (tmp_path / "film.mkv.partial").write_text("")
    make(log, tmp_path / "copy.db")

    assert (tmp_path / "film.mkv.partial").exists()


def damage_nothing(path):
    path.write_bytes(b"")


def damage_head(path):
    overwrite(path, 0, bytes(100))


def damage_middle(path):
    overwrite(path, (pages_of(path, "events", 13)[5] - 1) * PAGE, os.urandom(PAGE))


def damage_end(path):
    os.truncate(path, path.stat().st_size // 2)


def damage_kind(path):
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize(
    ("damage", "trouble"),
    [
        (damage_nothing, "it is no file with anything in it"),
        (damage_head, "file is not a database"),
        (damage_middle, "it is damaged ("),
        (damage_end, "malformed"),
        (damage_kind, "it is not a log of command-monitor"),
        (os.unlink, "there is no such file"),
    ],
)
def test_what_is_wrong_with_a_backup_is_said_and_the_one_before_it_is_the_newest(tmp_path, damage, trouble):
    log, folder = filled(tmp_path / "log-city.db"), tmp_path / "backups"
    for age in (2, 1):
        make(log, path_for(folder, "log-city", AT - age * 86_400))
    latest = every(folder, "log-city")[0]
    damage(latest)

    assert trouble in verify(latest)
    assert newest(folder, "log-city") == path_for(folder, "log-city", AT - 2 * 86_400)
    with pytest.raises(BackupError):
        restore(latest, tmp_path / "restored.db")
    assert not (tmp_path / "restored.db").exists()


def test_an_index_that_lacks_a_row_is_found_by_the_thorough_look(tmp_path):
    log = filled(tmp_path / "log-city.db", 2000)
    with contextlib.closing(sqlite3.connect(log)) as connection:
        connection.execute("PRAGMA writable_schema = 1")
        other = "replace(sql, 'recorded_at)', 'at)') WHERE name = 'events_recorded_at'"
        connection.execute(f"UPDATE sqlite_master SET sql = {other}")  # noqa: S608
        connection.commit()

    assert verify(log) == ""
    assert "damaged" in verify(log, thorough=True)


def test_without_backups_there_is_no_newest(tmp_path):
    assert newest(tmp_path / "nowhere", "log-city") is None
    assert newest(tmp_path, "log-city") is None


def test_only_the_backups_of_the_same_log_count(tmp_path):
    log = filled(tmp_path / "log-city.db", 10)
    for name in ("log-city", "log-city2", "log-danjiangkou"):
        make(log, path_for(tmp_path, name, AT))
    shutil.copy(log, tmp_path / "log-city-of-mine.db")

    assert every(tmp_path, "log-city") == [tmp_path / "log-city-20251124T132300Z.db"]


def test_a_backup_from_a_clock_far_ahead_is_not_the_newest_and_goes_first(tmp_path):
    log = filled(tmp_path / "log-city.db", 10)
    made = [path_for(tmp_path, "log-city", at) for at in (AT, AT + 60, 4_000_000_000.0)]
    for path in made:
        make(log, path)

    assert newest(tmp_path, "log-city") == made[1]
    rotate(tmp_path, "log-city", 2)
    assert every(tmp_path, "log-city") == [made[1], made[0]]


def test_the_newest_are_kept(tmp_path):
    log = filled(tmp_path / "log-city.db", 10)
    made = [path_for(tmp_path, "log-city", AT + day * 86_400) for day in range(5)]
    for path in made:
        make(log, path)
    rotate(tmp_path, "log-city", 3)

    assert every(tmp_path, "log-city") == made[:1:-1]
    rotate(tmp_path, "log-city", 0)
    assert every(tmp_path, "log-city") == made[-1:]


def test_a_restored_log_is_the_backup_under_another_identity(tmp_path):
    log, backup = filled(tmp_path / "log-city.db", 100), tmp_path / "backup.db"
    make(log, backup)
    ((was,),) = asked(log, "SELECT value FROM meta WHERE key = 'identity'")
    log.unlink()
    identity = restore(backup, log)

    assert asked(log, "SELECT value FROM meta WHERE key = 'identity'") == [(identity,)]
    assert identity != was
    assert numbers(log) == list(range(1, 101))
    assert asked(backup, "SELECT value FROM meta WHERE key = 'identity'") == [(was,)]
    with writing(log) as connection:
        append(connection, [101])
    assert sound(log)


def test_a_log_is_never_restored_over_another(tmp_path):
    log, backup = filled(tmp_path / "log-city.db", 100), tmp_path / "backup.db"
    make(log, backup)

    with pytest.raises(BackupError, match="set aside first"):
        restore(backup, log)
    assert len(numbers(log)) == 100


def test_a_write_ahead_log_of_another_log_does_not_get_into_the_restored_one(tmp_path):
    log, backup = filled(tmp_path / "log-city.db", 100), tmp_path / "backup.db"
    make(log, backup)
    with writing(log) as connection:
        append(connection, range(101, 200))
        shutil.copy(tmp_path / "log-city.db-wal", tmp_path / "stray")
    log.unlink()
    shutil.copy(tmp_path / "stray", tmp_path / "log-city.db-wal")
    restore(backup, log)

    assert numbers(log) == list(range(1, 101))


def test_a_log_copied_by_hand_together_with_its_write_ahead_log_can_be_restored(tmp_path):
    log, elsewhere = tmp_path / "log-city.db", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with writing(log) as connection:
        append(connection, range(1, 100))
        for path in tmp_path.glob("log-city.db*"):
            shutil.copy(path, elsewhere)
    restore(elsewhere / "log-city.db", tmp_path / "restored.db")

    assert numbers(tmp_path / "restored.db") == list(range(1, 100))


def test_a_backup_is_read_where_nothing_may_be_written(tmp_path):
    log, folder = filled(tmp_path / "log-city.db", 100), tmp_path / "cd"
    folder.mkdir()
    shutil.copy(log, folder)
    folder.chmod(0o555)
    if (
        os.access(folder, os.W_OK)
        and subprocess.run(["mount", "--bind", folder, folder], check=False).returncode
    ):
        pytest.skip("no folder can be made read-only here")
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=False)
    try:
        with pytest.raises(OSError, match="Read-only") as error:
            (folder / "x").write_text("")

        assert error.value.errno == errno.EROFS
        assert verify(folder / "log-city.db") == ""
    finally:
        subprocess.run(["umount", folder], check=False)
