"""systemd: what is said arrives at the socket that the environment names, and nobody waits for it."""

import os
import socket

import pytest

from monitor.kit.systemd import LONGEST, Manager


@pytest.fixture(params=["/notify", "@"], ids=["a-path", "an-abstract-name"])
def door(request, tmp_path):
    """Lend a socket to be told at, and its address as systemd would give it."""
    address = f"{tmp_path}/notify" if request.param == "/notify" else f"@cmt-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + address[1:] if address.startswith("@") else address)
        sock.settimeout(5)
        yield sock, address


def test_each_word_is_one_message_with_the_state_in_one_line(door):
    sock, address = door
    manager = Manager({"NOTIFY_SOCKET": address})
    manager.ready("all\nis  well")
    manager.moving("x" * 1000)
    manager.stopping()
    told = [sock.recv(4096).decode() for _ in range(3)]

    assert told == ["READY=1\nSTATUS=all is well", f"WATCHDOG=1\nSTATUS={'x' * LONGEST}", "STOPPING=1"]


def test_a_reload_says_when_it_began(door):
    sock, address = door
    Manager({"NOTIFY_SOCKET": address}).reloading()
    first, second = sock.recv(4096).decode().splitlines()

    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_ours_if_it_is_meant_for_us(environment, seconds):
    assert Manager(environment).watchdog == seconds


def test_nothing_of_it_is_left_for_children():
    environment = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    Manager(environment)

    assert environment == {"HOME": "/"}


@pytest.mark.parametrize(
    ("environment", "listens"), [({}, False), ({"NOTIFY_SOCKET": "/nonexistent/notify"}, True)]
)
def test_nobody_who_listens_is_no_trouble(environment, listens):
    manager = Manager(environment)
    manager.ready("well")

    assert manager.listens == listens
