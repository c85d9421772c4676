"""sms over a real daemon: an officer gets one message, its arrival is known, an answer takes it on."""

import asyncio
import contextlib

import pytest

from monitor.kit.local import ask
from tests.channels.modem import modem
from tests.channels.spools import gammu_smsd, gammu_spool, smsd, smstools_spool
from tests.channels.test_sms import needs_gammu, needs_smsd
from tests.system.daemon import daemon
from tests.system.lives import DETECTION
from tests.system.town import town

ROSTER = """
officers:
  zhang: {name: 张伟, phone: 13900000001}
leaders: [zhang]
shifts:
  all: {from: "00:00", to: "00:00", officers: [zhang], since: 2026-01-01}
plans:
  quick:
    steps:
      - {tell: duty, over: modem}
    repeat: 0
"""
CIRCUIT = "dan/city/primary"
PHONE = "+8613900000001"


def settings(tmp_path, channel):
    (tmp_path / "roster.yaml").write_text(ROSTER, encoding="utf-8")
    channels = {"modem": {"kind": "sms", "per_minute": 0} | channel}
    detection = DETECTION | {"hold": 1}
    return {"roster": str(tmp_path / "roster.yaml"), "channels": channels, "detection": detection}


async def rungs(one):
    listed = await asyncio.to_thread(ask, one.folder / "state" / "control-city.sock", {"order": "alarm/list"})
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
                    lambda: [(one.number, one.text) for one in air.sent],
                    lambda: air.reports(air.sent[0], 0),
                    air.receives,
                )


@contextlib.asynccontextmanager
async def by_gammu():
    """Lend the same of Gammu."""
    with gammu_spool() as tables, gammu_smsd(tables):
        yield (
            {"spooler": "gammu", "database": str(tables.database)},
            lambda: tables.run("SELECT DestinationNumber, TextDecoded FROM sentitems"),
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
    async with (
        way() as (channel, sent, report, answer),
        town(tmp_path) as built,
        daemon(tmp_path, built.file, **settings(tmp_path, channel)) as one,
    ):
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = True
        await stands(one, "handed_over")
        report()
        await stands(one, "delivered")
        await asyncio.to_thread(answer, PHONE, "1 收到")
        await stands(one, "acknowledged")
        told, log = sent(), one.file.read_text()

    [(number, text)] = told
    assert number.lstrip("+") == PHONE[1:]
    assert 10 < len(text.encode("utf-16-be")) // 2 <= 70
    assert "13900000001" not in log
