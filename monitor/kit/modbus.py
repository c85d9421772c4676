"""Modbus TCP as a client that only reads: one question, its answer, and what the registers mean.

MODBUS Application Protocol 1.1b3 and MODBUS Messaging on TCP/IP 1.0b. Functions 1 to 4 exist here and no
others: nothing can be written, and no siren touched.
"""

import secrets
import struct
from typing import Literal, NamedTuple

from monitor.kit.stream import Stream

Table = Literal["coil", "discrete", "holding", "input"]
Kind = Literal["int16", "uint16", "int32", "uint32", "float32"]
Order = Literal["high", "low"]

FUNCTIONS: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
BITS = frozenset({"coil", "discrete"})
"""The tables that hold bits, not registers."""
REFUSALS = {
    1: ("illegal_function", "the device does not know the function"),
    2: ("illegal_address", "the device has nothing at this number"),
    3: ("illegal_value", "the device does not like the question"),
    4: ("device_failure", "the device broke down over the question"),
    5: ("acknowledged", "the device needs long, and answers nothing yet"),
    6: ("device_busy", "the device is busy"),
    8: ("memory_parity", "the device's memory is damaged"),
    10: ("gateway_path", "the gateway has no way to the device"),
    11: ("gateway_no_response", "the device behind the gateway does not answer"),
}
"""Exception codes (section 7), each with its stable word and meaning."""

_HEADER = struct.Struct(">HHHB")
"""MBAP: transaction, protocol, bytes that follow, unit."""
_REQUEST = struct.Struct(">BHH")
_LONGEST = 254
"""Bytes that may follow: a unit and 253 of the answer."""
_FAILED = 0x80
_FORMATS: dict[Kind, str] = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}


class BadFrameError(ValueError):
    """What the peer said is not Modbus, or not an answer; the message says why."""


class RefusedError(Exception):
    """The device answers with an exception; `word` is stable, and the message says the rest."""

    def __init__(self, code: int) -> None:
        self.word, meaning = REFUSALS.get(code, ("exception", "the device refuses for a reason of its own"))
        super().__init__(f"exception {code}: {meaning}")


class Question(NamedTuple):
    """What to read."""

    table: Table
    at: int
    """Number of the coil or of the first register, from 0."""
    size: int = 1
    unit: int = 1
    """Which device, behind a gateway."""


def words(kind: Kind) -> int:
    """Return how many registers a value of *kind* takes."""
    return struct.calcsize(_FORMATS[kind]) // 2


async def read(stream: Stream, question: Question) -> bytes:
    """Ask once and return the registers, two bytes each, or the bits, eight to a byte.

    Answers to others are passed over. Raises RefusedError, BadFrameError and what Stream does.
    """
    number = secrets.randbelow(65_536)
    await stream.say(request(question, number))
    while True:
        told, length, unit = header(await stream.exactly(_HEADER.size))
        answer = await stream.exactly(length)
        if (told, unit) == (number, question.unit):
            return data(answer, question)


def request(question: Question, number: int) -> bytes:
    """Return the question as it is sent."""
    asked = _REQUEST.pack(FUNCTIONS[question.table], question.at, question.size)
    return _HEADER.pack(number, 0, len(asked) + 1, question.unit) + asked


def header(head: bytes) -> tuple[int, int, int]:
    """Return transaction, length of what follows and unit. Raises BadFrameError."""
    number, protocol, length, unit = _HEADER.unpack(head)
    if protocol != 0 or not 3 <= length <= _LONGEST:  # noqa: PLR2004 - unit, function and one byte more
        raise BadFrameError(f"{head.hex(' ')} is no header of Modbus")
    return number, length - 1, unit


def data(answer: bytes, question: Question) -> bytes:
    """Return what an answer to *question* holds. Raises RefusedError, BadFrameError."""
    function = FUNCTIONS[question.table]
    if answer[0] == function | _FAILED and len(answer) == 2:  # noqa: PLR2004 - function, exception
        raise RefusedError(answer[1])
    size = -(-question.size // 8) if question.table in BITS else 2 * question.size
    if answer[0] != function or answer[1] != size or len(answer) != size + 2:
        raise BadFrameError(f"{answer[:12].hex(' ')} is no answer to function {function}")
    return answer[2:]


def number(registers: bytes, kind: Kind, order: Order = "high") -> float:
    """Return the value of *kind* in its registers, whose higher word comes first or last by *order*.

    May be infinite or no number.
    """
    if order == "low":
        registers = b"".join(registers[at : at + 2] for at in range(len(registers) - 2, -1, -2))
    return float(struct.unpack(_FORMATS[kind], registers)[0])
