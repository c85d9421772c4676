"""What one look saw: a fact, never changed."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

NOTHING: Mapping[str, float] = MappingProxyType({})


class Outcome(StrEnum):
    """The three ways a look can end. Unknown is neither down nor recovered."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """What one look found."""

    outcome: Outcome
    reason: str
    """A short stable word, fit for a label: `timeout`, `refused`. `ok` where all is well; beside an outcome
    that is ok any other word says what is poor though it works."""
    detail: str = ""
    """The same for people; may quote the peer, so it is hostile text and never a label."""
    values: Mapping[str, float] = NOTHING
    """Measured values by name, in base units: `rtt` in seconds, `tls_expiry` as Unix time."""
    path_up: bool = False
    """The peer itself answered, if only to refuse: the way to it works."""


def ok(detail: str = "", **values: float) -> Finding:
    """Say that the subject is as it should be."""
    return Finding(Outcome.OK, "ok", detail, values, path_up=True)


def poor(reason: str, detail: str = "", **values: float) -> Finding:
    """Say that the subject works, and that what *reason* names is beyond its limit."""
    return Finding(Outcome.OK, reason, detail, values, path_up=True)


def failed(reason: str, detail: str = "", *, path_up: bool = False, **values: float) -> Finding:
    """Say that the subject is not as it should be; *path_up* if the peer itself told us so."""
    return Finding(Outcome.FAILED, reason, detail, values, path_up)


def unknown(reason: str, detail: str = "") -> Finding:
    """Say that we could not look; it tells nothing about the subject."""
    return Finding(Outcome.UNKNOWN, reason, detail)
