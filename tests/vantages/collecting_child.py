"""A collector with a real log, as a process of its own that can be killed.

python -m tests.vantages.collecting_child PORT FOLDER
"""

import asyncio
import sys
from pathlib import Path

from tests.vantages.collect_ground import city, collecting, on_disk


async def main() -> None:
    port, folder = sys.argv[1:]
    async with (
        on_disk(Path(folder)) as archive,
        collecting(int(port), archive, inventory=city("danjiangkou")) as collector,
    ):
        await collector.task


if __name__ == "__main__":
    asyncio.run(main())
