"""The pieces of a support file: each is gathered on its own, and a trouble with one costs no other."""

import asyncio
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPConnection
from importlib.metadata import distributions
from pathlib import Path

from monitor import __version__
from monitor.cli.doctor.examinations import examine
from monitor.config import profile_paths
from monitor.errors import MonitorError
from monitor.kit.redaction import Redactor
from monitor.settings import Settings, load_people
from monitor.store import log_file
from monitor.store.backup import reading

SECRET_FILE = re.compile(
    r"""\b(?:password|token|auth|privacy|community|credential|authorization)_file["']?\s*:\s*["']?([^"'\s,}]+)"""
)
"""What names a file with a secret, in any of our YAML files."""
JOURNAL = 20_000
"""Lines of the service's journal."""
UNITS = ("command-monitor.service",)
COLUMNS = ("position", "vantage", "boot", "seq", "at", "received_at", "kind", "subject", "data")
ASKED = ("/api/v1/status", "/api/v1/alarms", "/metrics")
PATIENCE = 10.0
LARGEST = 8 << 20
"""Bytes of a piece; of more the end is kept."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One member of the archive."""

    name: str
    content: bytes = b""
    trouble: str = ""
    """Why it is not there."""


def redactor(settings: Settings) -> Redactor:
    """Return what takes out everything secret that these settings, and all that they name, know of."""
    secrets = [text for path in _secret_files(settings) for text in _lines(path)]
    try:
        officers = list(load_people(settings).officers.values())
    except MonitorError:
        officers = []
    mails = (officer.email for officer in officers)
    return Redactor([*secrets, *mails], [officer.phone for officer in officers])


def pieces(settings: Settings, hide: Redactor, events: int) -> Iterator[Piece]:
    """Give every piece, with all that is secret taken out."""
    yield _piece("system.json", lambda: _json(hide.value(_system(settings))))
    yield _piece("doctor.json", lambda: _json(hide.value(_examined(settings))))
    for path in _files(settings):
        yield _piece(f"config/{path.name}", partial(_set_up, path, hide))
    for page in ASKED:
        name = f"{page.rpartition('/')[2]}.{'txt' if page == '/metrics' else 'json'}"
        yield _piece(name, partial(_said, settings, page, hide))
    yield _piece("events.jsonl", lambda: _events(settings, hide, events))
    yield _piece("log.txt", lambda: hide.lines(_journal()))


def _piece(name: str, make: Callable[[], str]) -> Piece:
    try:
        content = make().encode("utf-8", "replace")
    except Exception as error:  # noqa: BLE001 - whatever it is, the other pieces are wanted all the more
        return Piece(name, trouble=f"{type(error).__name__}: {error}")
    return Piece(name, content[-LARGEST:])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


# What is read from files.


def _files(settings: Settings) -> list[Path]:
    """Return the files that say how everything is set up."""
    named = [settings.file, settings.inventory, settings.roster, *profile_paths(settings.inventory).values()]
    return [path for path in dict.fromkeys(named) if path is not None and path.exists()]


def _secret_files(settings: Settings) -> Iterator[Path]:
    for file in _files(settings):
        for name in SECRET_FILE.findall(file.read_text("utf-8", "replace")):
            yield file.parent / name
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials:
        yield from Path(credentials).iterdir()


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return []
    return [text.strip(), *(line.strip() for line in text.splitlines())]


# What is asked.


def _system(settings: Settings) -> dict[str, object]:
    disk = shutil.disk_usage(settings.state_dir) if settings.state_dir.exists() else None
    return {
        "version": __version__,
        "python": sys.version,
        "system": platform.uname()._asdict(),
        "os_release": platform.freedesktop_os_release(),
        "time": time.time(),
        "clock_offset_unix_minus_monotonic": time.time() - time.monotonic(),
        "packages": sorted(f"{one.name}=={one.version}" for one in distributions()),
        "state_dir": str(settings.state_dir),
        "disk": disk._asdict() if disk is not None else None,
        "load": os.getloadavg(),
        "settings": settings.model_dump(mode="json"),
    }


def _examined(settings: Settings) -> list[dict[str, object]]:
    found = asyncio.run(examine(settings.file, time.time()))
    return [asdict(one) for one in found]


def _set_up(path: Path, hide: Redactor) -> str:
    return hide.yaml(path.read_text("utf-8", "replace"))


def _said(settings: Settings, page: str, hide: Redactor) -> str:
    """Ask the daemon for a page."""
    host = "127.0.0.1" if settings.http.listen in ("0.0.0.0", "::") else settings.http.listen  # noqa: S104
    with closing(HTTPConnection(host, settings.http.port, timeout=PATIENCE)) as daemon:
        daemon.request("GET", page)
        return hide.lines(daemon.getresponse().read(LARGEST).decode("utf-8", "replace"))


def _events(settings: Settings, hide: Redactor, most: int) -> str:
    log = log_file(settings.state_dir, settings.vantage)
    if not log.exists():
        raise FileNotFoundError(f"{log}: no log there")
    lines = []
    with closing(reading(log)) as connection:
        query = f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY position DESC LIMIT ?"  # noqa: S608 - ours
        for row in connection.execute(query, (most,)):
            told = dict(zip(COLUMNS, row, strict=True))
            told["data"] = json.loads(told["data"])
            lines.append(json.dumps(hide.value(told), ensure_ascii=False))
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return "\n".join([*reversed(lines), json.dumps({"quick_check": found})])


def _journal() -> str:
    asked = ["journalctl", "--no-pager", "--output=cat", f"--lines={JOURNAL}"]
    asked += [f"--unit={unit}" for unit in UNITS]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    return done.stdout
