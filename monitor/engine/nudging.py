"""Looks at once at what has spoken up unasked: a trap says that it is worth it, and nothing else."""

import time
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from monitor.core.vitals import Vitals
from monitor.engine.scheduler import Scheduler
from monitor.engine.watch import Watch

QUIET = 1.0
"""Seconds for which an address that has had its looks is not heard again."""
MOST = 64
"""Looks that one nudge begins."""


class Nudger:
    """Knows which checks look at which address."""

    def __init__(self, vitals: Vitals) -> None:
        self.scheduler: Scheduler
        self._vitals = vitals
        self._watches: dict[str, list[Watch]] = {}
        self._nudged: dict[str, float] = {}

    def adopt(self, watches: Mapping[str, Watch]) -> None:
        """Know these checks and no others; those that look at a name are not found by address."""
        self._watches = {}
        for watch in watches.values():
            host = getattr(watch.check.look.options, "host", None)
            if isinstance(host, str):
                self._watches.setdefault(_plain(host), []).append(watch)
        self._nudged = {host: at for host, at in self._nudged.items() if host in self._watches}

    def nudge(self, address: str) -> None:
        """Look now at all that stands at *address*, unless that has just been done."""
        host, now = _plain(address), time.monotonic()
        watches = self._watches.get(host)
        if watches is None:
            self._vitals.traps_of_strangers += 1
            return
        self._vitals.traps += 1
        if now - self._nudged.get(host, -QUIET) < QUIET:
            return
        self._nudged[host] = now
        for watch in watches[:MOST]:
            if not watch.flying:
                self.scheduler.put_at(watch, now)


def _plain(host: str) -> str:
    """Return an address as the kernel writes it, one of IPv4 as such; a name as it is."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
