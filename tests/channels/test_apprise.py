"""apprise: the library speaks in a process of its own, which no peer can hold up, fill or make talk."""

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from monitor.channels.apprise import Options, open  # noqa: A004 - the name of every kind's opener
from monitor.kit.courier import Fate
from tests.channels.ground import PHONE, SECRET, message
from tests.channels.mail_server import mail_server
from tests.probes.peers import closed_port, never_answers, peer
from tests.probes.test_contract import endless

ROOT = Path(__file__).parents[2]


async def sent(url, timeout=30, **said):  # noqa: ASYNC109 - an option
    return await open(Options(password=url, timeout=timeout)).send(message(**said))


@contextlib.asynccontextmanager
async def sink(status=200):
    """Take what comes by POST; lend the port and what came."""
    heard = []

    async def take(request):
        heard.append((request.path, await request.json()))
        return web.Response(status=status, text=f"because {SECRET} {PHONE}")

    app = web.Application()
    app.router.add_post("/{tail:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], heard
    finally:
        await runner.cleanup()


async def test_what_the_service_takes_is_taken():
    async with sink() as (port, heard):
        receipt = await sent(f"json://127.0.0.1:{port}/{SECRET}")
    [(path, told)] = heard

    assert (receipt.fate, receipt.words) == (Fate.TAKEN, "")
    assert path == f"/{SECRET}"
    assert (told["title"], told["message"], told["type"]) == (message().title, message().text, "failure")


async def test_a_no_says_what_apprise_says_of_it_and_nothing_of_the_key():
    async with sink(500) as (port, _):
        receipt = await sent(f"json://127.0.0.1:{port}/{SECRET}", to=PHONE)

    assert receipt.fate is Fate.LATER
    assert receipt.words.startswith("not taken: Failed to send JSON")
    assert SECRET not in receipt.words
    assert PHONE not in receipt.words


async def test_where_nobody_listens_it_is_brought_again():
    receipt = await sent(f"json://127.0.0.1:{closed_port()}/{SECRET}")

    assert receipt.fate is Fate.LATER
    assert "onnection error" in receipt.words


async def test_a_url_that_apprise_does_not_know_is_a_matter_for_a_person():
    receipt = await sent(f"pigeon://{SECRET}/")

    assert receipt.fate is Fate.LATER
    assert receipt.words.startswith("Apprise does not know such a URL")
    assert SECRET not in receipt.words


async def test_it_speaks_to_a_mail_server_as_well():
    async with mail_server() as box:
        url = f"mailto://127.0.0.1:{box.port}?from=monitor@example.test&to=hall@example.test&mode=insecure"
        receipt = await sent(url)
    [mail] = box.mails

    assert receipt.fate is Fate.TAKEN
    assert (mail["To"], mail["Subject"]) == ("hall@example.test", message().title)


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(never_answers, id="never-answers"),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536),
            id="talks-without-end",
            marks=pytest.mark.long,
        ),
    ],
)
async def test_no_peer_holds_it_up(behave):
    began = asyncio.get_running_loop().time()
    async with peer(behave) as one:
        receipt = await sent(f"json://127.0.0.1:{one.port}/{SECRET}?rto=60", timeout=3)
    took = asyncio.get_running_loop().time() - began

    assert receipt.fate is not Fate.TAKEN
    assert took < 6


def children_show():
    """Return the arguments and variables of every child of ours."""
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            yield b"".join(Path(f"/proc/{pid}/{what}").read_bytes() for what in ("cmdline", "environ"))


async def test_the_key_stands_in_no_argument_and_in_no_variable():
    seen = []

    async def looks(_, _reader, _writer):
        seen.extend(children_show())

    async with peer(looks) as one:
        await sent(f"json://127.0.0.1:{one.port}/{SECRET}")

    assert any(b"monitor.kit.chat" in words for words in seen)
    assert not any(SECRET.encode() in words for words in seen)


def test_the_daemon_does_not_load_the_library():
    program = "import monitor.settings, sys; sys.exit('apprise' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


async def test_the_url_is_wanted():
    with pytest.raises(ValueError, match="password"):
        Options()
