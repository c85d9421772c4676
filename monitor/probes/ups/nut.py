"""A UPS behind a NUT server: the Network UPS Tools' protocol, version 1.3 (RFC 9271)."""

import asyncio
import re
import socket

from monitor.core.observation import Finding, failed, unknown
from monitor.kit import mishap
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import find_target
from monitor.kit.tcp import ConnectError, connect, round_trip
from monitor.kit.text import clean
from monitor.ports.findings import of_mishap
from monitor.probes.ups.options import Options
from monitor.probes.ups.reading import Reading

REASONS = {
    "unknown_ups": "the server has no UPS of this name",
    "stale": "the server has lost its UPS: the driver is not connected, or its data are old",
    "nut_error": "the server answers with another error, told in the detail",
    "not_nut": "what answers is no NUT server",
    "closed": "the peer hung up in the middle",
}

MOST = 65_536
"""Bytes of an answer that are read."""
_VARIABLE = re.compile(rb'VAR \S+ ([a-z0-9.]{1,100}) "((?:[^"\\]|\\.)*)"')
_ERRORS = {b"UNKNOWN-UPS": "unknown_ups", b"DATA-STALE": "stale", b"DRIVER-NOT-CONNECTED": "stale"}
_BAD_TEST = re.compile(r"fail|error|warn|bad", re.IGNORECASE)
_LONGEST_NUMBER = 20


async def look(options: Options) -> Finding:
    """Ask for all variables of the UPS, once."""
    try:
        target = await find_target(shared(), options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        sock = await connect(target)
    except ConnectError as error:
        return of_mishap(error.mishap)
    with sock:
        rtt = round_trip(sock) or loop.time() - began
        try:
            await loop.sock_sendall(sock, f"LIST VAR {options.nut}\n".encode())
            heard = await _listen(sock)
        except OSError as error:
            return of_mishap(mishap.raised(error))
    finding = judged(heard, options)
    return finding._replace(values={"rtt": rtt, **finding.values})


async def _listen(sock: socket.socket) -> bytes:
    """Return what the server says, up to its last line."""
    loop = asyncio.get_running_loop()
    heard = bytearray()
    while len(heard) < MOST:
        more = await loop.sock_recv(sock, min(4096, MOST - len(heard)))
        heard += more
        latest = bytes(heard[heard.rfind(b"\n", 0, -1) + 1 :])
        if not more or (latest.endswith(b"\n") and latest.startswith((b"END LIST", b"ERR"))):
            break
    return bytes(heard)


def judged(heard: bytes, options: Options) -> Finding:
    """Return what an answer means."""
    first, _, rest = heard.partition(b"\n")
    if first.startswith(b"ERR "):
        word = first[4:].strip()
        return failed(_ERRORS.get(word, "nut_error"), clean(first[:100]), path_up=True)
    if not first.startswith(b"BEGIN LIST VAR "):
        said = clean(first[:400], 100)
        return failed("not_nut" if heard else "closed", f"said {said!r}", path_up=True)
    *lines, last = rest.rstrip(b"\n").split(b"\n")
    if not last.startswith(b"END LIST VAR "):
        return failed("closed", "the answer is cut short", path_up=True)
    told = {}
    for line in lines:
        if (found := _VARIABLE.fullmatch(line)) is not None:
            told[found[1].decode()] = re.sub(rb"\\(.)", rb"\1", found[2]).decode("utf-8", "replace")
    if "ups.status" not in told:
        return failed("stale", "the server tells no status", path_up=True)
    return reading(told).judged(options)


def reading(told: dict[str, str]) -> Reading:
    """Return how a UPS is, from its variables by name."""
    words = set(told["ups.status"].split())
    test = told.get("ups.test.result", "")
    charge, load = _number(told.get("battery.charge")), _number(told.get("ups.load"))
    return Reading(
        on_battery="OB" in words,
        low="LB" in words,
        off="OFF" in words,
        overload="OVER" in words,
        replace="RB" in words,
        bypass="BYPASS" in words,
        tested_badly=clean(test, 60) if _BAD_TEST.search(test[:200]) else "",
        charge=None if charge is None else charge / 100,
        runtime=_number(told.get("battery.runtime")),
        load=None if load is None else load / 100,
    )


def _number(text: str | None) -> float | None:
    if text is None or len(text) > _LONGEST_NUMBER or not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        return None
    return float(text)
