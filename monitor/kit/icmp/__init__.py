"""Pings by the thousand: one socket per source, no task, future or timer per ping.

`Engine` sends echo requests to prepared `Target`s in batches and tells by callback how each ended:
answered, missed (a `Miss` says why and whose trouble it was) or, after it had been given up, late.
Round-trip times come from the kernel's receive stamps, so a loop that wakes late spoils none. Raw sockets
are used where allowed, unprivileged ping sockets otherwise; a miss says what to do where neither is.

`packets` is the wire format (pure), `reasons` the words, `sockets` how a socket is opened and what it
filters, `channel` one socket and its mending, `pool` all of them, `targets` what is known of an address
beforehand, `clock` brings kernel stamps to the monotonic clock, `deadlines` says what is overdue, `engine`
does the rest.
"""

from monitor.kit.icmp.engine import LATE, Engine
from monitor.kit.icmp.packets import SIZE_MAX, SIZE_MIN
from monitor.kit.icmp.reasons import OURS, THEIRS, Miss
from monitor.kit.icmp.sockets import PingForbiddenError
from monitor.kit.icmp.targets import Target, way_to

__all__ = [
    "LATE",
    "OURS",
    "SIZE_MAX",
    "SIZE_MIN",
    "THEIRS",
    "Engine",
    "Miss",
    "PingForbiddenError",
    "Target",
    "way_to",
]
