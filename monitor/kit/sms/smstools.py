"""The folders of smstools3 (its documentation, "SMS file format"): a file per message, moved as it goes.

A message goes from `outgoing` to `checked`, and from there to `sent` or `failed`, under the same name; word
of its arrival comes into `report`, and what others write into `incoming`.
"""

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from monitor.kit.sms.spool import FEW, PREFIX, Arrived, Found, Heard, Parcel, Stage

SETTLED = 1.0
"""Seconds after which a file that came is taken for whole."""
REMEMBERED = 8 * 86_400.0
"""Seconds for which word of a message may come: a network keeps it for a week."""
_MOST = 65_536
_MODE = 0o664
"""For all to read: smsd mostly runs in another group than that of its folders, and makes its own files so."""
_PATH = (
    ("outgoing", Stage.WAITING),
    ("checked", Stage.SENDING),
    ("sent", Stage.SENT),
    ("failed", Stage.FAILED),
)
"""In the order in which a file moves, so that one on its way is not overlooked."""
_SAME = (("Message_id", "Message_id"), ("To", "From"))
"""What a message and the word about it have in common."""
_STATUS = re.compile(r"([0-9]{1,3})\b,?(.*)")
_HEADER = re.compile(r"([A-Za-z_]+):[ \t]*(.*)")
_TRYING, _FAILED = 0x20, 0x40
"""TP-Status (3GPP TS 23.040, section 9.2.3.15): from the first it may still arrive, from the second not."""


class _File(NamedTuple):
    headers: dict[str, str]
    body: bytes


class SmstoolsSpool:
    """Files in the folders below *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._not_ours: set[str] = set()

    def lay(self, parcel: Parcel) -> Found:
        """Lay a file down, written aside and moved; one of this name that lies there is enough."""
        found = self.find(parcel.name)
        if found.stage is Stage.FAILED:
            (self._folder / "failed" / parcel.name).unlink(missing_ok=True)
        elif found.stage is not Stage.GONE:
            return found
        for kept in ("sent", "failed"):  # without them smsd throws away what it is done with
            (self._folder / kept).stat()
        outgoing = self._folder / "outgoing"
        aside = outgoing / f".{parcel.name}"
        with aside.open("wb") as file:
            os.fchmod(file.fileno(), _MODE)
            file.write(_written(parcel))
            file.flush()
            os.fsync(file.fileno())
        aside.rename(outgoing / parcel.name)
        return Found(Stage.WAITING)

    def find(self, name: str) -> Found:
        """Return where the file is."""
        for folder, stage in _PATH:
            path = self._folder / folder / name
            if path.exists():
                return Found(stage, _reason(path) if stage is Stage.FAILED else "")
        return Found(Stage.GONE)

    def withdraw(self, name: str) -> bool:
        """Take the file back while it lies in `outgoing`."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder / "outgoing" / name).unlink()
            return True
        return False

    def back(self) -> Sequence[Arrived | Heard]:
        """Return what lies in `report` and `incoming`; word of others' messages, or not the last, stays."""
        found: list[Arrived | Heard] = []
        for path in self._settled("report"):
            if (word := self._word(path)) is None:
                self._not_ours.add(path.name)
            else:
                found.append(word)
        for path in self._settled("incoming"):
            file = _read(path)
            found.append(Heard(f"incoming/{path.name}", _sender(file), _text(file)))
        return found

    def forget(self, token: str) -> None:
        """Remove the file."""
        (self._folder / token).unlink(missing_ok=True)

    def _settled(self, folder: str) -> Iterator[Path]:
        """Give the files of a folder that are whole and not known to be others', the oldest first."""
        place, until = self._folder / folder, time.time() - SETTLED
        if not place.is_dir():
            return
        if is_stuck(place.stat(), os.geteuid()):
            raise PermissionError(f"nothing can be removed from {place}: take its sticky bit away (chmod -t)")
        files = [path for path in place.iterdir() if path.is_file()]
        if folder == "report":
            self._not_ours &= {path.name for path in files}
            files = [path for path in files if path.name not in self._not_ours]
        aged = sorted((path.stat().st_mtime, path) for path in files)
        yield from (path for at, path in aged[:FEW] if at <= until)

    def _word(self, path: Path) -> Arrived | None:
        """Return what a status report says about a message of ours; None if it is about none."""
        file = _read(path)
        report = file.headers | _headers(file.body)
        status = _STATUS.fullmatch(report.get("Status", ""))
        if status is None or _TRYING <= int(status[1]) < _FAILED or (name := self._named(report)) is None:
            return None
        return Arrived(f"{path.parent.name}/{path.name}", name, int(status[1]) < _TRYING, status[2])

    def _named(self, report: dict[str, str]) -> str | None:
        """Return the newest message of ours that this is about: numbers come again after 256."""
        since = time.time() - REMEMBERED
        sent = ((path.stat().st_mtime, path) for path in (self._folder / "sent").glob(f"{PREFIX}*"))
        for _, path in sorted((one for one in sent if one[0] >= since), reverse=True):
            headers = _read(path).headers
            if all(headers.get(ours) == report.get(theirs) for ours, theirs in _SAME):
                return path.name
        return None


def is_stuck(folder: os.stat_result, user: int) -> bool:
    """Say whether *user* cannot remove files of others from *folder*: they would be heard for ever."""
    return bool(folder.st_mode & stat.S_ISVTX) and user not in {0, folder.st_uid}


def _written(parcel: Parcel) -> bytes:
    headers = {
        "To": parcel.number,
        "Alphabet": "UCS2",
        "Autosplit": "0",
        "Report": "yes" if parcel.report else "no",
        **({"Priority": "High"} if parcel.urgent else {}),
    }
    head = "".join(f"{key}: {value}\n" for key, value in headers.items())
    return f"{head}\n".encode() + parcel.text.encode("utf-16-be", "replace")


def _read(path: Path) -> _File:
    with path.open("rb") as file:
        head, _, body = file.read(_MOST).partition(b"\n\n")
    return _File(_headers(head), body)


def _headers(text: bytes) -> dict[str, str]:
    found = (_HEADER.fullmatch(line.strip()) for line in text.decode("latin-1").splitlines())
    return {one[1]: one[2] for one in found if one is not None}


def _sender(file: _File) -> str:
    sender = file.headers.get("From", "")
    return f"+{sender}" if sender.isdigit() else sender


def _text(file: _File) -> str:
    alphabet = file.headers.get("Alphabet", "").upper()
    if alphabet.startswith(("UCS", "CHI", "UNI")):
        return file.body.removesuffix(b"\n").decode("utf-16-be", "replace")
    try:
        return file.body.decode("utf-8")
    except ValueError:
        return file.body.decode("iso-8859-15")


def _reason(path: Path) -> str:
    with contextlib.suppress(OSError):
        return _read(path).headers.get("Fail_reason", "")
    return ""
