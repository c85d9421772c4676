"""What people do to a real daemon: recorded once through any kill, shown and checked while it runs."""

import asyncio
import hashlib
import json
import signal
from contextlib import asynccontextmanager

import pytest

from monitor.kit.local import ask
from monitor.store.audit_check import acts, check_file
from tests.mosquitto import free_port
from tests.system.daemon import Daemon, daemon, gone, write_settings
from tests.system.test_report import declared, verb
from tests.system.town import town

RADIO = "dan/radio"


def log_of(one):
    return one.folder / "state" / "log-city.db"


def enter(one, number):
    order = {"order": "report/enter", "subject": RADIO, "state": "ok", "note": str(number), "who": "李伟"}
    return ask(one.folder / "state" / "control-city.sock", order)


async def until_it_dies(one, first):
    """Enter one roll-call after the other, from number *first* on; return those said to be recorded."""
    answered = []
    for number in range(first, first + 500):
        try:
            answer = await asyncio.to_thread(enter, one, number)
        except (OSError, ValueError):
            break
        if answer["recorded"]:
            answered.append(number)
    return answered


@asynccontextmanager
async def dying(folder, inventory):
    """Give a daemon that is not started; whatever happens, it is gone afterwards."""
    one = Daemon(folder, free_port())
    write_settings(folder, inventory, one.port)
    try:
        yield one
    finally:
        await gone(one.process)
        one.process._transport.close()


def notes(one):
    rows = [row for row in acts(log_of(one)) if row["act"] == "report/enter"]
    return [int(json.loads(row["data"])["note"]) for row in rows]


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("in_tx:30", marks=pytest.mark.long),
        pytest.param("before_commit:30", marks=pytest.mark.long),
        "after_commit:30",
    ],
)
async def test_killed_at_a_commit_no_act_is_lost_that_was_answered_and_none_is_doubled(tmp_path, point):
    async with town(tmp_path, **declared()) as built, dying(tmp_path, built.file) as one:
        await one.launch(crash=point)
        await one.until(one._ready)
        answered = await until_it_dies(one, 1)
        async with asyncio.timeout(20):
            killed = await one.process.wait()
        await one.start()
        again = [n for n in range(1001, 1004) if (await asyncio.to_thread(enter, one, n))["recorded"]]
        found, whole = notes(one), check_file(log_of(one))

    print(f"{point}: answered {len(answered)}, recorded {len(found)}")
    assert killed == -signal.SIGKILL
    assert len(answered) >= 3
    assert set(answered) | set(again) <= set(found)
    assert len(found) == len(set(found))
    assert whole.breaks == ()


async def test_a_reload_names_the_files_that_changed_and_a_copy_who_has_it(tmp_path):
    async with town(tmp_path, **declared()) as built, daemon(tmp_path, built.file) as one:
        before = digest(built.file)
        await built.build("fang", 3)
        built.write()
        after = digest(built.file)
        one.process.send_signal(signal.SIGHUP)
        await one.tells("daemon.reloaded")
        built.file.write_text("city: [")
        one.process.send_signal(signal.SIGHUP)
        await one.tells("daemon.reload_refused")
        copied = await verb(one, str(tmp_path / "copy.db"), "--who", "李伟", name="backup")
        code, said = await verb(one, name="verify-audit")
        good, bad, copy = (dict(row) | {"data": json.loads(row["data"])} for row in acts(log_of(one)))

    assert (good["via"], good["act"]) == ("signal", "reload")
    assert good["data"]["changed"] == [str(built.file)]
    assert (good["data"]["before"], good["data"]["after"]) == (
        {str(built.file): before},
        {str(built.file): after},
    )
    assert bad["data"]["before"] == {str(built.file): after}
    assert bad["data"]["refused"]
    assert copied[0] == 0
    assert (copy["act"], copy["who"], copy["data"]) == (
        "log/copy",
        "李伟",
        {"file": str(tmp_path / "copy.db")},
    )
    assert code == 0
    assert "审计记录完整：3 条" in said


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()
