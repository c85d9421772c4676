"""Visits an MQTT broker: logs in, sends a message round, and says how old a retained one is."""

import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Literal, Self

from pydantic import Field, IPvAnyAddress, field_validator, model_validator

from monitor.core.limits import Limit, judged
from monitor.core.observation import Finding, failed, unknown
from monitor.kit import mishap
from monitor.kit.moments import said_at
from monitor.kit.mqtt import Broker, Lost, Refused, Visit, is_topic
from monitor.kit.mqtt.dial import shake_hands
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.secret import one_line
from monitor.kit.sockets import Family, Host, Interface, Target, clash, find_target
from monitor.kit.tcp import ConnectError, connect, round_trip
from monitor.kit.text import clean
from monitor.kit.tls import FAULTS, context, fault
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    **mishap.PEERS,
    **FAULTS,
    "bad_login": "the broker says that the user name or the password is wrong",
    "not_authorized": "the broker does not let us in: no such user, a wrong password, or not allowed",
    "bad_client_id": "the broker will not have the client identifier",
    "protocol_version": "the broker does not speak this version of MQTT",
    "unavailable": "the broker is there and takes no clients at the moment",
    "moved": "the broker sends its clients elsewhere",
    "connect_refused": "the broker refuses the connection for another reason, given in the detail",
    "topic_refused": "the broker lets the user in, and not publish or subscribe to the topic",
    "no_echo": "what was published did not come back within `wait`",
    "no_retained": "the broker keeps no message on the topic",
    "bad_payload": "the retained message does not say of when it is",
    "age": "the retained message is older than a limit allows",
    "lost": "the broker broke off the conversation, or spoilt it, as the detail says",
    "name_resolution": "the name has no address, or the name servers are silent",
    "no_ca_file": "one of the files for TLS cannot be read, or holds no certificate or key",
    "no_secret_file": "`password_file` cannot be read",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip of the handshake, as the kernel measured it"),
    "tls": ("seconds", "TLS handshake"),
    "welcome": ("seconds", "from our CONNECT to the broker's answer"),
    "round_trip": ("seconds", "from the subscription to the message's coming back"),
    "age": ("seconds", "age of the retained message, by the time that it says itself"),
}

_CODES = {
    0x84: "protocol_version",
    0x85: "bad_client_id",
    0x86: "bad_login",
    0x87: "not_authorized",
    0x88: "unavailable",
    0x89: "unavailable",
    0x8A: "not_authorized",
    0x8C: "bad_login",
    0x97: "unavailable",
    0x9C: "moved",
    0x9D: "moved",
    0x9F: "unavailable",
}
"""By the reason code of CONNACK (MQTT 5, section 3.2.2.2); those of 3.1.1 are translated before."""


class Options(ProbeOptions):
    """Which broker to visit, as whom, and what to ask of it."""

    host: Host = Field(description="Name or address of the broker.")
    port: int = Field(default=1883, ge=1, le=65535, description="TCP port; 8883 is usual with TLS.")
    protocol: Literal["5", "3.1.1"] = Field(default="5", description="Version of MQTT.")
    username: str | None = Field(default=None, min_length=1, max_length=255, description="User name.")
    password_file: str | None = Field(
        default=None, min_length=1, description="File that holds the password and nothing else."
    )
    client_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Client identifier, of nobody else; default: another one each time.",
    )
    topic: str | None = Field(
        default=None,
        max_length=1024,
        description="Topic of the look's own, on which a message is sent round.",
    )
    retained: str | None = Field(
        default=None, max_length=1024, description="Topic on which the broker must keep a message."
    )
    time_key: str = Field(
        default="at",
        min_length=1,
        max_length=64,
        description="Key of the retained message under which it says of when it is.",
    )
    warn_age: float | None = Field(
        default=None, gt=0, le=1e9, description="Seconds that it may be old before it is poor."
    )
    max_age: float | None = Field(
        default=None, gt=0, le=1e9, description="Seconds from which on it is a failure."
    )
    wait: float = Field(
        default=2.0, gt=0, le=60, description="Seconds that a message is waited for once it may come."
    )
    tls: bool = Field(default=False, description="Whether to speak TLS.")
    verify: bool = Field(default=True, description="Whether a bad certificate chain or name is a failure.")
    ca_file: str | None = Field(
        default=None, min_length=1, description="PEM file of trusted authorities; default: the system's."
    )
    server_name: Host | None = Field(
        default=None, description="Name to find in the certificate; default: `host`."
    )
    cert_file: str | None = Field(
        default=None, min_length=1, description="PEM file of our own certificate, for a broker that asks."
    )
    key_file: str | None = Field(default=None, min_length=1, description="PEM file of its key.")
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to connect from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to connect over.")

    @field_validator("protocol", mode="before")
    @classmethod
    def _a_number_will_do(cls, given: object) -> object:
        return str(given) if isinstance(given, int) else given

    @field_validator("topic", "retained")
    @classmethod
    def _one_topic(cls, text: str | None) -> str | None:
        if text is not None and not is_topic(text):
            raise ValueError("it must be one topic: no wildcard, no empty level")
        return text

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs username")
        if not self.tls and (self.ca_file or self.cert_file or self.server_name):
            raise ValueError("tls is needed for ca_file, cert_file and server_name to mean anything")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file need each other")
        if self.retained is None and (self.warn_age or self.max_age):
            raise ValueError("retained is needed for warn_age and max_age to mean anything")
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Connect, log in, ask for what is to be asked for, and leave."""
    try:
        target = await find_target(shared(), options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    try:
        password = one_line(options.password_file) if options.password_file else None
    except OSError as error:
        return unknown("no_secret_file", clean(str(error)))
    try:
        settings = _context(options)
    except OSError as error:
        return unknown("no_ca_file", clean(str(error)))
    try:
        return await _visit(target, options, settings, _broker(options, password))
    except ConnectError as error:
        return of_mishap(error.mishap)


def _context(options: Options) -> ssl.SSLContext | None:
    if not options.tls:
        return None
    return context(
        options.ca_file, verify=options.verify, cert_file=options.cert_file, key_file=options.key_file
    )


def _broker(options: Options, password: str | None) -> Broker:
    return Broker(
        options.host,
        options.port,
        options.client_id or f"command-monitor-look-{secrets.token_hex(6)}",
        protocol=options.protocol,
        username=options.username,
        password=password,
        fresh=True,
        keepalive=60,
        session_expiry=0,
    )


async def _visit(
    target: Target, options: Options, settings: ssl.SSLContext | None, broker: Broker
) -> Finding:
    clock = asyncio.get_running_loop().time
    began = clock()
    sock = await connect(target)
    values = {"rtt": round_trip(sock) or clock() - began}
    if settings is not None:
        began = clock()
        try:
            sock = await shake_hands(sock, settings, options.server_name or options.host)
        except OSError as error:
            return _not_secure(error, values)
        values["tls"] = clock() - began
    visit = Visit(broker)
    try:
        return await _asked(visit, sock, options, values)
    except Refused as error:
        return failed("topic_refused", clean(str(error)), path_up=True, **values)
    except Lost as error:
        return failed("lost", clean(str(error)), path_up=True, **values)
    finally:
        visit.leave()


def _not_secure(error: OSError, values: dict[str, float]) -> Finding:
    if isinstance(error, ssl.SSLEOFError):
        return failed("handshake_failed", "hung up in the handshake", path_up=True, **values)
    if isinstance(error, ssl.SSLError):
        reason, text = fault(error)
        return failed(reason, clean(text), path_up=True, **values)
    return of_mishap(mishap.raised(error))


async def _asked(visit: Visit, sock: socket.socket, options: Options, values: dict[str, float]) -> Finding:
    clock = asyncio.get_running_loop().time
    began = clock()
    welcome = await visit.begin(sock)
    values["welcome"] = clock() - began
    if welcome.code:
        reason = _CODES.get(welcome.code, "connect_refused")
        return failed(reason, clean(f"{welcome.words} (0x{welcome.code:02x})"), path_up=True, **values)
    if options.topic is not None:
        began = clock()
        if await _within(options.wait, visit.echo, options.topic) is None:
            return failed("no_echo", f"nothing came back within {options.wait:g} s", path_up=True, **values)
        values["round_trip"] = clock() - began
    if options.retained is None:
        return judged([], f"MQTT {options.protocol}", **values)
    payload = await _within(options.wait, visit.retained, options.retained)
    if payload is None:
        return failed("no_retained", f"no message within {options.wait:g} s", path_up=True, **values)
    return _of_age(payload, options, values)


async def _within(seconds: float, ask: Callable[[str], Awaitable[bytes]], topic: str) -> bytes | None:
    """Return what *ask* brings; None if it takes longer, which says nothing against the way."""
    try:
        async with asyncio.timeout(seconds):
            return await ask(topic)
    except TimeoutError:
        return None


def _of_age(payload: bytes, options: Options, values: dict[str, float]) -> Finding:
    at = said_at(payload, options.time_key)
    if at is not None:
        values["age"] = max(0.0, time.time() - at)
        limit = Limit("age", "age", values["age"], options.warn_age, options.max_age, "s")
        return judged([limit], f"{len(payload)} bytes are retained", **values)
    if options.warn_age or options.max_age:
        return failed("bad_payload", f"no time in {clean(payload[:400], 100)!r}", path_up=True, **values)
    return judged([], f"{len(payload)} bytes are retained", **values)
