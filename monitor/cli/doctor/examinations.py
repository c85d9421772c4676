"""What is examined, one function each; none changes anything but asking a broker for a hello."""

import asyncio
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex
from zoneinfo import ZoneInfo

from cryptography import x509

from monitor.core.inventory import Inventory
from monitor.core.roster import AHEAD, gaps
from monitor.errors import ConfigError
from monitor.kit.icmp.sockets import PingForbiddenError, Way, open_socket
from monitor.kit.mqtt import Broker, MqttError, Visit
from monitor.kit.mqtt.dial import dial, shake_hands
from monitor.kit.mqtt.tls import load
from monitor.kit.ntp import synchronised
from monitor.kit.resolver import ResolveError, close_shared, shared
from monitor.kit.text import clean
from monitor.probes import load_kinds
from monitor.settings import Settings, load_declared, load_people, load_settings
from monitor.store import log_file
from monitor.store.backup import verify

SPARE = 200
"""MiB that should be free beside the reserve."""
DAY = 86_400.0
SOON = 30.0
"""Days before a certificate runs out within which that is said."""
MIB = 1 << 20


class Grade(StrEnum):
    """How something is."""

    WELL = "well"
    POOR = "poor"
    """The daemon works, and somebody should see to it."""
    BAD = "bad"
    """It keeps the daemon from part of its work."""


Facts = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Found:
    """What one examination has found; *facts* are for its words."""

    what: str
    grade: Grade
    facts: Facts = field(default_factory=dict)


async def examine(path: Path | None, now: float) -> list[Found]:
    """Examine everything that the settings at *path* name, *now* being the time, Unix seconds."""
    try:
        settings = load_settings(path)
        inventory = load_declared(settings, load_kinds())
    except ConfigError as error:
        return [Found("settings", Grade.BAD, {"trouble": str(error)})]
    well: Facts = {"centers": len(inventory.centers), "file": str(settings.inventory)}
    found = [Found("settings", Grade.WELL, well), _pings(), _clock(), _disk(settings), *_log(settings)]
    found += [*_sources(inventory, settings.vantage), *_roster(settings, now), *_certificates(settings, now)]
    try:
        return [*found, *await _brokers(settings)]
    finally:
        await close_shared()


def _pings() -> Found:
    try:
        sock, raw = open_socket(Way(socket.AF_INET), ident=1, raw=None, buffer=1)
    except PingForbiddenError:
        return Found("pings", Grade.BAD)
    except OSError as error:
        return Found("pings", Grade.BAD, {"trouble": str(error)})
    sock.close()
    return Found("pings", Grade.WELL, {"how": "raw" if raw else "ping"})


def _clock() -> Found:
    return Found("clock", Grade.WELL if synchronised() else Grade.POOR)


def _disk(settings: Settings) -> Found:
    folder = settings.state_dir
    facts: Facts = {"folder": str(folder)}
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return Found("disk", Grade.BAD, facts | {"trouble": f"{existing}"})
    free = shutil.disk_usage(existing).free // MIB
    wanted = settings.store.reserve_mib + SPARE
    grade = Grade.WELL if free >= wanted else Grade.POOR
    return Found("disk", grade, facts | {"free": free, "wanted": wanted})


def _log(settings: Settings) -> Iterator[Found]:
    path = log_file(settings.state_dir, settings.vantage)
    if not path.exists():
        return
    trouble = verify(path)
    facts: Facts = {"file": str(path), "trouble": clean(trouble)}
    yield Found("log", Grade.BAD if trouble else Grade.WELL, facts)


def _sources(inventory: Inventory, vantage: str) -> Iterator[Found]:
    """Say which addresses and interfaces of our own circuits this machine does not have."""
    center = inventory.centers.get(inventory.vantages[vantage].center or "")
    missing = []
    for circuit in center.circuits() if center is not None else ():
        if circuit.source is not None and not _is_ours(circuit.source):
            missing.append(circuit.source)
        if circuit.interface is not None and circuit.interface not in dict(socket.if_nameindex()).values():
            missing.append(circuit.interface)
    if missing:
        yield Found("sources", Grade.BAD, {"missing": ", ".join(dict.fromkeys(missing))})


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004 - its name
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    except OSError:
        return False
    return True


def _roster(settings: Settings, now: float) -> Iterator[Found]:
    if settings.roster is None:
        return
    try:
        roster = load_people(settings)
    except ConfigError as error:
        yield Found("roster", Grade.BAD, {"trouble": str(error)})
        return
    zone = ZoneInfo(settings.timezone)
    found = gaps(roster, now, now + AHEAD * DAY, zone)
    first = f"{datetime.fromtimestamp(found[0].begin, zone):%m-%d %H:%M}" if found else ""
    facts: Facts = {"count": len(found), "first": first, "days": AHEAD}
    yield Found("roster", Grade.POOR if found else Grade.WELL, facts)


def _certificates(settings: Settings, now: float) -> Iterator[Found]:
    for path in _certificate_files(settings):
        try:
            ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()
        except (OSError, ValueError) as error:
            yield Found(
                "certificate", Grade.BAD, {"file": str(path), "trouble": clean(str(error)), "days": 0}
            )
            continue
        days = round((ends - now) / DAY)
        grade = Grade.BAD if days <= 0 else Grade.POOR if days <= SOON else Grade.WELL
        yield Found("certificate", grade, {"file": str(path), "days": days, "trouble": f"{days} d"})


def _certificate_files(settings: Settings) -> Iterator[Path]:
    sections = [settings.mqtt, *settings.reports.values()]
    named = [
        path
        for one in sections
        if one.tls is not None
        for path in (one.tls.ca, one.tls.cert)
        if path is not None
    ]
    yield from dict.fromkeys(named)


async def _brokers(settings: Settings) -> list[Found]:
    named = {f"reports.{name}": report.options() for name, report in settings.reports.items()}
    brokers = {name: one.broker(client_id="", echo=None) for name, one in named.items()}
    if settings.mqtt.host is not None:
        brokers["mqtt"] = settings.mqtt.options(settings.vantage).broker(client_id="", echo=None)
    # Not under the daemon's own name: the broker would throw the daemon out.
    own = f"command-monitor-doctor-{token_hex(4)}"
    visits = (_broker(name, replace(one, client_id=own, fresh=True)) for name, one in brokers.items())
    return list(await asyncio.gather(*visits))


async def _broker(name: str, broker: Broker) -> Found:
    facts: Facts = {"name": name, "address": f"{broker.host}:{broker.port}"}
    try:
        async with asyncio.timeout(broker.timeout):
            words = await _welcomed(broker)
    except (TimeoutError, OSError, MqttError, ResolveError) as error:
        words = clean(str(error)) or type(error).__name__
    return Found("broker", Grade.BAD if words else Grade.WELL, facts | {"trouble": words})


async def _welcomed(broker: Broker) -> str:
    """Say hello under a name of our own; return what the broker has against us, if anything."""
    addresses = await shared().resolve(broker.host)
    sock = await dial(addresses, broker.port, patience=broker.timeout, unanswered=broker.timeout)
    if broker.tls is not None:
        context, _ = await asyncio.to_thread(load, broker.tls)
        sock = await shake_hands(sock, context, broker.host)
    visit = Visit(broker)
    try:
        welcome = await visit.begin(sock)
    finally:
        visit.leave()
    return welcome.words if welcome.code else ""
