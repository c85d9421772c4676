"""Traces: which routers a packet passes on its way, and where the way ends.

`trace` sends packets whose time to live runs out at one router after the other and hears who says so. All
packets of a trace are of one flow (the same addresses and ports; of ICMP the same ident and checksum), so
that routers that balance load keep them on one path (Augustin et al., "Avoiding traceroute anomalies with
Paris traceroute", IMC 2006). The kernel hands ICMP errors to the socket that caused them (IP_RECVERR, ip(7)),
so UDP and TCP need no privilege, and ICMP none where ping sockets are allowed.

`path` holds the values, `window` decides what is sent next and when it is over (pure), `hearing` reads the
error queue, `flows` and `tcp` are the sockets, `tracer` is where time passes.
"""

from monitor.kit.trace.path import Bounds, Hop, Path
from monitor.kit.trace.tracer import Asked, Method, TraceError, trace

__all__ = ["Asked", "Bounds", "Hop", "Method", "Path", "TraceError", "trace"]
