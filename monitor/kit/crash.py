"""Named points at which this process can be made to die as in a power cut, to see what survives.

`COMMAND_MONITOR_CRASH=before_commit:50` in the environment kills it, with SIGKILL, when it comes to that
point for the 50th time. Without the variable a point costs one comparison.
"""

import itertools
import os
import signal

VARIABLE = "COMMAND_MONITOR_CRASH"
"""Names the point in the environment and, after a colon, the hit that kills: by default the first."""

_name, _, _nth = os.environ.get(VARIABLE, "").partition(":")
_fatal = int(_nth or 1)
_hits = itertools.count(1)


def point(name: str) -> None:
    """Die here, if this is the point and the hit that were asked for; safe to call from any thread."""
    if name == _name and next(_hits) == _fatal:
        os.kill(os.getpid(), signal.SIGKILL)
