"""What people have reported, as lines below the table: what answered, until when that holds, what is due."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from monitor.board.columns import hanging
from monitor.board.teller import SIGNS, Teller
from monitor.core.report_news import standing_clauses

Item = Mapping[str, Any]
HEALTHS: Mapping[str, str] = {"ok": "up", "degraded": "degraded", "failed": "down"}
"""The health whose sign stands for a state that holds."""


def report_lines(status: Item, teller: Teller, width: int) -> Iterator[Text]:
    """Give the roll-calls of a status document, for a terminal of *width* cells."""
    reports = status.get("reports", ())  # a daemon of an earlier version tells none
    if reports:
        yield Text("")
        yield Text(f"{teller.words.report['heading']} ({len(reports)})", "bold")
    for facts in reports:
        yield from report_line(facts, teller, width)


def report_line(facts: Item, teller: Teller, width: int) -> Iterator[Text]:
    """Give how one roll-call stands, behind its sign."""
    words = teller.words
    told = words.comma.join(standing_clauses(facts, teller.zone, words))
    sign = SIGNS["unknown" if facts["due"] else HEALTHS[facts["state"]]]
    return hanging(Text(*sign), Text(f"{teller.called(facts['name'])}{words.colon}{told}"), width)
