"""Messages of SNMP version 3 as they go over the wire: RFC 3412, section 6; RFC 3414, section 2.4. Pure."""

from typing import NamedTuple

from monitor.kit.snmp import ber, pdu, usm
from monitor.kit.snmp.pdu import Pdu
from monitor.kit.snmp.usm import Keys

LONGEST = 8192
"""Bytes of the longest message that we read; what is longer is dropped before it is looked at."""
AUTH, PRIVACY, REPORTABLE = 1, 2, 4
_USM = 3
_ENGINE_SIZE = (5, 32)
_LONGEST_USER = 32
_LONGEST_PARAMETER = 64
_LARGEST = 0x7FFFFFFF


class Engine(NamedTuple):
    """What names an agent, and where its clock stands."""

    id: bytes = b""
    boots: int = 0
    time: int = 0
    """Seconds since it was started the latest time."""


class Envelope(NamedTuple):
    """A message as far as it can be read without keys."""

    number: int
    flags: int
    engine: Engine
    user: bytes
    digest: bytes
    digest_at: int
    salt: bytes
    hidden: bool
    inner: bytes
    """The scoped PDU, an element; if *hidden*, encrypted."""


def pack(
    number: int,
    engine: Engine,
    user: bytes,
    keys: Keys | None,
    salt: int,
    inner: bytes,
    flags: int = REPORTABLE,
) -> bytes:
    """Return a message around the PDU *inner*, authentic and encrypted; without keys it is neither."""
    scoped = ber.sequence(ber.octets(engine.id), ber.octets(b""), inner)
    digest = pepper = b""
    if keys is not None:
        flags |= AUTH | PRIVACY
        pepper = salt.to_bytes(8)
        scoped = ber.octets(usm.encrypt(keys, engine.boots, engine.time, pepper, scoped))
        digest = bytes(usm.KEPT[keys.digest])
    behind = ber.octets(pepper)
    clock = ber.integer(engine.boots) + ber.integer(engine.time)
    security = ber.sequence(ber.octets(engine.id), clock, ber.octets(user), ber.octets(digest), behind)
    about = ber.sequence(
        ber.integer(number), ber.integer(LONGEST), ber.octets(bytes((flags,))), ber.integer(_USM)
    )
    message = ber.sequence(ber.integer(pdu.V3), about, ber.octets(security), scoped)
    if keys is None:
        return message
    at = len(message) - len(scoped) - len(behind)
    return message[: at - len(digest)] + usm.sign(keys, message) + message[at:]


def read(data: bytes) -> Envelope:
    """Return what can be read of a message; raises ValueError for anything else."""
    at, end = ber.expect(ber.SEQUENCE, data, 0, len(data))
    version, at = ber.read_integer(data, at, end)
    if version != pdu.V3:
        raise ValueError(f"version {version} of SNMP where 3 is expected")
    start, at = ber.expect(ber.SEQUENCE, data, at, end)
    number, start = ber.read_integer(data, start, at)
    _, start = ber.read_integer(data, start, at)
    flags, start = ber.read_octets(data, start, at, 1)
    model, _ = ber.read_integer(data, start, at)
    if len(flags) != 1 or model != _USM:
        raise ValueError("another security model than that of users")
    start, at = ber.expect(ber.OCTETS, data, at, end)
    start, stop = ber.expect(ber.SEQUENCE, data, start, at)
    engine, start = _read_engine(data, start, stop)
    user, start = ber.read_octets(data, start, stop, _LONGEST_USER)
    digest, start = ber.read_octets(data, start, stop, _LONGEST_PARAMETER)
    digest_at = start - len(digest)
    salt, _ = ber.read_octets(data, start, stop, _LONGEST_PARAMETER)
    hidden = bool(flags[0] & PRIVACY)
    start, stop = ber.expect(ber.OCTETS if hidden else ber.SEQUENCE, data, at, end)
    inner = data[start:stop] if hidden else data[at:stop]
    return Envelope(number, flags[0], engine, user, digest, digest_at, salt, hidden, inner)


def opened(envelope: Envelope, data: bytes, keys: Keys) -> Pdu:
    """Return the PDU of a message that *keys* prove to be genuine; raises ValueError if they do not."""
    if not envelope.flags & AUTH or not usm.genuine(keys, data, envelope.digest_at, envelope.digest):
        raise ValueError("a message that is not genuine")
    inner, engine = envelope.inner, envelope.engine
    if envelope.hidden:
        inner = usm.decrypt(keys, engine.boots, engine.time, envelope.salt, inner)
    return read_scoped(inner)


def read_scoped(inner: bytes) -> Pdu:
    """Return the PDU of a scoped PDU."""
    at, end = ber.expect(ber.SEQUENCE, inner, 0, len(inner))
    _, at = ber.read_octets(inner, at, end, _ENGINE_SIZE[1])
    _, at = ber.read_octets(inner, at, end)
    return pdu.read_pdu(inner, at, end)


def _read_engine(data: bytes, at: int, end: int) -> tuple[Engine, int]:
    name, at = ber.read_octets(data, at, end, _ENGINE_SIZE[1])
    boots, at = ber.read_integer(data, at, end)
    time, at = ber.read_integer(data, at, end)
    if not (0 <= boots <= _LARGEST and 0 <= time <= _LARGEST):
        raise ValueError("a clock that cannot be")
    return Engine(name, boots, time), at
