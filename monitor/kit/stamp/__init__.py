"""Simple Two-way Active Measurement Protocol: what becomes of packets on the way there and on the way back.

A sender stamps and numbers its packets, a reflector adds its own stamps and numbers: so each direction can be
told from the other (RFC 8762, unauthenticated mode, and the class-of-service TLV of RFC 8972; a reflector of
TWAMP Light, RFC 5357 appendix I, answers the same packets).

`packets` is the wire format (pure), `tally` what follows from the answers (pure), `sender` one burst through
one socket, `reflector` the other side, `wire` what both ask of the kernel.
"""

from monitor.kit.stamp.reflector import Counts, Network, Reflector
from monitor.kit.stamp.sender import Burst, Plan
from monitor.kit.stamp.tally import Seen, Tally, tally, variation

__all__ = ["Burst", "Counts", "Network", "Plan", "Reflector", "Seen", "Tally", "tally", "variation"]
