"""What outlasts a restart: beliefs, what was learned, and since when things are as they are.

One small JSON file, replaced atomically. A file that cannot be read is set aside and told of; it never
stops the daemon, and never is an outage forgotten because of a half-written file.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.core.detection import Belief, Learned, Verdict
from monitor.core.health import Health, Status, SubjectKind
from monitor.core.inventory import Role

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was saved of an earlier run."""

    saved_at: float = 0.0
    """Wall time, Unix seconds; 0: there was nothing to remember."""
    beliefs: Mapping[str, Belief] = field(default_factory=dict)
    learned: Mapping[str, Learned] = field(default_factory=dict)
    looks: Mapping[str, str] = field(default_factory=dict)
    """By check, what it looked at: a belief about another address is not taken over."""
    statuses: Mapping[str, Status] = field(default_factory=dict)
    trouble: str = ""
    """Why the file could not be used; empty where it could."""


def encode(state: Remembered) -> bytes:
    """Return *state* as it is kept on disk.

    Piece by piece, for one large `json.dumps` would hold the interpreter, and with it the event loop, for as
    long as it takes.
    """
    head = f'{{"format":{FORMAT},"saved_at":{state.saved_at!r},"checks":{{'
    checks = (f"{_json(name)}:{_json(_check_items(state, name))}" for name in state.beliefs)
    statuses = (f"{_json(name)}:{_json(_status_items(status))}" for name, status in state.statuses.items())
    return "".join((head, ",\n".join(checks), '},\n"statuses":{', ",\n".join(statuses), "}}\n")).encode()


def decode(text: bytes) -> Remembered:
    """Read what `encode` wrote; raises ValueError, LookupError, TypeError or AttributeError otherwise."""
    document = json.loads(text)
    if document["format"] != FORMAT:
        raise ValueError(f"format {document['format']!r}, not {FORMAT}")
    checks: dict[str, Any] = document["checks"]
    return Remembered(
        saved_at=float(document["saved_at"]),
        beliefs={name: _belief(*items[1:5]) for name, items in checks.items()},
        learned={name: Learned(*map(float, items[5:7])) for name, items in checks.items()},
        looks={name: str(items[0]) for name, items in checks.items()},
        statuses={name: _status(name, *values) for name, values in document["statuses"].items()},
    )


def load(path: Path) -> Remembered:
    """Read the state file; a broken one is set aside under another name, and the trouble told."""
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        return Remembered()
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        trouble = f"{path}: not usable: {error!r}"
        aside = path.with_name(f"{path.name}.broken")
        try:
            path.replace(aside)
        except OSError as failure:
            return Remembered(trouble=f"{trouble}; could not be set aside: {failure}")
        return Remembered(trouble=f"{trouble}; set aside as {aside.name}")


def save(path: Path, text: bytes) -> None:
    """Replace the state file by *text*, or leave it as it was; raises OSError."""
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _check_items(state: Remembered, name: str) -> list[object]:
    belief, learned = state.beliefs[name], state.learned[name]
    believed = [belief.verdict, belief.since, belief.reason, belief.detail]
    return [state.looks[name], *believed, round(learned.looks, 1), round(learned.isolated, 6)]


def _status_items(status: Status) -> list[object]:
    return [status.kind, status.health, status.since, status.reason, status.active, status.ill_since]


def _belief(verdict: str, since: float, reason: str, detail: str) -> Belief:
    return Belief(Verdict(verdict), float(since), str(reason), str(detail))


def _status(
    subject: str,
    kind: str,
    health: str,
    since: float,
    reason: str,
    active: str | None,
    ill_since: float | None,
) -> Status:
    return Status(
        subject,
        SubjectKind(kind),
        Health(health),
        float(since),
        str(reason),
        active=Role(active) if active else None,
        ill_since=None if ill_since is None else float(ill_since),
    )
