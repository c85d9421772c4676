"""What is asked and answered, RFC 3416, and the plain message around it, version 2c of RFC 1901. Pure."""

from typing import NamedTuple

from monitor.kit.snmp import ber
from monitor.kit.snmp.ber import Oid, Value

GET, NEXT, RESPONSE, BULK, INFORM, TRAP, REPORT = 0xA0, 0xA1, 0xA2, 0xA5, 0xA6, 0xA7, 0xA8
V2C, V3 = 1, 3
MOST_BINDS = 256
_NOTHING = ber.element(ber.NULL, b"")
_LONGEST_COMMUNITY = 256


class Bind(NamedTuple):
    """A value and the name of it."""

    oid: Oid
    value: Value


class Question(NamedTuple):
    """What is asked of an agent: these values, or with *repetitions* so many that follow each."""

    oids: tuple[Oid, ...]
    repetitions: int = 0


class Pdu(NamedTuple):
    """What an agent says."""

    kind: int
    request: int
    error: int
    culprit: int
    binds: tuple[Bind, ...]


ERRORS = {
    1: "tooBig",
    2: "noSuchName",
    3: "badValue",
    4: "readOnly",
    5: "genErr",
    6: "noAccess",
    13: "resourceUnavailable",
    16: "authorizationError",
}
"""What an agent has against a question, RFC 3416, section 3."""


def pack_question(request: int, question: Question) -> bytes:
    """Return the PDU that asks *question*."""
    binds = [ber.sequence(ber.oid(oid), _NOTHING) for oid in question.oids]
    kind = BULK if question.repetitions else GET
    limits = ber.integer(0) + ber.integer(question.repetitions)
    return ber.element(kind, ber.integer(request) + limits + ber.sequence(*binds))


def pack_pdu(pdu: Pdu) -> bytes:
    """Return a PDU whose values are not looked at: an acknowledgement."""
    binds = [ber.sequence(ber.oid(bind.oid), _packed(bind.value)) for bind in pdu.binds]
    head = ber.integer(pdu.request) + ber.integer(pdu.error) + ber.integer(pdu.culprit)
    return ber.element(pdu.kind, head + ber.sequence(*binds))


def read_pdu(data: bytes, at: int, end: int) -> Pdu:
    """Return the PDU at *at*; raises ValueError for anything that is none."""
    kind, at, end = ber.head(data, at, end)
    if kind not in {GET, RESPONSE, BULK, INFORM, TRAP, REPORT}:
        raise ValueError(f"an unknown kind of message, {kind:#04x}")
    request, at = ber.read_integer(data, at, end)
    error, at = ber.read_integer(data, at, end)
    index, at = ber.read_integer(data, at, end)
    at, end = ber.expect(ber.SEQUENCE, data, at, end)
    binds: list[Bind] = []
    while at < end:
        if len(binds) == MOST_BINDS:
            raise ValueError("more values than were asked for")
        start, at = ber.expect(ber.SEQUENCE, data, at, end)
        oid, start = ber.read_oid(data, start, at)
        value, start = ber.read_value(data, start, at)
        binds.append(Bind(oid, value))
    return Pdu(kind, request, error, index, tuple(binds))


def number_of(data: bytes) -> int:
    """Return the number by which an answer says which question it is to; raises ValueError if it has none."""
    at, end = ber.expect(ber.SEQUENCE, data, 0, len(data))
    version, at = ber.read_integer(data, at, end)
    if version == V3:
        at, end = ber.expect(ber.SEQUENCE, data, at, end)
    elif version == V2C:
        _, at = ber.read_octets(data, at, end, _LONGEST_COMMUNITY)
        _, at, end = ber.head(data, at, end)
    else:
        raise ValueError(f"version {version} of SNMP where 2c or 3 is expected")
    return ber.read_integer(data, at, end)[0]


def pack_v2c(community: bytes, pdu: bytes) -> bytes:
    """Return a message of version 2c."""
    return ber.sequence(ber.integer(V2C), ber.octets(community), pdu)


def read_v2c(data: bytes) -> tuple[bytes, Pdu]:
    """Return community and PDU of a message of version 2c; raises ValueError for anything else."""
    at, end = ber.expect(ber.SEQUENCE, data, 0, len(data))
    version, at = ber.read_integer(data, at, end)
    if version != V2C:
        raise ValueError(f"version {version} of SNMP where 2c is expected")
    community, at = ber.read_octets(data, at, end, _LONGEST_COMMUNITY)
    return community, read_pdu(data, at, end)


def _packed(value: Value) -> bytes:
    content = value.content
    if isinstance(content, int):
        return ber.integer(content, value.tag)
    if isinstance(content, tuple):
        return ber.oid(content)
    return ber.element(value.tag, content or b"")
