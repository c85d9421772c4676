"""What a person's answer to a message says: which alarms they take on."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.alarm.desk import Desk
from monitor.core.alarm.model import Alarm

ALL = re.compile(r"\ball\b|全部|都确认")
YES = re.compile(r"\b(ok|yes|y|ack|1)\b|确认|收到|知道|明白|好的|^[好是]$")
NO = re.compile(r"[不没未否]|\b(no|not)\b")
"""Makes an answer without a code unclear, whatever else it says."""
CODE = re.compile(r"(?<!\d)(\d{4})(?!\d)([a-z]{0,3})(?![a-z])")
SAME = 8
"""Last digits by which two telephone numbers are held to be one: country codes are written or left out."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What an answer means."""

    alarms: tuple[Alarm, ...] = ()
    unclear: bool = False
    """It names nothing that is open, or could mean several alarms."""


def meant(text: str, officer: str, desk: Desk) -> Meant:
    """Return which alarms an officer's answer takes on; a code may name one that they were not told of."""
    said = unicodedata.normalize("NFKC", text).strip().lower()
    named = [desk.find(number + letter) for number, letter in CODE.findall(said)]
    found = tuple(dict.fromkeys(one.id for one in named if one is not None))
    if found:
        return Meant(tuple(desk.alarms[name] for name in found))
    waiting = [] if NO.search(said) else desk.unanswered(officer)
    if ALL.search(said) and waiting:
        return Meant(tuple(waiting))
    if not CODE.search(said) and YES.search(said) and len(waiting) == 1:
        return Meant(tuple(waiting))
    return Meant(unclear=True)


def sender(address: str, officers: Sequence[tuple[str, str]]) -> str | None:
    """Return whose address this is, of pairs of officer and address; None: nobody's, or more than one's.

    Telephone numbers are the same if their last digits are; all else is compared as it stands.
    """
    digits = _digits(address)
    if len(digits) >= SAME and "@" not in address:
        same = [one for one, known in officers if _digits(known)[-SAME:] == digits[-SAME:]]
    else:
        same = [one for one, known in officers if known and known.lower() == address.strip().lower()]
    return same[0] if len(set(same)) == 1 else None


def _digits(text: str) -> str:
    return "".join(one for one in text if one in "0123456789")
