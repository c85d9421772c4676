"""command: a program gets the message on standard input, and its exit code is the answer."""

import asyncio
import json
import os
import sys

import pytest
from pydantic import ValidationError

from monitor.channels.command import Options, open  # noqa: A004 - the name of every kind's opener
from monitor.kit.courier import Fate
from tests.channels.ground import PHONE, message
from tests.kit.process_ground import runs, until


async def run(program, *arguments, timeout=10, **said):  # noqa: ASYNC109 - an option
    options = Options(program=sys.executable, arguments=["-I", "-c", program, *arguments], timeout=timeout)
    return await open(options).send(message(**said))


async def test_the_message_comes_on_standard_input_and_in_no_argument(tmp_path):
    place = tmp_path / "heard"
    keeps = "import sys, json; json.dump([sys.argv[1:], sys.stdin.read()], open(sys.argv[1], 'w'))"
    receipt = await run(keeps, str(place), text="; $(touch x)\n" * 20_000)
    arguments, heard = json.loads(place.read_text())

    assert receipt.fate is Fate.TAKEN
    assert arguments == [str(place)]
    assert json.loads(heard)["short"] == message().short
    assert len(json.loads(heard)["text"]) == 260_000


@pytest.mark.parametrize(
    ("code", "fate"),
    [(0, Fate.TAKEN), (os.EX_TEMPFAIL, Fate.LATER), (1, Fate.REFUSED), (255, Fate.REFUSED)],
)
async def test_the_exit_code_decides(code, fate):
    assert (await run(f"raise SystemExit({code})")).fate is fate


async def test_what_it_says_of_its_failure_is_told_without_a_telephone_number():
    receipt = await run(f"import sys; sys.exit('no sound card, {PHONE}, 13912345678')", to=PHONE)

    assert receipt.words == "exit code 1: no sound card, ***, 139****5678"


async def test_at_the_deadline_it_is_killed_with_its_children_and_may_have_sounded(tmp_path):
    place = tmp_path / "pid"
    text = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '97'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "time.sleep(97)"
    )
    receipt = await run(text, str(place), timeout=1.0)

    assert (receipt.fate, receipt.words) == (Fate.UNSURE, "killed after 1 s")
    await until(lambda: not runs(int(place.read_text())))


async def test_one_that_was_killed_may_have_sounded():
    receipt = await run("import os; os.kill(os.getpid(), 9)")

    assert (receipt.fate, receipt.words) == (Fate.UNSURE, "killed by signal 9")


async def test_a_program_that_does_not_listen_holds_nothing_up():
    async with asyncio.timeout(20):
        receipt = await run("import sys; sys.stdin.close()", text="x" * 1_000_000)

    assert receipt.fate is Fate.TAKEN


async def test_a_program_that_is_not_there_is_a_matter_for_a_person():
    receipt = await open(Options(program="/nonexistent/siren")).send(message())

    assert (receipt.fate, receipt.words) == (Fate.LATER, "/nonexistent/siren: No such file or directory")


@pytest.mark.parametrize("program", ["siren", "/usr/../bin/x", "", "/a\0b"])
def test_only_a_straight_absolute_path_is_taken(program):
    with pytest.raises(ValidationError):
        Options(program=program)
