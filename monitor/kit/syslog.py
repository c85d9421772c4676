"""One entry of a system log, as it goes over the wire (RFC 5424) and into this machine's own socket."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from monitor.kit.text import clean

Facility = Literal[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]  # fmt: skip
"""In the order of their numbers (RFC 5424, section 6.2.1)."""
FACILITIES: tuple[Facility, ...] = get_args(Facility)
ENTERPRISE = 32473
"""The number kept for examples (RFC 5612): whoever reads our facts knows them by the name before it."""
MOST_FACTS = 16

_NAME = re.compile(r"[!#-<>-\\^-~]{1,32}")
_SPECIAL = re.compile(r'(["\\\]])')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ESCAPED = r"\\\1"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is logged."""

    facility: Facility
    level: int
    """0 emergency to 7 debug."""
    at: datetime
    host: str
    app: str
    process: int
    name: str
    """Of this kind of message."""
    facts: Mapping[str, str]
    text: str
    """One line."""

    def wire(self, most: int) -> bytes:
        """Return it as RFC 5424 says, in at most *most* octets: what is too long is cut off."""
        at = self.at.isoformat(timespec="milliseconds")
        host = re.sub(r"[^!-~]", "-", self.host)[:255] or "-"
        head = f"<{self._priority}>1 {at} {host} {self.app} {self.process} {self.name} {self._structured()} "
        return _cut(f"{head}\ufeff{self.text}", most)

    def local(self, now: time.struct_time, most: int) -> bytes:
        """Return it as the socket of a Linux machine takes it: RFC 3164 without a host, at *now*."""
        at = f"{_MONTHS[now.tm_mon - 1]} {now.tm_mday:2} {now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02}"
        head = f"<{self._priority}>{at} {self.app}[{self.process}]: "
        return _cut(f"{head}{self.text} {self._structured()}", most)

    @property
    def _priority(self) -> int:
        return FACILITIES.index(self.facility) * 8 + self.level

    def _structured(self) -> str:
        """Return the facts as structured data (section 6.3); those whose name cannot be one are left out."""
        named = [(key, value) for key, value in self.facts.items() if _NAME.fullmatch(key)][-MOST_FACTS:]
        told = (f'{key}="{_SPECIAL.sub(_ESCAPED, clean(value))}"' for key, value in named)
        return f"[{' '.join((f'{self.name}@{ENTERPRISE}', *told))}]"


def framed(entry: bytes) -> bytes:
    """Return an entry for a stream, its length before it (RFC 6587, section 3.4.1; RFC 5425, section 4.3)."""
    return b"%d %s" % (len(entry), entry)


def _cut(text: str, most: int) -> bytes:
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore").encode()
