"""sms: a message goes into the spool once, is taken when the network has it, and what comes back is heard."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import time

import pytest
from pydantic import ValidationError

from monitor.channels import sms
from monitor.channels.sms import Options, open  # noqa: A004 - the name of every kind's opener
from monitor.kit.courier import Fate
from monitor.kit.sms import international
from monitor.kit.sms.smstools import is_stuck
from monitor.ports import Delivered, Reply
from tests.channels.ground import PHONE, message
from tests.channels.modem import modem
from tests.channels.spools import TABLES, gammu_smsd, gammu_spool, smsd, smstools_spool

needs_smsd = [
    pytest.mark.server,
    pytest.mark.skipif(shutil.which("smsd") is None, reason="smstools is not installed"),
]
needs_gammu = [
    pytest.mark.server,
    pytest.mark.skipif(
        shutil.which("gammu-smsd") is None or not TABLES.exists(), reason="gammu-smsd is not installed"
    ),
]
NAME = "cm-8c1907a2756268be32ddf0fc"
"""What the message of the tests is called in a spool."""


@contextlib.asynccontextmanager
async def channel(**options):
    """Lend a channel."""
    one = open(Options(**{"timeout": 20} | options))
    try:
        yield one
    finally:
        await one.aclose()


@contextlib.asynccontextmanager
async def listening(one):
    """Lend a queue of what comes back."""
    heard = asyncio.Queue()
    task = asyncio.create_task(one.run(heard.put))
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def soon(heard):
    async with asyncio.timeout(20):
        return await heard.get()


class TestSmsd:
    """With a real smsd of smstools3, and a modem made of a socket."""

    pytestmark = needs_smsd

    async def test_a_message_is_sent_once_word_of_its_arrival_and_the_answer_come_back(self):
        with smstools_spool() as folder:
            async with modem() as air, channel(spooler="smstools", folder=folder) as one:
                with smsd(folder, air):
                    receipt = await one.send(message(to="138 1234-5678"))
                    double = await one.send(message(to=PHONE, unsure=True))
                    [given] = air.sent
                    air.reports(given, 0)
                    air.receives(PHONE, "1 收到")
                    async with listening(one) as heard:
                        back = [await soon(heard), await soon(heard)]
                        async with asyncio.timeout(10):
                            while any((folder / "incoming").iterdir()):
                                await asyncio.sleep(0.05)

        assert (receipt.fate, receipt.reference) == (Fate.TAKEN, NAME)
        assert double == receipt
        assert (given.number, given.text) == (PHONE[1:], message().short)
        assert (given.report, given.concatenated) == (True, False)
        assert sorted(back, key=repr) == [
            Delivered(NAME, arrived=True, words="Ok,short message received by the SME"),
            Reply(PHONE, "1 收到"),
        ]

    @pytest.mark.long
    async def test_one_that_the_network_does_not_take_is_brought_again_and_one_that_never_arrives_is_told(
        self,
    ):
        with smstools_spool() as folder:
            async with modem() as air, channel(spooler="smstools", folder=folder) as one:
                air.broken = "+CMS ERROR: 38"
                with smsd(folder, air):
                    refused = await one.send(message(to=PHONE))
                    air.broken = ""
                    taken = await one.send(message(to=PHONE))
                    [given] = air.sent
                    air.reports(given, 0x46)
                    async with listening(one) as heard:
                        lost = await soon(heard)

        assert (refused.fate, taken.fate) == (Fate.LATER, Fate.TAKEN)
        assert refused.words == "the modem gave up: +CMS ERROR: 38 (Network out of order)"
        assert (lost.reference, lost.arrived) == (NAME, False)
        assert lost.words

    @pytest.mark.long
    async def test_one_that_the_modem_has_in_its_hands_is_in_doubt(self):
        with smstools_spool() as folder:
            async with modem() as air, channel(spooler="smstools", folder=folder, timeout=4) as one:
                air.deaf = True
                with smsd(folder, air):
                    receipt = await one.send(message(to=PHONE))

        assert receipt.fate in {Fate.UNSURE, Fate.LATER}
        assert (receipt.fate is Fate.UNSURE) != ("nobody took it" in receipt.words)


class TestGammu:
    """With a real gammu-smsd, and a telephone made of a folder."""

    pytestmark = needs_gammu

    async def test_a_message_is_sent_once_word_of_its_arrival_and_the_answer_come_back(self):
        with gammu_spool() as tables:
            tables.receives(PHONE, "1 收到")
            async with channel(spooler="gammu", database=tables.database) as one:
                with gammu_smsd(tables):
                    receipt = await one.send(message(to=PHONE))
                    double = await one.send(message(to=PHONE, unsure=True))
                    sent = tables.run("SELECT DestinationNumber, TextDecoded, Coding, UDH FROM sentitems")
                    tables.reports(PHONE, "Delivered")
                    async with listening(one) as heard:
                        back = [await soon(heard), await soon(heard)]
                        await asyncio.sleep(0)
                    third = await one.send(message(to=PHONE, unsure=True))

        assert (receipt.fate, receipt.reference) == (Fate.TAKEN, NAME)
        assert double == third == receipt
        assert sent == [(PHONE, message().short, "Unicode_No_Compression", "")]
        assert sorted(back, key=repr) == [Delivered(NAME, arrived=True), Reply(PHONE, "1 收到")]


class Smstools:
    """The folders without a daemon, which the test plays."""

    def __init__(self, folder):
        self.folder = folder
        self.options = {"spooler": "smstools", "folder": folder}

    def take(self):
        (self.folder / "outgoing" / NAME).rename(self.folder / "checked" / NAME)

    def end(self, good):
        (self.folder / "checked" / NAME).rename(self.folder / ("sent" if good else "failed") / NAME)

    def lose(self):
        (self.folder / "outgoing" / NAME).unlink()

    def waiting(self):
        return len(list((self.folder / "outgoing").glob("cm-*")))


class Gammu:
    """The same with tables."""

    def __init__(self, tables):
        self.tables = tables
        self.options = {"spooler": "gammu", "database": tables.database}

    def take(self):
        self.tables.run("UPDATE outbox SET SendingTimeOut = datetime('now', 'localtime', '+60 seconds')")

    def end(self, good):
        move = (
            "INSERT INTO sentitems (ID, CreatorID, Status, Text, UDH, SenderID)"
            " SELECT ID, CreatorID, ?, '', '', '' FROM outbox"
        )
        self.tables.run(move, "SendingOK" if good else "SendingError")
        self.tables.run("DELETE FROM outbox")

    def lose(self):
        self.tables.run("DELETE FROM outbox")

    def waiting(self):
        return self.tables.run("SELECT count(*) FROM outbox")[0][0]


@pytest.fixture(params=["smstools", pytest.param("gammu", marks=needs_gammu[1])])
def spool(request):
    if request.param == "smstools":
        with smstools_spool() as folder:
            yield Smstools(folder)
    else:
        with gammu_spool() as tables:
            yield Gammu(tables)


async def laid(spool):
    async with asyncio.timeout(10):
        while not spool.waiting():
            await asyncio.sleep(0.01)


async def test_what_nobody_takes_out_of_the_spool_is_withdrawn(spool):
    async with channel(**spool.options, timeout=0.5) as one:
        receipt = await one.send(message(to=PHONE))

    assert (receipt.fate, spool.waiting()) == (Fate.LATER, 0)
    assert receipt.words == "not sent within 0.5 s: nobody took it out of the spool"


async def test_what_is_being_sent_stays_and_is_found_again_by_its_name(spool):
    async with channel(**spool.options, timeout=1) as one:
        attempt = asyncio.create_task(one.send(message(to=PHONE)))
        await laid(spool)
        spool.take()
        doubt = await attempt
        again = asyncio.create_task(one.send(message(to=PHONE, unsure=True)))
        await asyncio.sleep(0.3)
        spool.end(good=True)
        taken = await again

    assert (doubt.fate, doubt.words) == (Fate.UNSURE, "not sent within 1 s")
    assert (taken.fate, taken.reference) == (Fate.TAKEN, NAME)


async def test_one_that_lay_there_before_a_kill_is_not_laid_again(spool):
    async with channel(**spool.options) as one:
        attempt = asyncio.create_task(one.send(message(to=PHONE)))
        await laid(spool)
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
    async with channel(**spool.options) as another:
        again = asyncio.create_task(another.send(message(to=PHONE)))
        await asyncio.sleep(0.3)
        count = spool.waiting()
        spool.take()
        spool.end(good=True)
        receipt = await again

    assert count == 1
    assert receipt.fate is Fate.TAKEN


async def test_one_that_failed_is_laid_again(spool):
    async with channel(**spool.options) as one:
        for good in (False, True):
            attempt = asyncio.create_task(one.send(message(to=PHONE)))
            await laid(spool)
            spool.take()
            spool.end(good=good)
            receipt = await attempt
            assert receipt.fate is (Fate.TAKEN if good else Fate.LATER)


async def test_one_that_is_gone_without_a_trace_is_not_sent_again_and_again(spool):
    async with channel(**spool.options) as one:
        attempt = asyncio.create_task(one.send(message(to=PHONE)))
        await laid(spool)
        spool.lose()
        receipt = await attempt

    assert receipt.fate is Fate.REFUSED
    assert receipt.words == "gone from the spool: does its daemon keep what it has sent?"


async def test_smstools_must_keep_what_it_has_sent():
    with smstools_spool() as folder:
        (folder / "sent").rmdir()
        async with channel(spooler="smstools", folder=folder) as one:
            receipt = await one.send(message(to=PHONE))
        laid = list((folder / "outgoing").iterdir())

    assert (receipt.fate, laid) == (Fate.LATER, [])
    assert "sent" in receipt.words


async def test_a_spool_that_is_not_there_is_a_matter_for_a_person(tmp_path):
    for options in (
        {"spooler": "smstools", "folder": tmp_path / "none"},
        {"spooler": "gammu", "database": tmp_path / "none.db"},
    ):
        async with channel(**options) as one:
            receipt = await one.send(message(to=PHONE))

        assert receipt.fate is Fate.LATER
        assert receipt.words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
async def test_a_spool_whose_tables_are_locked_for_long_is_waited_for_no_longer_than_we_have(tmp_path):
    database = tmp_path / "x.db"
    with contextlib.closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE outbox (x)")
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        async with channel(spooler="gammu", database=database, timeout=0.3) as one:
            receipt = await one.send(message(to=PHONE))
        took = time.monotonic() - began

    assert receipt.fate is not Fate.TAKEN
    assert took < 8


def test_a_file_says_what_smsd_needs_and_no_more(tmp_path):
    for name in ("outgoing", "checked", "sent", "failed"):
        (tmp_path / name).mkdir()
    spool = sms.SmstoolsSpool(tmp_path)
    parcel = sms.Parcel(NAME, "8613812345678", "断网", urgent=True, report=True)
    spool.lay(parcel)
    head, _, body = (tmp_path / "outgoing" / NAME).read_bytes().partition(b"\n\n")

    assert head.decode().splitlines() == [
        "To: 8613812345678", "Alphabet: UCS2", "Autosplit: 0", "Report: yes", "Priority: High",
    ]  # fmt: skip
    assert body.decode("utf-16-be") == "断网"
    assert [path.name for path in (tmp_path / "outgoing").iterdir()] == [NAME]


@pytest.mark.parametrize(
    ("said", "units"),
    [("断" * 70, 70), ("断" * 71, 70), ("😀" * 35, 70), ("😀" * 36, 69), ("a😀" * 40, 70)],
)
def test_a_message_is_never_split(said, units):
    short = sms._short(said)

    assert len(short.encode("utf-16-be")) // 2 == units
    assert short == said or short.endswith("…")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13812345678", "8613812345678"),
        ("+86 138-1234-5678", "8613812345678"),
        ("008613812345678", "8613812345678"),
        ("(0719) 8881234", "867198881234"),
        ("+4791234567", "4791234567"),
    ],
)
def test_a_number_without_a_country_is_of_ours(written, number):
    assert international(written, "86") == number


@pytest.mark.parametrize(
    "written", ["", "110", "+", "zhang", "+86138x", "1" * 20, "１３８１２３４５６７８", "138\n1"]
)
async def test_a_number_that_is_none_is_refused_and_not_told(written, tmp_path):
    async with channel(spooler="smstools", folder=tmp_path) as one:
        receipt = await one.send(message(to=written))

    assert (receipt.fate, receipt.words) == (Fate.REFUSED, "the officer's telephone number is none")


def put(path, text, age=10.0):
    path.write_bytes(text)
    os.utime(path, (time.time() - age,) * 2)


async def test_word_of_the_newest_message_with_that_number_is_the_one_and_of_others_stays():
    report = "From: 8613812345678\nSubject: GSM1\n\nSMS STATUS REPORT\nMessage_id: {}\nStatus: {}"
    with smstools_spool() as folder:
        for number, name in enumerate(("cm-old", "cm-new", "cm-another")):
            to = "8613812345678" if name != "cm-another" else "8613900000000"
            put(folder / "sent" / name, f"To: {to}\nMessage_id: 7\n\nx".encode(), 100 - number)
        for name, words in {
            "a": report.format(7, "0,Ok"),
            "b": report.format(8, "0,Ok"),
            "c": report.format(7, "48,still trying"),
            "d": "nonsense",
        }.items():
            put(folder / "report" / name, words.encode())
        async with channel(spooler="smstools", folder=folder) as one, listening(one) as heard:
            first = await soon(heard)
            async with asyncio.timeout(10):
                while (folder / "report" / "a").exists():
                    await asyncio.sleep(0.02)
        left = sorted(path.name for path in (folder / "report").iterdir())

    assert first == Delivered("cm-new", arrived=True, words="Ok")
    assert (heard.empty(), left) == (True, ["b", "c", "d"])


@pytest.mark.parametrize(
    ("mode", "user", "stuck"),
    [(0o3775, 1000, True), (0o2775, 1000, False), (0o3775, 114, False), (0o3775, 0, False)],
)
def test_folders_in_which_files_of_others_stick_are_known(mode, user, stuck):
    folder = os.stat_result((mode, 0, 0, 0, 114, 120, 0, 0, 0, 0))

    assert is_stuck(folder, user) is stuck


async def test_what_was_heard_stays_in_the_spool_until_it_is_recorded():
    with smstools_spool() as folder:
        put(folder / "incoming/a", b"From: 10086\nAlphabet: ISO\n\n1 ok")
        heard, recorded = [], asyncio.Event()

        async def hear(back):
            heard.append((back, (folder / "incoming/a").exists()))
            await recorded.wait()

        async with channel(spooler="smstools", folder=folder) as one:
            for _ in range(2):
                task = asyncio.create_task(one.run(hear))
                async with asyncio.timeout(10):
                    while not heard:
                        await asyncio.sleep(0.01)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            there = (folder / "incoming/a").exists()

    assert heard[0] == (Reply("+10086", "1 ok"), True)
    assert there


@pytest.mark.parametrize("options", [{}, {"spooler": "kannel"}, {"spooler": "gammu", "country": "+86"}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValidationError):
        Options(**options)
