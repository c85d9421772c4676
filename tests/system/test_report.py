"""Roll-calls over a real daemon: entered by the verb, shown, kept over a kill, due again in time."""

import asyncio
import os
import signal
import subprocess
import sys

from tests.system.daemon import daemon
from tests.system.lives import DETECTION
from tests.system.town import town

RADIO, CHECK = "dan/radio", "dan/radio/rollcall"
NAME = {"zh": "短波电台", "en": "HF radio"}


def declared(valid_for=3600):
    rollcall = {"kind": "manual", "valid_for": valid_for, "period": 0.5}
    return {"devices": {"radio": {"name": NAME, "looks": {"rollcall": rollcall}}}}


async def verb(one, *arguments, lang="zh_CN.UTF-8", name="report", settings="--settings"):
    """Run a verb; return its exit code and what it prints."""
    command = [sys.executable, "-m", "monitor", name, *arguments]
    command += [settings, str(one.folder / "settings.yaml") if settings == "--settings" else _url(one)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COMMAND_MONITOR")}
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean | {"LANG": lang, "PYTHONIOENCODING": "utf-8"},
    )
    async with asyncio.timeout(20):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


def _url(one):
    return f"http://127.0.0.1:{one.port}"


async def is_(one, health, reason):
    """Wait until the radio is said to be so."""

    async def said():
        status = await one.status()
        found = next(d for center in status["centers"] for d in center["devices"] if d["id"] == RADIO)
        return (found["health"], found["reason"]) == (health, reason)

    await one.until(said)


async def test_a_result_is_believed_at_once_told_with_who_entered_it_and_outlasts_a_kill(tmp_path):
    async with (
        town(tmp_path, **declared()) as built,
        daemon(tmp_path, built.file, detection=DETECTION) as one,
    ):
        await is_(one, "unknown", "not_reported")
        failed = await verb(one, RADIO, "failed", "--who", "李伟", "--note", "呼叫\n三次")
        await is_(one, "down", "reported_failed")
        told = await one.tells("report.changed", about=CHECK, state="failed")
        well, said = await verb(one, CHECK, "ok", "--who", "王强", lang="en_US.UTF-8")
        await is_(one, "up", "ok")
        await one.end(signal.SIGKILL)
        await one.start()
        await is_(one, "up", "ok")
        kept = next(facts for facts in (await one.status())["reports"] if facts["check"] == CHECK)
        _, shown = await verb(one, name="status", settings="--url")

    assert failed[0] == 0
    assert "短波电台点名：无应答；登记人 李伟；呼叫 三次；有效至" in failed[1]
    assert (told["who"], told["uid"], told["via"]) == ("李伟", os.getuid(), "socket")
    assert well == 0
    assert said.startswith("Roll-call of HF radio at")
    assert "answers well; entered by 王强; holds until" in said
    assert (kept["state"], kept["who"], kept["due"]) == ("ok", "王强", False)
    assert "人工点名 (2)" in shown
    assert "✔ dan短波电台：正常、有效至" in shown
    assert "尚未点名，应点名" in shown


async def test_a_result_holds_for_its_time_and_then_a_roll_call_is_due_and_nothing_is_down(tmp_path):
    async with (
        town(tmp_path, **declared(valid_for=3)) as built,
        daemon(tmp_path, built.file, detection=DETECTION) as one,
    ):
        await is_(one, "unknown", "not_reported")
        await verb(one, RADIO, "ok")
        await is_(one, "up", "ok")
        await is_(one, "unknown", "expired")
        code, due = await verb(one, lang="en_US.UTF-8")
        log = one.log()

    assert code == 1
    assert "HF radio at dan: answers well, expired" in due
    assert "roll-call due" in due
    assert not [
        r for r in log if isinstance(r, dict) and r["event"] in ("incident.confirmed", "daemon.cannot_look")
    ]


async def test_what_cannot_be_entered_is_refused_in_words(tmp_path):
    async with town(tmp_path, **declared()) as built, daemon(tmp_path, built.file) as one:
        answers = [
            await verb(one, "dan/phone", "ok"),
            await verb(one, RADIO),
        ]

    assert [code for code, _ in answers] == [1, 2]
    assert "nobody reports of dan/phone; known are dan/radio/rollcall, yun/radio/rollcall" in answers[0][1]
    assert "say how it went" in answers[1][1]
