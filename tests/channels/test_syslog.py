"""syslog: a message becomes one entry, as the standards say and as a real rsyslog reads it."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitor.channels.syslog import Options, open  # noqa: A004 - the name of every kind's opener
from monitor.core.alarm import Severity
from monitor.kit.courier import Fate
from tests.channels.ground import KEY, message
from tests.probes.certificates import Authority
from tests.probes.peers import closed_port, never_answers, peer, resets

needs_rsyslog = [
    pytest.mark.server,
    pytest.mark.skipif(shutil.which("rsyslogd") is None, reason="rsyslogd is not installed"),
]
RSYSLOG = """
global(workDirectory="{folder}" {tls})
module(load="imudp") module(load="imtcp") module(load="imuxsock" SysSock.Use="off")
input(type="imudp" address="127.0.0.1" port="{ports[udp]}" ruleset="all")
input(type="imtcp" address="127.0.0.1" port="{ports[tcp]}" ruleset="all")
input(type="imuxsock" Socket="{folder}/log" ruleset="all")
{more}
template(name="line" type="list" option.jsonf="on") {{
    property(outname="pri" name="pri" format="jsonf")
    property(outname="host" name="hostname" format="jsonf")
    property(outname="app" name="app-name" format="jsonf")
    property(outname="tag" name="syslogtag" format="jsonf")
    property(outname="id" name="msgid" format="jsonf")
    property(outname="facts" name="structured-data" format="jsonf")
    property(outname="text" name="msg" format="jsonf")
}}
ruleset(name="all") {{ action(type="omfile" file="{folder}/out" template="line" asyncWriting="off") }}
"""
TLS = """
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all"
      streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
"""


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Rsyslog:
    """A real one, and what it has written."""

    def __init__(self, folder, authority):
        self.folder = folder
        self.authority = authority
        self.ports = {"udp": free_port(socket.SOCK_DGRAM)} | {
            name: free_port(socket.SOCK_STREAM) for name in ("tcp", "tls")
        }

    async def written(self, count):
        out = self.folder / "out"
        async with asyncio.timeout(20):
            while not out.exists() or (text := out.read_text()).count("\n") < count:
                await asyncio.sleep(0.02)
        return [json.loads(line) for line in text.splitlines()]


@contextlib.asynccontextmanager
async def rsyslog(*, tls=False):
    with tempfile.TemporaryDirectory(prefix="rsys") as name:
        folder = Path(name)
        server = Rsyslog(folder, authority := Authority(folder))
        more = named = ""
        if tls:
            issued = authority.issue()
            files = {"CAFile": authority.file, "CertFile": issued.cert_file, "KeyFile": issued.key_file}
            named = " ".join(f'defaultNetstreamDriver{key}="{path}"' for key, path in files.items())
            more = TLS.format(port=server.ports["tls"])
        (folder / "conf").write_text(RSYSLOG.format(folder=folder, ports=server.ports, tls=named, more=more))
        command = ["rsyslogd", "-n", "-iNONE", "-f", str(folder / "conf")]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:  # noqa: ASYNC220 - it starts at once
            try:
                await listens(server.ports["tls" if tls else "tcp"])
                yield server
            finally:
                process.terminate()


async def listens(port):
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def sent(said=None, **options):
    return await open(Options(**{"timeout": 5} | options)).send(message(**said or {}))


class TestRsyslog:
    """What a real receiver reads."""

    pytestmark = needs_rsyslog

    @pytest.mark.parametrize("transport", ["udp", "tcp"])
    async def test_an_entry_comes_with_its_facts_and_chinese_text(self, transport):
        facts = {"incident": 'a"b]c\\d', "bad name": 1, "centers": ["a"], "count": 2}
        async with rsyslog() as server:
            receipt = await sent(
                {"facts": facts},
                transport=transport,
                host="127.0.0.1",
                port=server.ports[transport],
                facility="alert",
            )
            [entry] = await server.written(1)

        assert receipt.fate is Fate.TAKEN
        assert (entry["pri"], entry["app"], entry["id"]) == (str(14 * 8 + 2), "command-monitor", "alarm")
        assert entry["host"] == socket.gethostname()
        assert entry["text"].removeprefix("\ufeff") == " ".join(message().text.split())
        expected = f'incident="a\\"b\\]c\\\\d" count="2" key="{KEY}" severity="critical" unsure="false"'
        assert entry["facts"] == f"[alarm@32473 {expected}]"

    async def test_many_lines_are_one_entry_and_messages_do_not_run_together(self):
        async with rsyslog() as server:
            for number in range(5):
                text = f"第 {number} 条\n第二行\n<13>1 - - - - - - 假的"
                await sent({"text": text}, transport="tcp", host="127.0.0.1", port=server.ports["tcp"])
            entries = await server.written(5)

        assert [entry["text"].strip("\ufeff")[:5] for entry in entries] == [f"第 {n} 条" for n in range(5)]

    async def test_under_tls_it_is_taken_when_the_receiver_has_read_it(self):
        async with rsyslog(tls=True) as server:
            receipt = await sent(
                transport="tls", host="127.0.0.1", port=server.ports["tls"], ca=server.authority.file
            )
            stranger = await sent(transport="tls", host="127.0.0.1", port=server.ports["tls"])
            [entry] = await server.written(1)

        assert receipt.fate is Fate.TAKEN
        assert stranger.fate is Fate.LATER
        assert entry["id"] == "alarm"

    async def test_this_machines_own_log_takes_it_by_its_socket(self):
        async with rsyslog() as server:
            receipt = await sent({"severity": Severity.INFO}, socket=server.folder / "log")
            [entry] = await server.written(1)

        assert receipt.fate is Fate.TAKEN
        assert entry["pri"] == str(16 * 8 + 6)
        assert entry["tag"].startswith("command-monitor[")
        assert entry["text"].strip().startswith("丹江口：省网电路中断 自 20:31 起")
        assert KEY in entry["text"]


async def heard_by_udp(said):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        receipt = await sent(said, transport="udp", host="127.0.0.1", port=port)
        sock.settimeout(5)
        return receipt, sock.recv(65536)


async def test_what_is_too_long_is_cut_between_two_characters():
    receipt, words = await heard_by_udp({"text": "断" * 5000})

    assert receipt.fate is Fate.TAKEN
    assert 2045 < len(words) <= 2048
    assert words.decode().endswith("断断")


async def test_a_datagram_that_nobody_listens_for_is_told_by_icmp():
    receipt = await sent(transport="udp", host="127.0.0.1", port=closed_port())

    assert (receipt.fate, "refused" in receipt.words.lower()) == (Fate.LATER, True)


async def test_a_stream_is_taken_only_when_it_was_read_to_its_end():
    async def reads_and_leaves(_, reader, _writer):
        assert (await reader.read()).decode().partition(" ")[2].startswith("<130>1 ")

    async def resets_after_a_while(one, reader, writer):
        await reader.readexactly(10)
        await resets(one, reader, writer)

    async with (
        peer(reads_and_leaves) as good,
        peer(never_answers) as silent,
        peer(resets_after_a_while) as bad,
    ):
        took = await sent(transport="tcp", host="127.0.0.1", port=good.port)
        doubt = await sent(transport="tcp", host="127.0.0.1", port=silent.port, timeout=0.3)
        reset = await sent({"text": "x" * 7000}, transport="tcp", host="127.0.0.1", port=bad.port)

    assert (took.fate, doubt.fate, reset.fate) == (Fate.TAKEN, Fate.UNSURE, Fate.UNSURE)


async def test_the_length_before_an_entry_is_that_of_its_octets():
    heard = []

    async def reads(_, reader, _writer):
        heard.append(await reader.read())

    async with peer(reads) as one:
        await sent(transport="tcp", host="127.0.0.1", port=one.port)
    length, _, entry = heard[0].partition(b" ")

    assert int(length) == len(entry)


async def test_a_log_that_is_not_there_is_a_matter_for_a_person(tmp_path):
    receipt = await sent(socket=tmp_path / "log")

    assert (receipt.fate, receipt.words[:17]) == (Fate.LATER, "FileNotFoundError")


@pytest.mark.parametrize(
    "options",
    [{"transport": "tcp"}, {"host": "h"}, {"facility": "local8"}, {"app": "two words"}, {"transport": "x"}],
)
def test_bad_options_are_refused(options):
    with pytest.raises(ValidationError):
        Options(**options)
