"""Say something over one channel of the settings, at once and once, to see whether it works.

The running daemon has no part in it, and what comes back is left to it. Exit code 0: it was taken; 1: it was
not, or nobody knows. Neither the address nor the secret is shown.
"""

import argparse
import asyncio
import json
import time
import uuid
from pathlib import Path

from monitor.channels import load_channels
from monitor.config.words import nearest, one_of
from monitor.core.alarm import Address, Message, Severity
from monitor.errors import MonitorError
from monitor.kit.courier import Fate, Receipt
from monitor.kit.resolver import close_shared
from monitor.settings import load_settings
from monitor.settings.channels import ChannelSettings

HELP = "say something over one channel, to see whether it works"

_WANTED = {Address.PHONE: "a telephone number", Address.EMAIL: "an e-mail address"}
TEXT = "这是一条测试消息，请忽略。This is a test."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("channel", metavar="CHANNEL", help="its name in the settings")
    parser.add_argument("--to", metavar="ADDRESS", default="", help="a telephone number or an e-mail address")
    parser.add_argument("--text", default=TEXT, help="what to say, in one line of at most 70 characters")
    parser.add_argument("--severity", choices=[*map(str, Severity)], default="info", help="(%(default)s)")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Say it, and show what became of it."""
    settings = load_settings(args.settings)
    if (named := settings.channels.get(args.channel)) is None:
        guess = nearest(args.channel, settings.channels)
        hint = f" (did you mean {guess}?)" if guess else ""
        known = one_of(settings.channels, "a channel of the settings")
        raise MonitorError(f"found {args.channel!r}, expected {known}{hint}")
    wanted = load_channels()[named.kind].address
    if (wanted is Address.NONE) != (not args.to):
        other = "speaks to a place, so it takes no --to" if args.to else f"wants --to with {_WANTED[wanted]}"
        raise MonitorError(f"the channel {args.channel} {other}")
    folder = settings.file.resolve().parent if settings.file is not None else Path.cwd()
    began = time.monotonic()
    receipt = asyncio.run(_told(named, folder, _message(args)))
    _show(receipt, time.monotonic() - began, as_json=args.json)
    return 0 if receipt.fate is Fate.TAKEN else 1


async def _told(named: ChannelSettings, folder: Path, message: Message) -> Receipt:
    channel = named.open(folder)
    try:
        return await channel.send(message)
    finally:
        await channel.aclose()
        await close_shared()


def _message(args: argparse.Namespace) -> Message:
    key = f"tell/{args.channel}/{uuid.uuid4()}"
    return Message(key, args.to, "zh", Severity(args.severity), args.text, args.text, args.text)


def _show(receipt: Receipt, seconds: float, *, as_json: bool) -> None:
    said = {"fate": str(receipt.fate), "words": receipt.words, "reference": receipt.reference}
    if as_json:
        print(json.dumps(said | {"seconds": round(seconds, 3)}, ensure_ascii=False))
    else:
        print(" ".join(filter(None, said.values())), f"({seconds:.1f} s)")
