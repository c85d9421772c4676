"""structlog, set up once: one line per record, written by a thread, so that a stuck pipe delays nobody."""

import logging
import sys
import threading
from collections import deque
from typing import TextIO

import structlog

MOST_LINES = 10_000
"""Lines that wait for a stuck pipe; older ones are dropped and counted."""


class LineWriter:
    """A text file whose `write` never waits: a thread of its own does the writing."""

    def __init__(self, file: TextIO) -> None:
        """Write to *file* from now on."""
        self.dropped = 0
        """Lines that were lost because the file did not take them."""
        self._file = file
        self._lines: deque[str] = deque()
        self._some = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._drain, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Take *text*; the oldest waiting text is dropped where too much waits."""
        with self._some:
            if len(self._lines) >= MOST_LINES:
                self._lines.popleft()
                self.dropped += 1
            self._lines.append(text)
            self._some.notify()
        return len(text)

    def flush(self) -> None:
        """Do nothing: the thread flushes when it has written all there is."""

    def close(self, timeout: float = 1.0) -> None:
        """Write what waits, for at most *timeout* seconds."""
        with self._some:
            self._closed = True
            self._some.notify()
        self._thread.join(timeout)

    def _drain(self) -> None:
        while True:
            with self._some:
                while not self._lines and not self._closed:
                    self._some.wait()
                text = "".join(self._lines)
                self._lines.clear()
                if not text and self._closed:
                    return
            try:
                self._file.write(text)
                self._file.flush()
            except (OSError, ValueError):
                self.dropped += text.count("\n")


def configure(level: str = "info", style: str = "auto", file: TextIO | None = None) -> LineWriter:
    """Send all records to *file* (standard error by default); return the writer, to be closed at the end.

    *style* is `json`, `console`, or `auto`: console on a terminal, JSON elsewhere. Records of libraries
    come the same way, from warning on.
    """
    target = sys.stderr if file is None else file
    console = style == "console" or (style == "auto" and target.isatty())
    writer = LineWriter(target)
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=target.isatty())
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not console),
        structlog.processors.format_exc_info if not console else structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(writer),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(writer)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=last, foreign_pre_chain=shared))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    return writer
