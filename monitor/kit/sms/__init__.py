"""Short messages by a modem that another daemon drives: laid into its spool, and followed from there.

smstools3 and Gammu each have a spool of their own; both are used in the same way. What is called by a *name*
here is one message, for ever: one that lies there already is never laid down a second time.
"""

from monitor.kit.sms.gammu import GammuSpool
from monitor.kit.sms.number import international
from monitor.kit.sms.smstools import SmstoolsSpool
from monitor.kit.sms.spool import Arrived, Found, Heard, Parcel, Spool, Stage

__all__ = [
    "Arrived",
    "Found",
    "GammuSpool",
    "Heard",
    "Parcel",
    "SmstoolsSpool",
    "Spool",
    "Stage",
    "international",
]
