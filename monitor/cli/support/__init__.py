"""Pack what somebody needs to help from afar into one file: no secret, no number of a telephone in it.

Works whether the daemon runs or not. What could not be had is said in the file's own list, with the reason.
Look into it before you hand it on: what people call things, and addresses of the network, are in it.
"""

import argparse
import io
import json
import tarfile
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.cli.support.gathering import Piece, pieces, redactor
from monitor.errors import MonitorError
from monitor.settings import load_settings

HELP = "pack what somebody needs to help from afar, without secrets"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument(
        "target", metavar="TARGET", nargs="?", type=Path, help="file to make, or its folder (.)"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument(
        "--events", type=int, default=2000, metavar="N", help="so many of the latest events (%(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Make the file and say what is in it."""
    settings = load_settings(args.settings)
    now = datetime.fromtimestamp(time.time(), ZoneInfo(settings.timezone))
    target = args.target or Path()
    if target.is_dir():
        target /= f"command-monitor-support-{settings.vantage}-{now:%Y%m%d-%H%M%S}.tar.gz"
    found = list(pieces(settings, redactor(settings), args.events))
    try:
        pack(target, found, now.timestamp())
    except OSError as error:
        raise MonitorError(f"{target}: cannot be written: {error.strerror}") from error
    for piece in found:
        print(f"{piece.name:<24} {piece.trouble or f'{len(piece.content)} bytes'}")
    print(target)
    return 0


def pack(target: Path, found: Iterable[Piece], at: float) -> None:
    """Write the archive, readable by its owner alone."""
    listed = [{"name": one.name, "bytes": len(one.content), "trouble": one.trouble} for one in found]
    with target.open("xb") as file:
        target.chmod(0o600)
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            _add(archive, "list.json", json.dumps(listed, indent=1).encode(), at)
            for one in found:
                if one.content:
                    _add(archive, one.name, one.content, at)


def _add(archive: tarfile.TarFile, name: str, content: bytes, at: float) -> None:
    entry = tarfile.TarInfo(f"support/{name}")
    entry.size, entry.mtime, entry.mode = len(content), int(at), 0o600
    archive.addfile(entry, io.BytesIO(content))
