"""Secrets stay secret: passwords, tokens and people's telephone numbers are in nothing that is told."""

import asyncio
import contextlib
import signal

import pytest

from tests.mosquitto import mosquitto, needs_mosquitto
from tests.system.daemon import broker_at, daemon
from tests.system.ear import hearing, is_event, is_state, needs_sub
from tests.system.town import town

PASSWORD = "planted-password-3f9c"  # noqa: S105 - planted, to be looked for
TOKEN = "planted-token-71d2"  # noqa: S105
PHONE = "13907190042"
HASTY = {
    "detection": {"false_alarms_per_year": 90_000, "suspicions_per_year": 100_000},
    "log": {"level": "debug"},
}


@pytest.mark.server
@needs_mosquitto
@needs_sub
async def test_planted_secrets_and_phone_numbers_are_in_nothing_that_is_told(tmp_path):
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "token").write_text(f"Bearer {TOKEN}\n")
    async with (
        web() as (url, asked),
        town(tmp_path, **with_secrets(url, tmp_path / "token")) as built,
        mosquitto(tmp_path) as broker,
        hearing(broker) as ear,
        daemon(tmp_path, built.file, mqtt=login(broker, tmp_path), **HASTY) as one,
    ):
        await ear.until(is_state("online"))
        await ear.until(is_event(now="down"))
        built.file.write_text(built.file.read_text()[:-3])
        one.process.send_signal(signal.SIGHUP)
        await one.tells("daemon.reload_refused")
        pages = [await one.ask(page) for page in PAGES]
        await one.end()
        told = {
            "log": one.file.read_text(),
            "mqtt": "\n".join(f"{h.topic} {h.payload}" for h in ear.heard),
            "log of events": (tmp_path / "state" / "log-city.db").read_bytes().decode(errors="replace"),
            **dict(zip(PAGES, pages, strict=True)),
        }

    assert f"Bearer {TOKEN}" in asked[-1]
    assert f"'{login(broker, tmp_path)['username']}'" in broker.log(), broker.log()
    found = {(place, s) for place, text in told.items() for s in (PASSWORD, TOKEN, PHONE) if s in text}
    assert not found


PAGES = ("/metrics", "/api/v1/status", "/api/v1/events?after=0&timeout=1")


def login(broker, folder):
    return broker_at(broker.port, username="city", password_file=str(folder / "password"))


def with_secrets(url, token):
    """Return what a center has besides circuits: a page behind a token, and somebody to call."""
    look = {"kind": "http", "url": url, "authorization_file": str(token), "period": 0.5, "deadline": 0.5}
    return {
        "contacts": [{"name": "值班室", "phone": PHONE}],
        "devices": {"page": {"address": "127.0.0.1", "shared": True, "looks": {"web": look}}},
    }


@contextlib.asynccontextmanager
async def web():
    """Serve a page that refuses everybody and repeats what it was asked, as debug pages do."""
    asked = []

    async def answer(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            asked.append(head)
            reason = head.partition("uthorization: ")[2].partition("\r\n")[0]
            writer.write(f"HTTP/1.1 401 {reason}\r\nContent-Length: {len(head)}\r\n\r\n{head}".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", asked
