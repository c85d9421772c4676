"""local: who may write a folder may ask whoever serves there, and nobody can be a nuisance."""

import asyncio
import contextlib
import os
import socket
import stat

import pytest

from monitor.kit import local
from monitor.kit.local import ask, serve


async def echo(question, caller):
    if question == "bug":
        raise KeyError(question)
    return {"asked": question, "uid": caller.uid, "pid": caller.pid}


@contextlib.asynccontextmanager
async def serving(path, answer=echo, **manner):
    task = asyncio.create_task(serve(path, answer, **manner))
    try:
        await until(path.is_socket)
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def asked(path, question):
    return await asyncio.to_thread(ask, path, question)


async def test_a_question_is_answered_and_the_kernel_says_who_asks(tmp_path):
    async with serving(tmp_path / "control.sock"):
        told = await asked(tmp_path / "control.sock", {"order": "检修"})

    assert told == {"asked": {"order": "检修"}, "uid": os.getuid(), "pid": os.getpid()}


async def test_the_socket_goes_when_the_service_does(tmp_path):
    path = tmp_path / "control.sock"
    async with serving(path):
        pass

    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        await asked(path, 1)


async def test_the_socket_that_a_killed_run_left_is_replaced(tmp_path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(ConnectionRefusedError):
        await asked(path, 1)
    async with serving(path):
        async with asyncio.timeout(10):
            told = None
            while told is None:
                with contextlib.suppress(ConnectionRefusedError, FileNotFoundError):
                    told = await asked(path, 1)

    assert told["asked"] == 1


@pytest.mark.parametrize(("folder", "mode"), [(0o755, 0o600), (0o770, 0o620)], ids=["alone", "with-a-group"])
async def test_just_who_may_write_the_folder_may_ask(tmp_path, folder, mode):
    tmp_path.chmod(folder)
    async with serving(tmp_path / "control.sock"):
        found = stat.S_IMODE((tmp_path / "control.sock").stat().st_mode)

    assert found == mode


async def test_a_folder_may_have_a_name_that_is_longer_than_the_kernels_addresses(tmp_path):
    folder = tmp_path / ("f" * 120)
    folder.mkdir()
    async with serving(folder / "control.sock"):
        told = await asked(folder / "control.sock", 1)

    assert told["asked"] == 1


async def test_who_is_told_that_it_was_tried_can_ask(tmp_path):
    path, tried = tmp_path / "control.sock", asyncio.Event()
    task = asyncio.create_task(serve(path, echo, tried=tried))
    await until(tried.is_set)
    told = await asked(path, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert told["asked"] == 1


async def test_a_socket_that_was_taken_away_comes_back(tmp_path):
    path = tmp_path / "control.sock"
    async with serving(path, look_every=0.05):
        path.unlink()
        await until(path.is_socket)

        assert (await asked(path, 1))["asked"] == 1


async def test_a_folder_that_cannot_be_used_is_waited_for(tmp_path):
    path, tried = tmp_path / "later" / "control.sock", asyncio.Event()
    task = asyncio.create_task(serve(path, echo, tried=tried, look_every=0.05))
    await until(tried.is_set)
    path.parent.mkdir()
    await until(path.is_socket)
    told = await asked(path, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert told["asked"] == 1


async def test_what_is_no_socket_is_left_where_it_is(tmp_path):
    path = tmp_path / "control.sock"
    path.write_text("precious")
    tried = asyncio.Event()
    task = asyncio.create_task(serve(path, echo, tried=tried))
    await until(tried.is_set)
    running = not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert running
    assert path.read_text() == "precious"


async def test_a_bug_in_the_answer_is_told_as_a_refusal_and_ends_nothing(tmp_path):
    async with serving(tmp_path / "control.sock") as task:
        told = await asked(tmp_path / "control.sock", "bug")
        again = await asked(tmp_path / "control.sock", 1)

        assert "could not answer" in told["refused"]
        assert again["asked"] == 1
        assert not task.done()


@pytest.mark.parametrize(
    "sent", [b"{", b"[" * 60_000, b"x" * 200_000, b"\xff\n", b""], ids=["torn", "deep", "long", "odd", "none"]
)
async def test_what_is_no_question_is_refused_and_the_next_one_answered(tmp_path, sent):
    path = tmp_path / "control.sock"

    def send():
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(BrokenPipeError, ConnectionError):
            client.settimeout(5)
            client.connect(str(path))
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            return client.recv(1000)
        return b""

    async with serving(path):
        told = await asyncio.to_thread(send)
        again = await asked(path, 1)

    assert told == b"" or b"refused" in told
    assert again["asked"] == 1


async def test_who_says_nothing_has_to_go_and_too_many_at_once_do_too(tmp_path):
    path = tmp_path / "control.sock"
    async with serving(path, attention=0.3):
        silent = [socket.socket(socket.AF_UNIX) for _ in range(local.MOST + 1)]
        for client in silent:
            await asyncio.to_thread(client.connect, str(path))
        for client in silent:
            client.settimeout(5)
            with contextlib.suppress(ConnectionError):
                assert await asyncio.to_thread(client.recv, 1) == b""
            client.close()
        told = await asked(path, 1)

    assert told["asked"] == 1


async def test_a_stop_does_not_wait_for_an_answer_that_does_not_come(tmp_path):
    never = asyncio.Event()

    async def thinking(_, __):
        await never.wait()

    path = tmp_path / "control.sock"
    async with serving(path, thinking):
        client = socket.socket(socket.AF_UNIX)
        await asyncio.to_thread(client.connect, str(path))
        client.sendall(b"1\n")
        await asyncio.sleep(0.1)
    client.settimeout(5)
    with contextlib.suppress(ConnectionError):
        assert client.recv(1) == b""
    client.close()

    assert not path.exists()
