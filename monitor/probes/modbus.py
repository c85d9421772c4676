"""Reads one value of a device over Modbus TCP and holds it against its limits; writes nothing."""

import math
from typing import Self

from pydantic import Field, IPvAnyAddress, model_validator

from monitor.core.limits import Limit, judged
from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.modbus import (
    BITS,
    REFUSALS,
    BadFrameError,
    Kind,
    Order,
    Question,
    RefusedError,
    Table,
    number,
    read,
    words,
)
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, clash, find_target
from monitor.kit.stream import HungUpError, TooMuchError, conversation
from monitor.kit.tcp import ConnectError
from monitor.kit.text import clean
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    "too_high": "the value is above `warn_above`, or above `max_value`",
    "too_low": "the value is below `warn_below`, or below `min_value`",
    "unexpected_value": "the value is not the one in `expect`",
    "not_a_number": "the registers hold no finite number",
    **dict(REFUSALS.values()),
    "exception": "the device refuses for a reason of its own",
    "bad_response": "what the peer says is not Modbus",
    "closed": "the peer hung up without an answer",
    **mishap.PEERS,
    "name_resolution": "the name has no address, or the name servers are silent",
    **mishap.OURS,
}

VALUES = {
    "value": ("as configured", "what was read, times `scale`, plus `offset`; of a coil 0 or 1"),
    "rtt": ("seconds", "round trip of the handshake, as the kernel measured it"),
    "answer": ("seconds", "from the question to the answer"),
}

_OF_GATEWAYS = frozenset({"gateway_path", "gateway_no_response"})


class Options(ProbeOptions):
    """What to read, what it means, and how far it may go."""

    host: Host = Field(description="Name or address of the device or gateway.")
    port: int = Field(default=502, ge=1, le=65535, description="TCP port.")
    unit_id: int = Field(
        default=1, ge=0, le=255, description="Device behind a gateway; many take any number."
    )
    table: Table = Field(
        default="holding",
        description="`holding` or `input` for registers, `coil` or `discrete` for single bits.",
    )
    at: int = Field(
        ge=0,
        le=65535,
        description="Number of the coil or of the first register, from 0: a manual's 40001 is 0.",
    )
    type: Kind = Field(
        default="uint16",
        description="What the registers hold: `int16`, `uint16`, `int32`, `uint32`, `float32`.",
    )
    word_order: Order = Field(
        default="high", description="Which register of two comes first: the `high` word or the `low` one."
    )
    scale: float = Field(default=1.0, allow_inf_nan=False, description="What to multiply the number with.")
    offset: float = Field(default=0.0, allow_inf_nan=False, description="What to add then.")
    label: str = Field(default="value", max_length=40, description="What people call the value.")
    unit: str = Field(default="", max_length=20, description="What it counts, for people: `V`, `°C`.")
    expect: float | None = Field(
        default=None, allow_inf_nan=False, description="What the value must be; of a coil 0 or 1."
    )
    warn_above: float | None = Field(default=None, description="Above it the value is poor.")
    max_value: float | None = Field(default=None, description="Above it the look has failed.")
    warn_below: float | None = Field(default=None, description="Below it the value is poor.")
    min_value: float | None = Field(default=None, description="Below it the look has failed.")
    any_answer: bool = Field(
        default=False,
        description="Whether a refusal of the device is a sign of life; one of a gateway before it never is.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to ask from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to ask over.")

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if self.table in BITS and self.type != "uint16":
            raise ValueError(f"type goes with registers; a {self.table} is 0 or 1")
        if self.table not in BITS and self.at + words(self.type) > 65_536:  # noqa: PLR2004 - there are no more
            raise ValueError(f"at {self.at} there is no room for {self.type}")
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Read once over a new connection, and hang up: devices have room for few."""
    count = 1 if options.table in BITS else words(options.type)
    question = Question(options.table, options.at, count, options.unit_id)
    try:
        target = await find_target(shared(), options)
        async with conversation(target) as stream:
            answer = await read(stream, question)
            timed = {"rtt": stream.rtt, "answer": stream.age}
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    except ConnectError as error:
        return of_mishap(error.mishap)
    except RefusedError as error:
        alive = options.any_answer and error.word not in _OF_GATEWAYS
        return ok(str(error)) if alive else failed(error.word, str(error), path_up=True)
    except HungUpError as error:
        return failed("bad_response" if error.heard else "closed", str(error), path_up=True)
    except (BadFrameError, TooMuchError) as error:
        return failed("bad_response", str(error), path_up=True)
    except OSError as error:
        return of_mishap(mishap.raised(error))
    return _judge(answer, options, timed)


def _judge(answer: bytes, options: Options, timed: dict[str, float]) -> Finding:
    raw = float(answer[0] & 1) if options.table in BITS else number(answer, options.type, options.word_order)
    value = raw * options.scale + options.offset
    if not math.isfinite(value):
        return failed("not_a_number", f"{options.label} {value}", path_up=True, **timed)
    label, unit, timed = options.label, options.unit, {"value": value, **timed}
    said = f"{label} {value:.6g}{f' {unit}' if unit else ''}"
    if options.expect is not None and not math.isclose(value, options.expect, rel_tol=1e-6):
        return failed("unexpected_value", f"{said}, expected {options.expect:.6g}", path_up=True, **timed)
    limits = (
        Limit("too_high", label, value, options.warn_above, options.max_value, unit),
        Limit("too_low", label, value, options.warn_below, options.min_value, unit, low=True),
    )
    return judged(limits, said, **timed)
