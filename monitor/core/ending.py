"""Where the way over a circuit ends: part of what is known of an incident."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the way over a circuit ends, as one trace shows it. Times are Unix seconds."""

    circuit: str
    vantage: str
    at: float
    """Wall time of the trace, Unix seconds."""
    target: str
    reached: bool
    """The way is whole again, or another leads there."""
    how: str
    """What ended the trace: an answer of the target, a router's refusal, `silence` …"""
    last: str = ""
    """The last hop that answers; empty: not even the first does."""
    gone: str = ""
    """The first behind it that answered when all was well, and no longer does; empty: not known."""
    hops: tuple[str, ...] = ()
    """All that answer now; empty: silence."""
    was: tuple[str, ...] = ()
    """All that answered when all was well; none: not known."""
    was_at: float | None = None
