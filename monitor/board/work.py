"""What is being worked on, as lines below the table: what, until when, on whose order."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.text import Text

from monitor.board.columns import hanging
from monitor.board.teller import SIGNS, Teller

NAMED = 3
"""So many things are named in a line; of more it is also said how many they are."""

Item = Mapping[str, Any]


def work_lines(status: Item, teller: Teller, width: int) -> Iterator[Text]:
    """Give the planned work that is under way, for a terminal of *width* cells."""
    planned = status.get("planned", ())  # a daemon of an earlier version tells none
    if planned:
        yield Text("")
        yield Text(f"{teller.words.reason['planned']} ({len(planned)})", "bold")
    for work in planned:
        yield from hanging(Text(*SIGNS["maintenance"]), Text(_sentence(work, teller)), width)


def _sentence(work: Item, teller: Teller) -> str:
    words = teller.words
    names = words.comma.join(map(teller.called, work["names"][:NAMED]))
    if len(work["names"]) > NAMED:
        names = words.planned["more"].format(names=names, count=len(work["names"]))
    end, now = (datetime.fromtimestamp(at, teller.zone) for at in (work["to"], teller.now))
    until = f"{end:%H:%M}" if end.date() == now.date() else f"{end:%m-%d %H:%M}"
    papers = [words.planned[key].format(**{key: work[key]}) for key in ("document", "note") if work[key]]
    what = words.incident["and"].join([names, words.planned["under_way"].format(end=until)])
    return words.semicolon.join([what, *papers]) + words.sentence["end"]
