"""Keeps a bug of ours to what it broke: it is counted and told as our own trouble, and all else goes on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from monitor.core.vitals import Vitals
from monitor.engine.telling import Telling
from monitor.kit.text import clean

QUIET = 600.0
"""Seconds for which the same bug is counted, and not told again."""
KINDS = 100
"""Bugs that are told apart."""

_log = structlog.get_logger()


class Mishaps:
    """Counts and tells what broke in the engine itself."""

    def __init__(self, vitals: Vitals, telling: Telling, clock: Callable[[], float] = time.monotonic) -> None:
        self._vitals = vitals
        self._telling = telling
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    @contextmanager
    def contained(self, place: str) -> Iterator[None]:
        """Let nothing but this block be broken by what breaks in it; *place*: what we were about."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - that is what it is for
            self.note(place, error)

    def note(self, place: str, error: Exception) -> None:
        """Count a bug, and tell it unless it was told of late. Raises nothing."""
        self._vitals.mishaps += 1
        if not self._is_news((place, type(error).__name__)):
            return
        _log.error("engine.mishap", place=place, exc_info=error)
        try:
            self._telling.daemon("mishap", place=place, trouble=clean(repr(error)))
        except Exception as another:  # noqa: BLE001 - it may be the telling that is broken
            _log.error("engine.mishap_untold", place=place, exc_info=another)

    def _is_news(self, kind: tuple[str, str]) -> bool:
        now = self._clock()
        if kind not in self._told and len(self._told) >= KINDS:
            return False
        news = now - self._told.get(kind, -QUIET) >= QUIET
        if news:
            self._told[kind] = now
        return news
