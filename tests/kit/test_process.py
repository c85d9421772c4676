"""process: a program runs without a shell, with nothing of ours, and is gone with its children in time."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from monitor.kit import process
from tests.kit.process_ground import PATIENCE, runs, until

BARE = {"PATH": "/usr/bin:/bin"}


def python(text, *arguments):
    return [sys.executable, "-I", "-S", "-c", text, *arguments]


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(autouse=True)
def _nothing_is_left():
    files = open_files()
    yield
    assert open_files() == files
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


async def test_what_a_program_says_and_how_it_ends_is_told():
    ended = await process.run(
        python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(2)"), BARE
    )

    assert ended == (2, b"out\n", b"err\n", False)


async def test_arguments_reach_it_as_they_are():
    odd = ["; touch x", "$(id)", "`id`", "a b", "", "*", "-n", "\n"]
    ended = await process.run(python("import sys; print(sys.argv[1:])", *odd), BARE)

    assert ended.output.decode().strip() == repr(odd)


SURROUNDINGS = """
import os, sys
print(sorted(os.environ))
print(repr(sys.stdin.read()))
print(os.getcwd())
print(sorted(os.listdir("/proc/self/fd")))
"""


async def test_it_has_no_variable_no_input_and_no_descriptor_of_ours():
    kept = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(kept, True)  # noqa: FBT003 - the standard library's own
    try:
        ended = await process.run(python(SURROUNDINGS), BARE)
    finally:
        os.close(kept)

    variables, heard, folder, files = ended.output.decode().splitlines()
    assert variables in {"['PATH']", "['LC_CTYPE', 'PATH']"}  # Python itself may set the latter
    assert (heard, folder) == ("''", "/")
    assert files == "['0', '1', '2', '3']"  # the last one reads the folder


async def test_it_has_a_session_of_its_own():
    ended = await process.run(python("import os; print(os.getsid(0) == os.getpid())"), BARE)

    assert ended.output == b"True\n"


@pytest.mark.parametrize("channel", ["stdout", "stderr"])
async def test_one_that_talks_without_end_is_killed_and_its_beginning_kept(channel):
    talk = f"import sys\nwhile True: sys.{channel}.write('x' * 4096)"
    ended = await process.run(python(talk), BARE)

    said = ended.output if channel == "stdout" else ended.complaints
    assert ended.too_much
    assert said == b"x" * process.MOST


async def test_one_that_says_as_much_as_it_may_is_let_be():
    ended = await process.run(python(f"print('x' * {process.MOST - 1})"), BARE)

    assert (ended.code, ended.too_much, len(ended.output)) == (0, False, process.MOST)


FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
if os.fork() == 0:
    os.fork()
    open(sys.argv[1] + str(os.getpid()), "w").close()
    time.sleep(3600)
open(sys.argv[1] + str(os.getpid()), "w").close()
if sys.argv[2] == "stay":
    time.sleep(3600)
while len(os.listdir(os.path.dirname(sys.argv[1]))) < 3:
    time.sleep(0.005)
"""


def members(folder):
    return [int(path.name) for path in folder.iterdir()]


async def test_a_cancelled_one_is_killed_with_its_children(tmp_path):
    run = asyncio.create_task(process.run(python(FAMILY, f"{tmp_path}/", "stay"), BARE))
    await until(lambda: len(members(tmp_path)) == 3)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    await until(lambda: not any(map(runs, members(tmp_path))))


async def test_children_that_outlive_it_are_killed_and_do_not_hold_it_up(tmp_path):
    async with asyncio.timeout(PATIENCE):
        ended = await process.run(python(FAMILY, f"{tmp_path}/", "go"), BARE)

    assert ended.code == 0
    await until(lambda: not any(map(runs, members(tmp_path))))


async def test_one_cancelled_at_once_leaves_nothing():
    run = asyncio.create_task(process.run(python("import time; time.sleep(3600)"), BARE))
    await asyncio.sleep(0)
    run.cancel()

    await asyncio.gather(run, return_exceptions=True)


async def test_one_killed_by_a_signal_says_so():
    ended = await process.run(python("import os; os.kill(os.getpid(), 11)"), BARE)

    assert ended.code == -11


@pytest.mark.parametrize("program", ["/nowhere/check", "/etc/passwd", "/"])
async def test_what_cannot_be_started_is_an_error(program):
    with pytest.raises(OSError, match=r"Permission denied|No such file"):
        await process.run([program], BARE)


async def test_many_at_once_each_get_their_own_answer():
    texts = [str(number) for number in range(30)]
    ended = await asyncio.gather(*(process.run(["/bin/echo", text], BARE) for text in texts))

    assert [one.output.decode().strip() for one in ended] == texts
