"""sms over a real daemon: an officer gets one message, its arrival is known, an answer takes it on."""

import asyncio
import contextlib

import pytest

from tests.channels.modem import modem
from tests.channels.spools import gammu_smsd, gammu_spool, smsd, smstools_spool
from tests.channels.test_sms import needs_gammu, needs_smsd
from tests.system.duty_heard import by_modem
from tests.system.duty_scenario import CIRCUIT, CIRCUITS_ALONE, Terms, duty, order

MODEM = "\n      - {tell: duty, over: modem}\n    repeat: 0\n"
PHONE = "+8613900000001"
SENT = "SELECT DestinationNumber, TextDecoded, unixepoch(SendingDateTime) FROM sentitems"


async def rungs(one):
    listed = await order(one, order="alarm/list")
    return [notice["rung"] for alarm in listed["alarms"] for notice in alarm["notices"]]


async def stands(one, rung):
    async with asyncio.timeout(40):
        while await rungs(one) != [rung]:
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def by_smstools():
    """Lend the channel's options, what was sent, and how a report and an answer come."""
    with smstools_spool() as folder:
        async with modem() as air:
            with smsd(folder, air):
                yield (
                    {"spooler": "smstools", "folder": str(folder)},
                    lambda: [(one.number, one.text, one.at) for one in air.sent],
                    lambda: air.reports(air.sent[0], 0),
                    air.receives,
                )


@contextlib.asynccontextmanager
async def by_gammu():
    """Lend the same of Gammu."""
    with gammu_spool() as tables, gammu_smsd(tables):
        yield (
            {"spooler": "gammu", "database": str(tables.database)},
            lambda: tables.run(SENT),
            lambda: tables.reports(PHONE, "Delivered"),
            tables.receives,
        )


@pytest.mark.long
@pytest.mark.parametrize(
    "way",
    [
        pytest.param(by_smstools, marks=needs_smsd, id="smstools"),
        pytest.param(by_gammu, marks=needs_gammu, id="gammu"),
    ],
)
async def test_an_officer_is_told_once_by_a_modem_and_answers_by_it(way, tmp_path):
    async with way() as (options, sent, report, answer):
        channels = {"modem": {"kind": "sms", "per_minute": 0} | options}
        heard = {"modem": lambda log: by_modem(((at, text) for _, text, at in sent()), log.by_code())}
        paced = Terms(untimed={"modem"})  # the spooler looks when it likes
        whole = duty(tmp_path, channels, heard, paced, rules=CIRCUITS_ALONE, steps=MODEM)
        async with whole as (one, built):
            await one.all_are("up")
            built.echoes[CIRCUIT].silent = True
            await stands(one, "handed_over")
            report()
            await stands(one, "delivered")
            await asyncio.to_thread(answer, PHONE, "1 收到")
            await stands(one, "acknowledged")
            told, log = sent(), one.file.read_text()

    [(number, text, _)] = told
    assert number.lstrip("+") == PHONE[1:]
    assert 10 < len(text.encode("utf-16-be")) // 2 <= 70
    assert "13900000001" not in log
