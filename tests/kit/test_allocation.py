"""kit.allocation: a large block is mapped by itself, and what only refers to itself is freed."""

import asyncio
import ctypes
import gc
import subprocess
import sys
import weakref

import pytest

from monitor.kit.allocation import collect_now_and_then, take_as_lasting

PROGRAM = """
import ctypes
import sys
import weakref

from monitor.kit.allocation import give_back_large_blocks


class Usage(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


usage = ctypes.CDLL(None).mallinfo2
usage.restype = Usage
if sys.argv[1] == "asked":
    give_back_large_blocks()
bytes(8 << 20)
before = usage().hblks
kept = bytes(1 << 20)
print(usage().hblks - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only glibc can be asked")
@pytest.mark.parametrize(("asked", "mapped"), [("asked", "1"), ("left", "0")])
def test_a_large_block_is_mapped_by_itself_only_if_asked_for(asked, mapped):
    child = subprocess.run([sys.executable, "-c", PROGRAM, asked], capture_output=True, text=True, check=True)

    assert child.stdout.strip() == mapped


async def test_what_only_refers_to_itself_is_freed_without_being_asked_for():
    class Ring:
        """Refers to itself."""

    freed = asyncio.Event()
    ring = Ring()
    ring.itself = ring
    weakref.finalize(ring, freed.set)
    task = asyncio.create_task(collect_now_and_then(0.01))
    del ring
    async with asyncio.timeout(5):
        await freed.wait()
    task.cancel()


@pytest.fixture
def collector():
    """Lend the garbage collector, and leave it as it was."""
    thresholds = gc.get_threshold()
    yield gc
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_a_storm_of_new_things_has_no_full_collection_made(collector):
    def full():
        return collector.get_stats()[2]["collections"]

    take_as_lasting()
    before = full()
    new = [[] for _ in range(200_000)]

    assert full() == before
    assert len(new) == 200_000
