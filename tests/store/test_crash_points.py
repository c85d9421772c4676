"""crash: killed at any named point, the log has lost nothing, and tells at most again what was in flight."""

import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from monitor.store import log_file
from monitor.store.audit_check import check_file
from tests.store.crash_child import PAGE, told
from tests.store.crash_ledger import ledgers, run, start
from tests.store.log_ground import rows, until

IN_FLIGHT = 1_000
"""Events that one transaction holds: so many may be told again after a kill, besides the page being told."""


async def killed_and_restarted(folder, point, total, cycles):
    killed = await run(folder, total, cycles=cycles, point=point)
    ended = await run(folder, total)
    found, sound, held = ledgers(folder, total)
    for name, line in found.items():
        print(f"{point:<18} {name:<9} {line}")

    assert killed == -signal.SIGKILL
    assert ended == 0
    assert sound == "ok"
    assert held == total
    assert (found["recorded"].lost, found["recorded"].doubled) == (0, 0)
    assert (found["gathered"].lost, found["gathered"].doubled) == (0, 0)
    assert (found["acted"].lost, found["acted"].doubled) == (0, 0)
    assert check_file(log_file(folder, "city")).breaks == ()
    assert found["told"].lost == 0
    assert found["told"].doubled <= IN_FLIGHT + PAGE


LONG = pytest.mark.long
"""What `make test-long` runs: the same in another place."""


@pytest.mark.parametrize(
    "point",
    [
        "before_begin:1",
        "in_tx:50",
        "before_commit:1",
        "after_commit:50",
        *(
            pytest.param(p, marks=LONG)
            for p in ("before_begin:50", "in_tx:1", "before_commit:50", "after_commit:1")
        ),
    ],
)
async def test_killed_around_a_commit_nothing_is_lost(tmp_path, point):
    await killed_and_restarted(tmp_path, point, 2_000, 0)


@pytest.mark.parametrize(
    ("point", "total", "cycles"),
    [
        ("in_migration:12", 300, 0),
        ("in_checkpoint:1", 1_500, 0),
        ("in_shutdown:2", 300, 0),
        pytest.param("in_migration:1", 300, 0, marks=LONG),
        pytest.param("in_checkpoint:2", 1_500, 0, marks=LONG),
        pytest.param("in_checkpoint:50", 16_000, 0, marks=LONG),
        pytest.param("in_shutdown:1", 300, 0, marks=LONG),
        pytest.param("in_shutdown:50", 300, 25, marks=LONG),
    ],
)
async def test_killed_elsewhere_nothing_is_lost(tmp_path, point, total, cycles):
    await killed_and_restarted(tmp_path, point, total, cycles)


async def test_killed_at_random_again_and_again_nothing_is_lost(tmp_path):
    total, kills = 4_000, 3
    for n in range(kills):
        await run(tmp_path, total, kill_after=0.8 + n * 0.2)
    ended = await run(tmp_path, total)
    found, sound, held = ledgers(tmp_path, total)
    for name, line in found.items():
        print(f"{kills} kills {name:<9} {line}")

    assert ended == 0
    assert (sound, held) == ("ok", total)
    assert [line.lost for line in found.values()] == [0, 0, 0, 0]
    assert found["recorded"].doubled == found["gathered"].doubled == found["acted"].doubled == 0
    assert check_file(log_file(tmp_path, "city")).breaks == ()


async def snapshot(child, folder, name):
    """Copy all files while the process stands still; say if they are sound, what they lack, what was told."""
    copy = folder / name
    copy.mkdir()
    child.send_signal(signal.SIGSTOP)
    await until(lambda: Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    for file in (*folder.glob("log-city.db*"), folder / "sink"):
        shutil.copy(file, copy)
    child.send_signal(signal.SIGCONT)
    sound, recorded = rows(copy / "log-city.db", "PRAGMA integrity_check"), set(rows(copy / "log-city.db"))
    heard = {int(line) for line in (copy / "sink").read_text().split("\n")[:-1]}
    return sound, heard - recorded, len(heard)


async def test_what_was_told_is_in_the_files_at_any_moment(tmp_path):
    child = await start(tmp_path, 4_000)
    found = []
    try:
        for n in range(5):
            await until(partial(has_told_more_than, tmp_path, 50 * n))
            found.append(await snapshot(child, tmp_path, f"copy{n}"))
    finally:
        child.kill()
        await child.wait()

    assert [(sound, lost) for sound, lost, _ in found] == [(["ok"], set())] * 5
    assert found[-1][2] > 200


def has_told_more_than(folder, number):
    return told(folder) > number
