"""Show the city as the daemon sees it now: a table, live if wanted. Exit code 0: all is up; 1: it is not."""

import argparse
import asyncio
import json
import os
from collections.abc import Callable, Mapping
from contextlib import aclosing

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from monitor.board.client import DaemonClient, Document, daemon_at
from monitor.board.table import city_table, is_well
from monitor.core.sentence import WORDS
from monitor.errors import PeerError

HELP = "show the city in the terminal, from the running daemon"
REFRESH = 2.0
"""Seconds after which the live table is drawn anew though nothing happened: RTT and loss move."""
SETTLE = 0.1
"""Seconds in which further events are gathered before the live table is drawn."""
RETRY = 2.0

Show = Callable[[Document, str], None]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be told."""
    parser.add_argument("--url", default="http://127.0.0.1:9770", help="the daemon's API (%(default)s)")
    parser.add_argument("--watch", action="store_true", help="stay, and follow every change")
    parser.add_argument("--json", action="store_true", help="print the status document instead of the table")
    parser.add_argument("--lang", choices=sorted(WORDS), help="language of the table (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Show it, once or until interrupted."""
    console = Console(highlight=False)
    language = args.lang or language_of(os.environ, console.encoding)
    if args.watch:
        asyncio.run(_watch(args.url, console, language, as_json=args.json))
        return 0
    status = asyncio.run(_once(args.url))
    if args.json:
        print(_line(status))
    else:
        console.print(city_table(status, language))
    return 0 if is_well(status) else 1


def language_of(environment: Mapping[str, str], encoding: str) -> str:
    """Return the language to speak: Chinese, unless the locale is English or cannot show it."""
    told = next((environment[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(n)), "")
    shows_chinese = encoding.lower().startswith(("utf", "gb"))
    return "en" if told.startswith("en") or not shows_chinese else "zh"


async def follow(daemon: DaemonClient, show: Show) -> None:
    """Show the status now, after every event and every two seconds, until cancelled.

    Raises PeerError if there is no daemon at first; one that goes away later is waited for, and *show* is
    told why it has nothing new.
    """
    status, trouble = await daemon.status(), ""
    something = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_listen(daemon, something), name="status-events")
        while True:
            show(status, trouble)
            await _settled(something)
            try:
                status, trouble = await daemon.status(), ""
            except PeerError as error:
                trouble = str(error)


async def _once(url: str) -> Document:
    async with daemon_at(url) as daemon:
        return await daemon.status()


async def _watch(url: str, console: Console, language: str, *, as_json: bool) -> None:
    async with daemon_at(url) as daemon:
        if as_json or not console.is_terminal:
            await follow(daemon, _printer(console, language, as_json=as_json))
        else:
            with Live(console=console, screen=True, auto_refresh=False) as live:
                await follow(daemon, lambda now, why: live.update(_picture(now, why, language), refresh=True))


def _printer(console: Console, language: str, *, as_json: bool) -> Show:
    def show(status: Document, trouble: str) -> None:
        if as_json and not trouble:
            print(_line(status), flush=True)
        elif not as_json:
            console.print(_picture(status, trouble, language))

    return show


def _picture(status: Document, trouble: str, language: str) -> Group:
    return Group(city_table(status, language), Text(trouble and f"\n{trouble}", "bold yellow"))


def _line(status: Document) -> str:
    return json.dumps(status, ensure_ascii=False)


async def _listen(daemon: DaemonClient, something: asyncio.Event) -> None:
    """Set *something* whenever anything happened; a broken stream is taken up again."""
    while True:
        try:
            async with aclosing(daemon.changes()) as changes:
                async for _ in changes:
                    something.set()
        except PeerError:
            await asyncio.sleep(RETRY)


async def _settled(something: asyncio.Event) -> None:
    """Wait until something has happened and what came with it too, at most until the next refresh."""
    try:
        async with asyncio.timeout(REFRESH):
            await something.wait()
            await asyncio.sleep(SETTLE)
    except TimeoutError:
        pass
    something.clear()
