"""What vantages say to each other, as published: the models that the JSON Schemas are made from.

A vantage's own order is (boot, session, n): `session` counts its connections to this broker within one
boot, `n` what it said within one session. A message whose session and n are not above those of the latest on
the same topic and of the same boot is a repetition. A will has the largest n there is (LAST), for it comes
after everything else of its session, though it is written first.

Times are Unix seconds by the clock of the sender. They are labels: validity is counted from reception.
"""

from math import isfinite
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from monitor.core.world import EventKind
from monitor.kit.text import clean

LAST = 2**53 - 1
"""Largest number that every reader of JSON holds exactly (RFC 8259, section 6); the `n` of a will."""
ENTRIES = 200
"""Entries of the log in one chunk, at most."""
LONGEST = 1 << 20
"""Bytes of a payload, at most."""
DEPTH = 8
"""Levels within the data of an entry, at most."""
VALUES = 1000
"""Values within the data of an entry, at most."""
STRING = 2000
"""Characters of a text within the data of an entry; what is longer is cut."""
KEY = 64
"""Characters of a key within the data of an entry."""

_LEVEL = r'[!-"$-*,-.0-~]+'
_INTEGER = 2**63


class _Budget:
    """What the data of one entry may still hold."""

    def __init__(self) -> None:
        self.left = VALUES

    def tame(self, value: JsonValue, depth: int = 0) -> JsonValue:
        """Return *value* with its texts fit for people; raises ValueError for what nobody needs to say."""
        self.left -= 1
        if self.left < 0 or depth > DEPTH:
            raise ValueError(f"more than {VALUES} values or {DEPTH} levels")
        match value:
            case str():
                return value if len(value) <= STRING and value.isprintable() else clean(value, STRING)
            case float() if not isfinite(value):
                raise ValueError("a number that is not finite")
            case int() if not -_INTEGER <= value < _INTEGER:
                raise ValueError("a whole number beyond 64 bits")
            case list():
                return [self.tame(item, depth + 1) for item in value]
            case dict():
                return {_key(key): self.tame(item, depth + 1) for key, item in value.items()}
        return value


def _key(key: str) -> str:
    if not key.isprintable() or not 0 < len(key) <= KEY:
        raise ValueError(f"a key that is not 1 to {KEY} printable characters")
    return key


def _tamed(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    budget = _Budget()
    return {_key(key): budget.tame(value, 1) for key, value in data.items()}


def _cleaned(text: str) -> str:
    return text if text.isprintable() else clean(text)


VantageId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Path = Annotated[str, Field(max_length=256, pattern=f"^{_LEVEL}(/{_LEVEL})*$")]
Word = Annotated[str, Field(max_length=200), AfterValidator(_cleaned)]
Count = Annotated[int, Field(ge=0, le=LAST)]
Instant = Annotated[float, Field(ge=0, le=1e11)]
Seconds = Annotated[float, Field(ge=0, le=1e6)]
Data = Annotated[dict[str, JsonValue], Field(max_length=VALUES), AfterValidator(_tamed)]


class Wire(BaseModel):
    """What all messages between vantages have in common."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )

    def payload(self) -> bytes:
        """Return it as published; raises ValueError if it cannot be put into JSON."""
        return self.model_dump_json().encode()


class Stamp(Wire):
    """Who says it, and in which order."""

    vantage: VantageId
    """The place from which it is seen; the same as in the topic."""
    boot: Token
    """Names the run of the daemon that says it; a new one at each start."""
    session: Annotated[int, Field(ge=1, le=LAST)]
    """Counts the connections of this boot to this broker."""
    n: Count
    """Counts what was said within the session."""
    sent_at: Instant
    """When it was said, by the clock of the vantage; of a will, when its session began."""


class DaemonWord(Stamp):
    """How the daemon of a vantage is: birth, heartbeat, will and farewell; retained."""

    state: Literal["online", "offline"]
    """Whether the daemon is there."""
    reason: Literal["", "stopped", "lost"]
    """Of `offline`: `stopped` in good order, or `lost` (the broker told the will). Otherwise empty."""
    valid_for: Annotated[float, Field(gt=0, le=1e6)]
    """Seconds of silence after which the daemon is to be taken for silent."""
    version: Annotated[str, Field(max_length=64), AfterValidator(_cleaned)]
    """Of the program."""
    log: Token | Literal[""]
    """Identity of its log; empty while it has none."""
    end: Count
    """Position of the latest event of that log."""
    acknowledged: Count
    """Position up to which the collecting daemon has acknowledged it, as far as the vantage knows."""
    backlog: Count
    """Own events that are not acknowledged yet."""


class BeliefWord(Stamp):
    """What a vantage believes of one of its checks; retained, told at each change and refreshed."""

    check: Path
    """The check's readable path, such as `danjiangkou/province/primary/icmp`; the same as in the topic."""
    subject: Path
    """What the check looks at, `danjiangkou/province/primary`."""
    verdict: Literal["up", "degraded", "down", "unknown"]
    """What is held true of the check; `unknown` is neither down nor recovered."""
    suspected: bool
    """Enough was missed to be shown, not yet enough to be told."""
    reason: Word
    """A short stable word: `ok`, `timeout` …"""
    since: Instant
    """Since when the verdict holds, by the clock of the vantage; of a fault, that of its first miss."""
    valid_for: Annotated[float, Field(gt=0, le=1e6)]
    """Seconds for which it holds unless it is told again; counted from when it was received."""
    rtt: Seconds | None
    """Latest round-trip time; null if the latest look got no answer or none was made."""
    loss: Annotated[float, Field(ge=0, le=1)] | None
    """Share of the last looks (at most 60) that failed; null before the first."""


class Entry(Wire):
    """One event of a vantage's log."""

    boot: Token
    """Of the run that recorded it, which may be an earlier one than that which sends it."""
    seq: Annotated[int, Field(ge=1, le=LAST)]
    """Counts up within its boot; vantage, boot and seq together name the event everywhere and for ever."""
    at: Instant
    """When it happened, by the clock of the vantage."""
    kind: EventKind
    """`belief` (of a check), `status` (of a subject) or `daemon` (of the vantage's daemon)."""
    subject: Path
    """What it is about: a check, a subject, or the vantage itself."""
    data: Data
    """What the kind of event has to say; `too_large: true` in place of what did not fit into a message."""


class Chunk(Stamp):
    """A part of a vantage's log, not retained: its own events after `after` up to `upto`, oldest first."""

    log: Token
    """Identity of the log that the positions belong to."""
    after: Count
    """Position before the first entry."""
    upto: Count
    """Position of the last entry; equal to `after` if there is none."""
    entries: Annotated[tuple[Entry, ...], Field(max_length=ENTRIES)]
    """The events, oldest first; none if nothing of the vantage's own lies between the two positions."""

    @model_validator(mode="after")
    def _in_order(self) -> "Chunk":
        if self.upto < self.after:
            raise ValueError("upto is before after")
        if self.entries and self.upto == self.after:
            raise ValueError("entries but no positions")
        return self


class Ack(Wire):
    """How far the collecting daemon has recorded the log of a vantage; retained, cumulative."""

    collector: VantageId
    """The vantage of the collecting daemon."""
    at: Instant
    """When it was said, by the clock of the collecting daemon."""
    log: Token
    """Identity of the log that the position belongs to; of another log it means nothing."""
    position: Count
    """Everything up to here is recorded."""
    gap: bool
    """A chunk came that begins after `position`: what is between is missing, send from `position` on."""


W = TypeVar("W", bound=Wire)


def parse(model: type[W], payload: bytes) -> W:
    """Read a message; raises ValueError with a short reason, whatever the bytes are."""
    if len(payload) > LONGEST:
        raise ValueError(f"{len(payload)} bytes, more than {LONGEST}")
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        raise ValueError(_reason(error)) from None


def _reason(error: ValidationError) -> str:
    """Name the first thing that is wrong and where; both may quote the sender."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = clean(".".join(str(part) for part in first["loc"]), 80)
    return clean(f"{where}: {first['msg']}" if where else first["msg"])
