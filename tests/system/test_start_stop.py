"""The daemon as a process: it starts, ends when told, and says in one message why it cannot start."""

import asyncio
import signal
import socket
import sqlite3
from contextlib import closing

import pytest

from tests.mosquitto import mosquitto, needs_mosquitto
from tests.system.daemon import broker_at, daemon, refused, write_settings
from tests.system.ear import CARD, hearing, is_state, needs_sub, said
from tests.system.town import town


@pytest.mark.server
@needs_mosquitto
@needs_sub
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
async def test_a_signal_ends_it_in_good_order_and_no_check_is_called_down(tmp_path, number):
    async with (
        town(tmp_path) as built,
        mosquitto(tmp_path) as broker,
        hearing(broker) as ear,
        daemon(tmp_path, built.file, mqtt=broker_at(broker.port)) as one,
    ):
        await one.all_are("up")
        await ear.until(is_state("online"))
        for center in built.centers:
            built.cut(center)
        await built.looked_at(2)
        code = await one.end(number)
        heard = await ear.until(is_state("offline"))

    assert code == 0
    assert heard[-1].topic == CARD
    assert heard[-1].told["reason"] == "stopped"
    assert not one.told("belief.changed", now="down")
    assert not [h for h in heard if said(h, "health") == "down"]
    assert one.told("daemon.stopped")


async def test_what_makes_a_start_impossible_is_told_in_one_message_without_a_traceback(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        files = await wrong_files(tmp_path, port)
        answers = await asyncio.gather(*map(refused, files.values()))
    said = {name: text for name, (_, text) in zip(files, answers, strict=True)}

    assert {code for code, _ in answers} == {2}, answers
    assert not [text for text in said.values() if "Traceback" in text]
    assert f"127.0.0.1 port {port}" in said["port"], said["port"]
    assert "nowhere.yaml" in said["missing"]
    assert "moon" in said["vantage"]
    assert "bad.yaml:2" in said["inventory"]
    assert "centres" in said["inventory"]
    assert "state_dir" in said["folder"]
    assert "bad.yaml" in said["folder"]
    lines = {name: plain(text) for name, text in said.items()}
    assert {name: len(lines[name]) for name in ("port", "missing", "vantage", "folder")} == {
        "port": 1, "missing": 1, "vantage": 1, "folder": 1,
    }, lines  # fmt: skip


async def test_a_start_that_fails_leaves_the_state_of_the_earlier_run_as_it_is(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
            await one.all_are("up")
            await one.end()
        left = kept(tmp_path)
        code, _ = await refused(write_settings(tmp_path, built.file, taken.getsockname()[1]))

    assert code == 2
    assert left
    assert kept(tmp_path) == left


def kept(folder):
    """Return what the log has to say of checks and subjects, and all that happened."""
    with closing(sqlite3.connect(f"file:{folder}/state/log-city.db?mode=ro", uri=True)) as log:
        tables = ("SELECT * FROM checks", "SELECT * FROM statuses", "SELECT * FROM events")
        return [log.execute(table).fetchall() for table in tables]


async def wrong_files(folder, taken):
    """Return settings files that cannot be started from, by what is wrong with them."""
    async with town(folder) as built:
        bad = folder / "bad.yaml"
        bad.write_text("city: {zh: 十堰市}\ncentres: {}\n")
        return {
            "port": settings_in(folder / "port", built.file, taken),
            "missing": folder / "nowhere.yaml",
            "vantage": settings_in(folder / "vantage", built.file, 0, vantage="moon"),
            "inventory": settings_in(folder / "inventory", bad, 0),
            "folder": settings_in(folder / "folder", built.file, 0, state_dir=str(bad)),
        }


def settings_in(folder, inventory, port, **more):
    folder.mkdir()
    return write_settings(folder, inventory, port, **more)


def plain(text):
    """Return the lines that are no log records."""
    return [line for line in text.splitlines() if not line.startswith("{")]
