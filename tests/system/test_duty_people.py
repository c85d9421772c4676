"""The officer's side over a real daemon: seen by verb, HTTP and metrics, answered by HTTP, handed over."""

import asyncio
import hashlib
import json
import urllib.request

from monitor.cli import main
from tests.outputs.receiver import receiving
from tests.system.duty_scenario import CIRCUIT, over

TOKEN = "a token of this test only, and long"  # noqa: S105 - of this test only


async def say(one, *arguments):
    """Run a verb in another thread and return its exit code."""
    where = ["--settings", str(one.folder / "settings.yaml"), "--lang", "zh"]
    return await asyncio.to_thread(main, [*arguments, *where])


def post(port, told):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    url = f"http://127.0.0.1:{port}/api/v1/alarms/answer"
    asked = urllib.request.Request(url, json.dumps(told).encode(), headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - likewise
        return json.loads(answer.read())


async def test_an_alarm_is_seen_everywhere_answered_over_http_and_handed_over(tmp_path, monkeypatch, capsys):
    (tmp_path / "http-answer-token").write_text(TOKEN)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    async with over(tmp_path, receiving(200), receiving(200)) as (one, built, hall, _):
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = True
        await hall.until(1)
        (alarm,) = json.loads(await one.ask("/api/v1/alarms"))["alarms"]
        answered = await asyncio.to_thread(post, one.port, {"ids": [alarm["code"]], "who": "zhang"})
        status, metrics = await one.status(), await one.ask("/metrics")
        await say(one, "alarms")
        await say(one, "events", "--kind", "alarm")
        seen = capsys.readouterr().out
        await say(one, "handover", "--leaving", "张伟", "--coming", "王主任", "--sign")
        page = capsys.readouterr()
        await say(one, "audit")
        acts = capsys.readouterr().out

    assert (answered["recorded"], answered["alarms"][0]["answer"]["name"]) == (True, "张伟")
    assert "公共 hall" in seen
    assert f"告警 {alarm['code']}：已确认 (张伟、HTTP 接口)" in seen
    (incident,) = status["incidents"]
    assert (incident["alarm"]["code"], incident["alarm"]["answer"]["via"]) == (alarm["code"], "api")
    assert 'command_monitor_alarms{severity="warning",area="circuit",answered="true"} 1' in metrics
    assert f"{alarm['code']}  重要" in page.out
    assert "张伟（HTTP 接口）" in page.out
    assert hashlib.sha256(page.out.encode()).hexdigest() in page.err
    assert "HTTP 接口  接警" in acts
    assert "交接班签字" in acts
    for secret in ("13900000001", "13900000009", TOKEN):
        assert secret not in page.out + acts + metrics + json.dumps(status) + json.dumps(alarm)
