"""Every error of ours, named by what its reader must do."""

from collections.abc import Sequence
from dataclasses import dataclass


class MonitorError(Exception):
    """Something of ours went wrong; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in what we were given to read, and what would be right."""

    file: str
    """The file as the caller named it, or `environment`."""
    line: int | None
    """Counts from 1; None where the file as a whole is meant."""
    key: str
    """Path of the key, `centers.danjiangkou.links.city.primary.carrier`; may be empty."""
    found: str
    expected: str
    hint: str = ""
    """The nearest valid word."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in self.key)
        where = f"{place}: {key}" if key else place
        guess = f" (did you mean {self.hint}?)" if self.hint else ""
        return f"{where}: found {self.found}, expected {self.expected}{guess}"


class ConfigError(MonitorError):
    """A file has to be mended; the message names file, line and key of every mistake in it."""

    def __init__(self, message: str = "", *, problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)) or message)


class PeerError(MonitorError):
    """A peer (broker, daemon) cannot be used now; try again later."""
