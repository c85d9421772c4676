"""What tests of child processes share: whether one still runs, and patience until something holds."""

import asyncio
import contextlib
from pathlib import Path

PATIENCE = 5.0


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def runs(pid):
    """Say whether a process runs; one that is dead, and of which nobody has taken leave, does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    return False
