"""`command-monitor status`: the city in the terminal, and an exit code that a script can use."""

import asyncio
import json
import socket

import pytest

from monitor.board.client import daemon_at
from monitor.board.server import BoardOptions
from monitor.cli import main
from monitor.cli.status import follow, language_of
from monitor.core.agent import Presence
from tests.board import city
from tests.board.conftest import event, serve  # noqa: F401 - a fixture


async def command(*arguments):
    return await asyncio.to_thread(main, ["status", *arguments])


async def test_all_up_is_exit_code_0(serve, capsys):  # noqa: F811
    async with serve(city.world()) as it:
        code = await command("--url", it.url, "--lang", "zh")

    assert code == 0
    assert "✔ 无异常" in capsys.readouterr().out


async def test_something_down_is_exit_code_1(serve, capsys):  # noqa: F811
    async with serve(city.cut()) as it:
        code = await command("--url", it.url, "--lang", "en")

    assert code == 1
    assert "✘ down" in capsys.readouterr().out


async def test_other_vantages_and_troubles_of_our_own_are_shown_and_leave_the_exit_code(serve, capsys):  # noqa: F811
    world = city.world()
    city.listen(world, "maojian", Presence.SILENT)
    async with serve(world) as it:
        it.vitals.store.trouble = "disk full"
        code = await command("--url", it.url, "--lang", "en")
    told = capsys.readouterr().out

    assert code == 0
    assert "✘ event log: disk full" in told
    assert "? silent  Maojian" in told


async def test_json_is_the_document_on_one_line(serve, capsys):  # noqa: F811
    async with serve(city.cut()) as it:
        code = await command("--url", it.url, "--json")

    assert code == 1
    assert json.loads(capsys.readouterr().out)["city"]["zh"] == "十堰市"


async def test_no_daemon_is_one_clear_line_and_exit_code_2(capsys):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    code = await command("--url", url)

    told = capsys.readouterr().err
    assert code == 2
    assert told.count("\n") == 1
    assert f"{url} (Connection refused)" in told
    assert "is it running?" in told


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://[::1", ""])
async def test_a_wrong_url_is_one_clear_line_too(url, capsys):
    code = await command("--url", url)

    told = capsys.readouterr().err
    assert (code, told.count("\n")) == (2, 1)


async def test_another_server_is_recognised_as_none_of_ours(serve, capsys):  # noqa: F811
    async with serve(city.world()) as it:
        code = await command("--url", f"{it.url}/elsewhere")

    assert code == 2
    assert "HTTP status 404" in capsys.readouterr().err


async def test_an_event_is_shown_long_before_the_next_refresh(serve):  # noqa: F811
    shown = asyncio.Queue()
    async with serve(city.world()) as it, daemon_at(it.url) as daemon:
        task = asyncio.create_task(follow(daemon, lambda now, why: shown.put_nowait((now, why))))
        first, _ = await shown.get()
        it.feed.world = city.cut()
        it.feed.tell(event(1))
        async with asyncio.timeout(10):
            while (now := (await shown.get())[0])["centers"][1]["health"] != "down":
                pass
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert first["centers"][1]["health"] == "up"
    assert now["centers"][1]["links"][0]["health"] == "down"


async def test_a_daemon_that_goes_is_waited_for_and_its_last_words_stay(serve):  # noqa: F811
    shown = asyncio.Queue()
    async with serve(city.world()) as it, daemon_at(it.url) as daemon:
        task = asyncio.create_task(follow(daemon, lambda now, why: shown.put_nowait((now, why))))
        await shown.get()
        it.run.cancel()
        await asyncio.gather(it.run, return_exceptions=True)
        async with asyncio.timeout(15):
            while not (latest := await shown.get())[1]:
                pass
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert latest[0]["city"]["en"] == "Shiyan"
    assert "is it running?" in latest[1]


@pytest.mark.parametrize(
    ("environment", "encoding", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "utf-8", "zh"),
        ({"LANG": "zh_CN.GB18030"}, "gb18030", "zh"),
        ({"LANG": "C.UTF-8"}, "utf-8", "zh"),
        ({}, "utf-8", "zh"),
        ({"LANG": "en_US.UTF-8"}, "utf-8", "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "utf-8", "en"),
        ({"LANG": "zh_CN"}, "ascii", "en"),
    ],
)
def test_the_language_is_chinese_unless_the_terminal_is_english(environment, encoding, language):
    assert language_of(environment, encoding) == language


def test_the_daemon_listens_where_the_verb_looks():
    options = BoardOptions()

    assert (options.listen, options.port) == ("127.0.0.1", 9770)
