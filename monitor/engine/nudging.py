"""Looks at once at what has spoken up unasked: a trap says that it is worth it, and nothing else."""

import asyncio
import time
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from monitor.core.vitals import Vitals
from monitor.engine.scheduler import Scheduler
from monitor.engine.watch import Watch

QUIET = 1.0
"""Seconds for which an address that has had its looks is not heard again."""
AGAIN = 5.0
"""Seconds after which it is looked at once more: agents answer from memory for some (net-snmp for three)."""
MOST = 64
"""Looks that one nudge begins."""


class Nudger:
    """Knows which checks look at which address."""

    def __init__(self, vitals: Vitals, again: float = AGAIN) -> None:
        self.scheduler: Scheduler
        self._vitals = vitals
        self._again = again
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._watches: dict[str, list[Watch]] = {}
        self._nudged: dict[str, float] = {}

    def adopt(self, watches: Mapping[str, Watch]) -> None:
        """Know these checks and no others; those that look at a name are not found by address."""
        self._watches = {}
        for watch in watches.values():
            host = getattr(watch.check.look.options, "host", None)
            if isinstance(host, str):
                self._watches.setdefault(_plain(host), []).append(watch)
        self._add_words(watches)
        self._nudged = {host: at for host, at in self._nudged.items() if host in self._watches}

    def _add_words(self, watches: Mapping[str, Watch]) -> None:
        """Ask a router about its circuits also when an end of one speaks up: it is the router's port."""
        words: dict[str, list[Watch]] = {}
        for watch in watches.values():
            if (about := watch.check.look.about) is not None:
                words.setdefault(about.partition("/")[0], []).append(watch)
        for standing in self._watches.values():
            centers = {w.check.subject.partition("/")[0] for w in standing if _is_circuit(w.check.subject)}
            told = [word for center in centers for word in words.get(center, ())]
            standing += [word for word in told if word not in standing]

    def nudge(self, address: str) -> None:
        """Look now at all that stands at *address*, unless that has just been done, and once more later."""
        host, now = _plain(address), time.monotonic()
        if host not in self._watches:
            self._vitals.traps_of_strangers += 1
            return
        self._vitals.traps += 1
        if now - self._nudged.get(host, -QUIET) < QUIET:
            return
        self._nudged[host] = now
        if (waiting := self._later.get(host)) is not None:
            waiting.cancel()
        self._later[host] = asyncio.get_running_loop().call_later(self._again, self._look, host)
        self._look_at(host)

    def _look(self, host: str) -> None:
        del self._later[host]
        self._look_at(host)

    def _look_at(self, host: str) -> None:
        for watch in self._watches.get(host, ())[:MOST]:
            if not watch.flying:
                self.scheduler.put_at(watch, time.monotonic())


def _is_circuit(subject: str) -> bool:
    return subject.count("/") == 2  # noqa: PLR2004 - center, network, role


def _plain(host: str) -> str:
    """Return an address as the kernel writes it, one of IPv4 as such; a name as it is."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
