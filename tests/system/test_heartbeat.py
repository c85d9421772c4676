"""Heartbeats over a real daemon: things report with curl, silence is seen, a restart forgets nothing."""

import asyncio
import contextlib
import json
import signal
import subprocess

from tests.mosquitto import mosquitto, needs_mosquitto
from tests.system.daemon import broker_at, daemon
from tests.system.lives import DETECTION
from tests.system.town import town

SECRET = "a-token-of-some-length"  # noqa: S105 - of this test alone
BACKUP, CHECK = "dan/backup", "dan/backup/job"


def declared(folder, **options):
    (folder / "token").write_text(f"{SECRET}\n")
    job = {"kind": "heartbeat", "valid_for": 3600, "token_file": "token", "period": 0.5, "values": ["size"]}
    return {"devices": {"backup": {"address": "127.50.0.1", "shared": True, "looks": {"job": job | options}}}}


async def curl(one, *arguments, check=CHECK, shows=SECRET):
    """Report as a script would; return the status and what was answered."""
    command = [
        "curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", "-X", "POST",
        "-H", f"Authorization: Bearer {shows}", *arguments, f"http://127.0.0.1:{one.port}/api/v1/heartbeat/{check}",
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    async with asyncio.timeout(20):
        said, _ = await process.communicate()
    answer, _, code = said.decode().strip().rpartition("\n")
    return int(code), answer.strip()


async def is_(one, health, reason):
    """Wait until the device is said to be so."""

    async def said():
        status = await one.status()
        found = next(d for center in status["centers"] for d in center["devices"] if d["id"] == BACKUP)
        return found if (found["health"], found["reason"]) == (health, reason) else None

    return await one.until(said)


async def test_what_a_thing_reports_is_believed_at_once_and_outlasts_a_kill(tmp_path):
    async with (
        town(tmp_path, **declared(tmp_path)) as built,
        daemon(tmp_path, built.file, detection=DETECTION) as one,
    ):
        await is_(one, "unknown", "never_heard")
        answers = [await curl(one)]
        await is_(one, "up", "ok")
        answers.append(await curl(one, "-d", "failed"))
        await is_(one, "down", "reported_failed")
        answers.append(
            await curl(one, "-d", json.dumps({"status": "degraded", "note": "慢", "values": {"size": 7}}))
        )
        await is_(one, "degraded", "reported_degraded")
        answers.append(await curl(one, "-d", "ok"))
        await is_(one, "up", "ok")
        await one.tells("belief.changed", about=CHECK, now="up")
        await one.end(signal.SIGKILL)
        await one.start()
        kept = await is_(one, "up", "ok")

    assert answers == [(200, "taken")] * 4
    assert kept["rtt"] is None


async def test_silence_beyond_the_stated_time_is_a_fault_until_it_reports_again(tmp_path):
    async with (
        town(tmp_path, **declared(tmp_path, valid_for=1)) as built,
        daemon(tmp_path, built.file, detection=DETECTION) as one,
    ):
        await is_(one, "unknown", "never_heard")
        await curl(one)
        await is_(one, "up", "ok")
        await is_(one, "down", "silent")
        said = await one.tells("status.changed", about=BACKUP, now="down")

        async def recovered():
            await curl(one)
            return (await one.healths())[BACKUP][0] == "up"

        await one.until(recovered)

    assert "逾期未报告" in said["sentence"]


NO_REPORTS = {
    "a wrong token": ((), {"shows": "another-token-of-it"}, 401, "no such heartbeat"),
    "a token that is no ASCII": ((), {"shows": "ü" * 20}, 401, "no such heartbeat"),
    "an unknown check": ((), {"check": "dan/backup/other"}, 401, "no such heartbeat"),
    "a check that asks": ((), {"check": "dan/city/primary/udp"}, 401, "no such heartbeat"),
    "a word that is none": (("-d", "well"), {}, 400, "status"),
    "half an object": (("-d", "{"), {}, 400, "JSON"),
    "an unknown key": (("-d", '{"status": "ok", "root": 1}'), {}, 400, "root"),
    "a value that is not declared": (("-d", '{"values": {"rows": 1}}'), {}, 400, "rows"),
    "a number that is none": (("-d", '{"values": {"size": NaN}}'), {}, 400, "size"),
    "a nest without end": (("-d", '{"note":' + "[" * 9000), {}, 400, "JSON"),
    "too much": (("-d", "x" * 20_000), {}, 413, "too much"),
    "something compressed": (("-d", "ok", "-H", "Content-Encoding: gzip"), {}, 415, "compressed"),
    "one of another site": (("-H", "Origin: http://evil.example"), {}, 403, "other sites"),
    "one that is put": (("-X", "PUT", "-d", "ok"), {}, 405, "only POST"),
}


async def test_what_is_no_report_is_refused_in_words(tmp_path):
    async with town(tmp_path, **declared(tmp_path)) as built, daemon(tmp_path, built.file) as one:
        answers = {name: await curl(one, *told, **more) for name, (told, more, *_) in NO_REPORTS.items()}
        health = (await one.healths())[BACKUP][0]

    wanted = {name: (code, words) for name, (*_, code, words) in NO_REPORTS.items()}
    assert {name: code for name, (code, _) in answers.items()} == {n: code for n, (code, _) in wanted.items()}
    assert [name for name, (_, words) in answers.items() if wanted[name][1] not in words] == []
    assert health == "unknown"


async def test_reports_without_end_are_held_up_and_a_short_token_is_our_own_trouble(tmp_path):
    async with town(tmp_path, **declared(tmp_path)) as built, daemon(tmp_path, built.file) as one:
        flood = [(await curl(one))[0] for _ in range(15)]
        (tmp_path / "token").write_text("short\n")
        short = await curl(one, shows="short")

    assert flood[:10] == [200] * 10
    assert 429 in flood
    assert (short[0], "shorter" in short[1]) == (503, True)


async def publish(broker, *arguments):
    """Report over the broker, as a script would."""
    command = [
        "mosquitto_pub",
        "-p",
        str(broker.port),
        "-q",
        "1",
        "-t",
        f"command/v1/heartbeat/{CHECK}",
        *arguments,
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    async with asyncio.timeout(20):
        said, _ = await process.communicate()

    assert process.returncode == 0, said


@needs_mosquitto
async def test_over_a_broker_too_and_while_that_is_away_nobody_is_silent(tmp_path):
    async with contextlib.AsyncExitStack() as stack:
        broker = await stack.enter_async_context(mosquitto(tmp_path))
        built = await stack.enter_async_context(town(tmp_path, **declared(tmp_path, valid_for=4)))
        await publish(broker, "-m", "ok", "-r")
        mqtt = broker_at(broker.port, heartbeats=True)
        one = await stack.enter_async_context(daemon(tmp_path, built.file, mqtt=mqtt, detection=DETECTION))
        await is_(one, "unknown", "never_heard")
        await one.tells("mqtt.no_heartbeat", topic=f"command/v1/heartbeat/{CHECK}")
        await publish(broker, "-m", '{"status": "failed", "note": "磁带机故障"}')
        await is_(one, "down", "reported_failed")
        await publish(broker, "-n")
        await is_(one, "up", "ok")
        broker.stop()
        await is_(one, "unknown", "deaf")
        await broker.start()
        await is_(one, "down", "silent")
        await one.tells("status.changed", about=BACKUP, now="down", reason="silent")
        told = one.told("status.changed", about=BACKUP)

    assert [record["now"] for record in told] == ["down", "up", "unknown", "down"]
