"""What the demo shows: lines as things happen and, on a terminal, the living table below them."""

import asyncio
import json
import shlex
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from monitor.app import App
from monitor.board.api import document
from monitor.board.table import city_table
from monitor.core.sentence import WORDS
from monitor.settings import Settings
from monitor.simulator.faults import Fault
from monitor.simulator.witness import Payload

WIDE = 140
"""Columns where there is no terminal to ask."""
REDRAWN = 0.25
"""Seconds between two drawings of the living table."""
KEYS = ("health", "reason", "suspected", "active", "since_iso")
"""What is shown of a status message; the rest is in the documentation."""


class Stage:
    """Prints what happens around one subject."""

    def __init__(self, app: App, settings: Settings, console: Console, language: str, subject: str) -> None:
        self._app = app
        self._console = console
        self._language = language
        self._zone = ZoneInfo(settings.timezone)
        self._mqtt = settings.mqtt
        self._subject = subject
        self._shown: dict[str, tuple[object, object]] = {}
        self._open = False

    def open(self) -> None:
        """Say what there is and where; from now on messages are printed."""
        address, world = self._app.board.address, self._app.world
        self.say(
            "hello", centers=len(world.inventory.centers), checks=len(world.checks), mqtt=self._mqtt.port
        )
        self.say("look", program=_program(sys.argv[0]), http=address[1] if address else 0)
        self._open = True
        self.table()

    async def draw(self) -> None:
        """Keep the table alive until cancelled, on a terminal."""
        if not self._console.is_terminal:
            await asyncio.Event().wait()
        with Live(console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(self._table(), refresh=True)
                    await asyncio.sleep(REDRAWN)
            finally:
                live.update(self._table(), refresh=True)

    def table(self) -> None:
        """Print the table as it is now, where none is living."""
        if not self._console.is_terminal:
            self._console.print(self._table())

    def say(self, what: str, **facts: object) -> None:
        """Print one of the sentences above."""
        self._line(WORDS[self._language].demo[what].format(**facts), "bold")

    def done(self, subject: str, fault: Fault) -> None:
        """Print a step of the script."""
        self.say("cut" if fault.severs else "mended", subject=subject)

    def hear(self, topic: str, payload: Payload) -> None:
        """Print a message as the broker brought it, and of an event the sentence."""
        if topic == "event":
            self._read_out(payload)
            return
        shown = (payload["health"], payload["suspected"])
        news = self._shown.get(topic) != shown
        self._shown[topic] = shown
        if news and self._open and payload["kind"] != "device" and related(payload["subject"], self._subject):
            short = {key: payload[key] for key in KEYS if payload.get(key) is not None}
            self._line(f"MQTT {self._mqtt.root}/{topic} {json.dumps(short, ensure_ascii=False)}")

    def _read_out(self, event: Payload) -> None:
        """Print the sentence that tells our subject's outage or its end, in every language."""
        said = event["data"].get("sentence")
        if said and event["subject"] == self._subject and event["data"].get("now") in ("down", "up"):
            self.say("told")
            for language in WORDS:
                self._line(f"  {said[language]}", "yellow")

    def _line(self, text: str, style: str = "") -> None:
        now = datetime.now(self._zone).strftime("%H:%M:%S")
        self._console.print(Text.assemble((f"{now} ", "dim"), (text, style)))

    def _table(self) -> RenderableType:
        status = document(self._app.world, self._app.engine.vitals, time.time())
        return city_table(status, self._language, self._zone)


def _program(called: str) -> str:
    """Return what to type to run this program again, found on PATH or not."""
    if Path(called).name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m monitor"
    return shlex.quote(called)


def related(one: str, other: str) -> bool:
    """Tell whether one subject is the other, or lies above or below it."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
