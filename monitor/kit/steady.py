"""Wall time that passes evenly: a clock that is set changes nothing that is under way."""

import time
from collections.abc import Callable


def steady(
    wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
) -> Callable[[], float]:
    """Return a clock, Unix seconds, that began as the system's and goes on by the monotonic one."""
    begin = wall() - monotonic()
    return lambda: begin + monotonic()
