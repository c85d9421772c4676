"""Messages of H.225.0: the question to a gatekeeper, its answers, and what begins and ends a call."""

import ipaddress
from typing import NamedTuple

from monitor.kit.h323.per import Reader, Writer
from monitor.kit.head import BadMessageError
from monitor.kit.text import clean

VERSION = bytes([0x00, 0x08, 0x91, 0x4A, 0x00, 0x04])
"""itu-t recommendation h 2250 version 4: what is understood everywhere (H.225.0, annex H)."""
_OUR_VERSION_PREFIX = VERSION[:-1]

MESSAGES = (
    "gatekeeperRequest", "gatekeeperConfirm", "gatekeeperReject", "registrationRequest",
    "registrationConfirm", "registrationReject", "unregistrationRequest", "unregistrationConfirm",
    "unregistrationReject", "admissionRequest", "admissionConfirm", "admissionReject",
    "bandwidthRequest", "bandwidthConfirm", "bandwidthReject", "disengageRequest",
    "disengageConfirm", "disengageReject", "locationRequest", "locationConfirm", "locationReject",
    "infoRequest", "infoRequestResponse", "nonStandardMessage", "unknownMessageResponse",
    "requestInProgress",
)  # fmt: skip
_ROOT_MESSAGES = 25
REJECTIONS = (
    "resourceUnavailable", "terminalExcluded", "invalidRevision", "undefinedReason", "securityDenial",
    "genericDataReason", "neededFeatureNotSupported", "securityError",
)  # fmt: skip
_ROOT_REJECTIONS = 4
RELEASES = (
    "noBandwidth", "gatekeeperResources", "unreachableDestination", "destinationRejection", "invalidRevision",
    "noPermission", "unreachableGatekeeper", "gatewayResources", "badFormatAddress", "adaptiveBusy", "inConf",
    "undefinedReason", "facilityCallDeflection", "securityDenied", "calledPartyNotRegistered",
    "callerNotRegistered", "newConnectionNeeded", "nonStandardReason", "replaceWithConferenceInvite",
    "genericDataReason", "neededFeatureNotSupported", "tunnelledSignallingRejected", "invalidCID",
    "securityError", "hopCountExceeded",
)  # fmt: skip
_ROOT_RELEASES = 12
_BODIES = ("setup", "callProceeding", "connect", "alerting", "information", "releaseComplete", "facility")


class Answer(NamedTuple):
    """What a gatekeeper says."""

    message: str
    """As the standard names it; `other` for what is not known here."""
    number: int = 0
    """Which request it answers; 0: not known."""
    gatekeeper: str = ""
    """Its name; hostile text, on one harmless line."""
    reason: str = ""
    """Of a rejection."""


def gatekeeper_request(number: int, local: tuple[str, int], gatekeeper: str = "") -> bytes:
    """Return the question of a terminal at our address *local* for any gatekeeper, or for a certain one."""
    out = Writer()
    out.bits(0, 1 + 5)  # gatekeeperRequest
    out.bits(0, 1)  # nothing of later versions
    out.bits(0b0100 if gatekeeper else 0, 4)  # of four optional fields: gatekeeperIdentifier
    out.octets((number - 1).to_bytes(2))
    out.sized(VERSION)
    _write_address(out, local)
    _write_terminal(out)
    if gatekeeper:
        out.bits(len(gatekeeper) - 1, 7)
        out.octets(gatekeeper.encode("utf-16-be"))
    return out.done()


def parse_answer(data: bytes) -> Answer:
    """Read what a gatekeeper says, as far as we need it. Raises BadMessageError."""
    read = Reader(data)
    message = read.choice(_ROOT_MESSAGES, names=MESSAGES)
    if message == "unknownMessageResponse":
        read.bits(1)
        return Answer(message, int.from_bytes(read.octets(2)) + 1)
    if message == "requestInProgress":
        read = Reader(read.sized())
        read.bits(1 + 2)
        return Answer(message, int.from_bytes(read.octets(2)) + 1)
    if message not in {"gatekeeperConfirm", "gatekeeperReject"}:
        return Answer(message)
    read.bits(1)
    private, named = read.flag(), read.flag()
    number = int.from_bytes(read.octets(2)) + 1
    _read_version(read)
    if private:
        _read_private(read)
    name = read.octets(2 * (read.bits(7) + 1)).decode("utf-16-be", "replace") if named else ""
    if message == "gatekeeperConfirm":
        _read_address(read)
        return Answer(message, number, clean(name, 60))
    return Answer(message, number, clean(name, 60), read.choice(_ROOT_REJECTIONS, names=REJECTIONS))


def setup(call: bytes, local: tuple[str, int], peer: tuple[str, int]) -> bytes:
    """Return the Setup of a call that carries nothing (H.450.1): a terminal that obeys does not ring.

    *call* is its identifier, 16 octets.
    """
    out = _body(0)
    out.bits(1, 1)  # fields of later versions follow: callIdentifier
    out.bits(0b0001000, 7)  # of seven optional fields: destCallSignalAddress
    out.sized(VERSION)
    _write_terminal(out)
    _write_address(out, peer)
    out.bits(0, 1)  # activeMC
    out.octets(call)  # conferenceID
    out.bits(1, 1)  # conferenceGoal, of later versions:
    out.bits(1, 7)  # callIndependentSupplementaryService, the second
    out.sized(b"\0")
    out.bits(0, 1 + 2)  # callType: pointToPoint
    out.bits(2, 7)  # three additions are listed,
    out.bits(0b101, 3)  # the first and the third are there
    source = Writer()
    _write_address(source, local)
    out.sized(source.done())
    out.sized(_call_identifier(call))
    return out.done()


def release_complete(call: bytes) -> bytes:
    """Return the ReleaseComplete of the same call, for no special reason."""
    out = _body(5)
    out.bits(1, 1)  # fields of later versions follow: callIdentifier
    out.bits(1, 1)  # reason
    out.sized(VERSION)
    out.bits(0, 1)
    out.bits(RELEASES.index("undefinedReason"), 4)
    out.bits(0, 7)  # one addition is listed,
    out.bits(1, 1)  # and there
    out.sized(_call_identifier(call))
    return out.done()


def parse_user(data: bytes) -> tuple[str, str]:
    """Return which message a user-user field holds, and why it releases. Raises BadMessageError."""
    read = Reader(data)
    read.bits(4)  # whether there is more behind the message
    body = read.choice(len(_BODIES), names=_BODIES)
    if body != "releaseComplete":
        return body, ""
    read.bits(1)
    given = read.flag()
    _read_version(read)
    return body, read.choice(_ROOT_RELEASES, names=RELEASES) if given else ""


def _body(number: int) -> Writer:
    """Begin an H323-UserInformation whose message is the alternative *number*."""
    out = Writer()
    out.bits(0, 1 + 1)  # nothing later, no user-data
    out.bits(0, 1 + 1)  # nothing later, nothing private
    out.bits(0, 1)
    out.bits(number, 3)
    return out


def _call_identifier(call: bytes) -> bytes:
    out = Writer()
    out.bits(0, 1)
    out.octets(call)
    return out.done()


def _write_terminal(out: Writer) -> None:
    """Write an EndpointType: a terminal, no more."""
    out.bits(0, 1)
    out.bits(0b000001, 6)  # of six optional fields: terminal
    out.bits(0, 1 + 1)
    out.bits(0, 1 + 1)  # mc, undefinedNode


def _write_address(out: Writer, address: tuple[str, int]) -> None:
    ip = ipaddress.ip_address(address[0].partition("%")[0])
    out.bits(0, 1)
    out.bits(0 if ip.version == 4 else 3, 3)  # noqa: PLR2004 - ipAddress or ip6Address
    if ip.version == 6:  # noqa: PLR2004
        out.bits(0, 1)
    out.octets(ip.packed)
    out.octets(address[1].to_bytes(2))


def _read_version(read: Reader) -> None:
    version = read.sized()
    if version[:-1] != _OUR_VERSION_PREFIX:
        raise BadMessageError(f"{version[:8].hex(' ')} is no version of H.225.0")


def _read_private(read: Reader) -> None:
    """Pass over a NonStandardParameter."""
    kind = read.choice(2, names=("object", "h221"))
    if kind == "object":
        read.sized()
    elif kind == "h221":
        later = read.flag()
        read.octets(1 + 1 + 2)
        if later:
            raise BadMessageError("a private field of a later version")
    else:
        read.sized()
    read.sized()


def _read_address(read: Reader) -> None:
    """Pass over a TransportAddress of one of the usual kinds."""
    kind = read.choice(7, names=("ip", "route", "ipx", "ip6"))
    if kind == "ip":
        read.octets(4 + 2)
    elif kind == "ip6":
        read.bits(1)
        read.octets(16 + 2)
