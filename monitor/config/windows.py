"""Planned work from what an inventory file says of it, and the mistakes that show only in the whole."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from monitor.config.schema import PlannedFile
from monitor.config.values import DAYS
from monitor.config.words import nearest
from monitor.core.planned import Once, Weekly, Window

LONGEST = timedelta(days=366)
"""What is open for longer is no planned work."""

Wrong = Callable[[tuple[str, ...], str, str, str], None]
"""Told of a mistake: path, what was found, what was expected, the nearest valid word."""


def windows(files: Mapping[str, PlannedFile], known: Collection[str], wrong: Wrong) -> dict[str, Window]:
    """Return the windows by id; *known*: the paths of everything that can be worked on."""
    found = {}
    for key, file in files.items():
        when = _when(key, file, wrong)
        _check_scope(key, file, known, wrong)
        if when is not None:
            found[key] = Window(key, tuple(file.what), when, file.document, file.note, file.who)
    return found


def _when(key: str, file: PlannedFile, wrong: Wrong) -> Once | Weekly | None:
    weekly, begin, end = file.weekly, file.from_, file.to
    if weekly is not None:
        days = frozenset(DAYS.index(day) for day in weekly.days)
        return Weekly(days, weekly.at, weekly.minutes)
    if begin is None or end is None:
        return None  # it was told
    if (begin.tzinfo is None) != (end.tzinfo is None):
        wrong(("planned", key, "to"), _shown(end), "a time with a zone just if `from` has one", "")
    elif end <= begin:
        wrong(("planned", key, "to"), _shown(end), f"a time after `from` ({_shown(begin)})", "")
    elif end - begin > LONGEST:
        wrong(("planned", key, "to"), _shown(end), "a time within a year of `from`", "")
    return Once(begin, end)


def _check_scope(key: str, file: PlannedFile, known: Collection[str], wrong: Wrong) -> None:
    for number, path in enumerate(file.what):
        at = ("planned", key, "what", str(number))
        if path not in known:
            words = "the path of something in this file that can be worked on"
            wrong(at, repr(path), words, nearest(path, known))
        elif path in file.what[:number]:
            wrong(at, f"{path!r} again", "each path once", "")


def _shown(at: datetime) -> str:
    return at.isoformat(" ", "minutes")
