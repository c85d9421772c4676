"""Logs with something in them, and ways to damage them."""

import contextlib
import sqlite3
import time
from pathlib import Path

from monitor.core.detection import Belief, Verdict
from monitor.core.health import Health, Status, SubjectKind
from monitor.core.learning import Learned
from monitor.core.record import Kept
from monitor.core.world import Event
from monitor.store.backup import reading
from monitor.store.batch import Batch, write
from monitor.store.database import connect
from monitor.store.migration import migrate

PAGE = 4096
SENTENCE = "丹江口市指挥中心 08:13:05 起至市网链路中断，主备电路均不通；仍可用：省网链路；报修 10000。"


def event(number, *, boot="b1", vantage="city", at=None, kind="status", received_at=None, **data):
    """Return an event as the daemon tells it of a circuit."""
    subject = f"center{number % 7}/city/primary"
    said = {"kind": "circuit", "was": "up", "now": "down", "suspected": False, "reason": "timeout"}
    said |= {"sentence": {"zh": SENTENCE, "en": SENTENCE}, **data}
    at = time.time() if at is None else at
    return Event(vantage, boot, number, at, kind, subject, said, number, received_at)


def kept(verdict=Verdict.UP):
    return Kept("mark", Belief(verdict, 1000.0, "ok"), Learned())


def status(subject, health=Health.UP):
    return Status(subject, SubjectKind.CENTER, health, 1000.0)


@contextlib.contextmanager
def writing(path: Path):
    """Give a connection that writes the log at *path*, made if need be."""
    engine = connect(path, writes=True, create=True)
    migrate(engine, path, lambda: None)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def append(connection, numbers, **more):
    with connection.begin():
        write(connection, Batch(events=[event(number) for number in numbers], **more))


def filled(path: Path, count=2000, first=1):
    """Write a log of *count* events; close it, so that all is in the one file."""
    with writing(path) as connection:
        append(connection, range(first, first + count))
    return path


def numbers(path: Path):
    """Return the positions of all events in a log, read as a stranger would."""
    with contextlib.closing(reading(path)) as connection:
        return [row[0] for row in connection.execute("SELECT position FROM events ORDER BY position")]


def asked(path: Path, query):
    with contextlib.closing(reading(path)) as connection:
        return connection.execute(query).fetchall()


def sound(path: Path):
    return asked(path, "PRAGMA integrity_check") == [("ok",)]


def overwrite(path: Path, place, content):
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def pages_of(path: Path, name, kind):
    """Return the numbers of the pages of a table that are of one kind: interior (5) or leaf (13)."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
    content = path.read_bytes()
    found, todo = [], [root]
    while todo:
        number = todo.pop()
        page = content[(number - 1) * PAGE : number * PAGE]
        if page[0] == kind:
            found.append(number)
        if page[0] == 5:
            cells = int.from_bytes(page[3:5], "big")
            places = [int.from_bytes(page[12 + 2 * i : 14 + 2 * i], "big") for i in range(cells)]
            todo += [int.from_bytes(page[at : at + 4], "big") for at in places]
            todo.append(int.from_bytes(page[8:12], "big"))
    return sorted(found)
