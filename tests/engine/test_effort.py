"""effort: work beside the event loop is done, counted, and holds nobody up."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from monitor.engine.effort import Effort


@pytest.fixture
def threads():
    with ThreadPoolExecutor(1) as made:
        yield made


def burned(seconds):
    """Use so much of the processor; return the thread in which that was done."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return threading.get_ident()


async def test_the_loop_turns_while_something_is_worked_out_beside_it(threads):
    effort, goes_on = Effort(threads), threading.Event()
    working = asyncio.create_task(effort.beside(goes_on.wait, 10))
    await asyncio.sleep(0)
    goes_on.set()

    assert await working


async def test_what_is_done_in_the_loop_and_beside_it_is_added_up(threads):
    effort = Effort(threads)
    with effort:
        here = burned(0.02)
    there = await effort.beside(burned, 0.03)

    assert here != there
    assert effort.taken >= 0.05


async def test_an_error_beside_the_loop_is_raised_in_it(threads):
    with pytest.raises(ZeroDivisionError):
        await Effort(threads).beside(divmod, 1, 0)
