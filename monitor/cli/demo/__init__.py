"""Watch a simulated Shiyan lose a center and get it back: no root, no servers, nothing outside this machine.

City, broker and daemon run in this process, on loopback; the daemon is the real one and looks at real
sockets. Ends with Ctrl-C, or with --once after one outage: exit code 0 if it was told and so was its end.
"""

import argparse
import asyncio
import io
import os
import sys

from rich.console import Console

from monitor.cli.demo.play import CUT_AT, MENDED_AT, play
from monitor.cli.demo.stage import WIDE
from monitor.cli.status import language_of
from monitor.core.sentence import WORDS
from monitor.kit.log import configure
from monitor.simulator.faults import outage

HELP = "watch a simulated city lose a center and get it back"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be told."""
    parser.add_argument("--once", action="store_true", help="one outage, then exit: 0 if all of it was told")
    parser.add_argument(
        "--cut",
        default="danjiangkou",
        metavar="SUBJECT",
        help="what is cut: a center, a link (yunyang/city) or a circuit (yunyang/city/primary); %(default)s",
    )
    parser.add_argument("--lang", choices=sorted(WORDS), help="language of the table (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Play until interrupted, or once."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Chinese shall still show the rest
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
    language = args.lang or language_of(os.environ, console.encoding)
    script = outage(args.cut, at=CUT_AT, until=MENDED_AT)
    log = configure("error", "console")
    try:
        return asyncio.run(play(args.cut, script, console, language, once=args.once))
    finally:
        log.close()
