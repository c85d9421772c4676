"""runner: a deadline for every look, a finding for every mishap, and a place for so many at once."""

import asyncio
import functools

import pytest

from monitor.core.observation import Outcome, failed, ok
from monitor.engine.runner import Runner, look_with, observe


async def well():
    return ok()


async def silent():
    await asyncio.Event().wait()


async def broken():
    raise LookupError("oops\r\nFAKE")


async def times_out_by_itself():
    raise TimeoutError


async def cancels_itself():
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("look", "outcome", "reason"),
    [
        pytest.param(well, Outcome.OK, "ok", id="what-it-found"),
        pytest.param(silent, Outcome.FAILED, "timeout", id="silence-is-a-failure"),
        pytest.param(broken, Outcome.UNKNOWN, "probe_error", id="a-bug-is-unknown"),
        pytest.param(times_out_by_itself, Outcome.UNKNOWN, "probe_error", id="a-timeout-of-its-own-is-a-bug"),
        pytest.param(cancels_itself, Outcome.UNKNOWN, "probe_error", id="so-is-a-cancellation-of-its-own"),
    ],
)
async def test_every_look_ends_in_a_finding(look, outcome, reason):
    finding, took = await observe(look, 0.05)

    assert (finding.outcome, finding.reason) == (outcome, reason)
    assert took >= 0


async def test_the_detail_of_a_bug_is_fit_for_people():
    finding, _ = await observe(broken, 1)

    assert "\n" not in finding.detail
    assert "oops" in finding.detail


async def test_a_deadline_of_no_time_is_a_timeout_not_an_error():
    finding, _ = await observe(silent, 0)

    assert finding.reason == "timeout"


async def test_cancellation_from_outside_passes_through():
    task = asyncio.create_task(observe(silent, 60))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


class Ledger:
    def __init__(self):
        self.lines = []
        self.changed = asyncio.Event()

    def done(self, key, sent_at, finding, took):
        self.lines.append((key, sent_at, finding, took))
        self.changed.set()

    @property
    def keys(self):
        return [key for key, *_ in self.lines]

    async def reaches(self, count):
        async with asyncio.timeout(5):
            while len(self.lines) < count:
                self.changed.clear()
                await self.changed.wait()


class Doors:
    """Looks that end when their door is opened."""

    def __init__(self):
        self.doors = {}
        self.begun = []

    async def look(self, key):
        self.begun.append(key)
        await self.door(key).wait()
        return ok()

    def door(self, key):
        return self.doors.setdefault(key, asyncio.Event())


async def test_a_finding_comes_with_its_key_and_its_times():
    runner, ledger = Runner(), Ledger()
    now = asyncio.get_running_loop().time()
    runner.start("a", well, 1, ledger.done)
    await ledger.reaches(1)

    key, sent_at, finding, took = ledger.lines[0]
    assert (key, finding) == ("a", ok())
    assert now <= sent_at < now + 1
    assert 0 <= took < 1


async def test_so_many_at_once_and_the_others_in_the_order_they_came():
    runner, ledger, doors = Runner(at_once=2), Ledger(), Doors()
    for key in "abcd":
        runner.start(key, functools.partial(doors.look, key), 5, ledger.done)
    await asyncio.sleep(0)
    crowd = (runner.in_flight, runner.waiting, list(doors.begun))
    for key in "bcad":
        doors.door(key).set()
    await ledger.reaches(4)
    await asyncio.sleep(0)

    assert crowd == (2, 2, ["a", "b"])
    assert doors.begun == ["a", "b", "c", "d"]
    assert (runner.in_flight, runner.waiting) == (0, 0)


async def test_the_deadline_counts_from_the_beginning_of_the_look_not_from_the_queue():
    runner, ledger, doors = Runner(at_once=1), Ledger(), Doors()
    runner.start("slow", functools.partial(doors.look, "slow"), 0.2, ledger.done)
    runner.start("next", well, 0.05, ledger.done)
    await ledger.reaches(2)

    assert [(key, finding.reason) for key, _, finding, _ in ledger.lines] == [
        ("slow", "timeout"),
        ("next", "ok"),
    ]
    assert ledger.lines[1][1] - ledger.lines[0][1] >= 0.2


async def test_closing_cancels_everything_and_reports_nothing():
    runner, ledger, doors = Runner(at_once=1), Ledger(), Doors()
    for key in "ab":
        runner.start(key, functools.partial(doors.look, key), 60, ledger.done)
    await asyncio.sleep(0)
    await runner.aclose()
    runner.start("c", well, 1, ledger.done)
    await asyncio.sleep(0)

    assert ledger.lines == []
    assert (runner.in_flight, runner.waiting) == (0, 0)


async def test_a_look_that_answers_its_cancellation_is_not_reported_either():
    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return failed("gone")

    runner, ledger = Runner(), Ledger()
    runner.start("a", stubborn, 60, ledger.done)
    await asyncio.sleep(0)
    await runner.aclose()

    assert ledger.lines == []


async def test_one_who_does_not_take_the_finding_does_not_stop_the_others():
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    def clumsy(*_):
        raise ZeroDivisionError

    runner, ledger = Runner(at_once=1), Ledger()
    runner.start("a", well, 1, clumsy)
    runner.start("b", well, 1, ledger.done)
    await ledger.reaches(1)

    assert ledger.keys == ["b"]
    assert isinstance(complaints[0]["exception"], ZeroDivisionError)


async def test_a_look_is_a_probe_with_its_options():
    async def probe(options):
        return ok(options)

    finding, _ = await observe(look_with(probe, "these"), 1)

    assert finding.detail == "these"
