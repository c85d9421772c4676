"""What the talks have in common: the words of their verdicts, and how a message is waited for."""

from collections.abc import Generator
from typing import NamedTuple

OK = "ok"
WORDS = {
    "busy": "it takes no more clients, or is too busy to answer",
    "not_ready": "it is starting, stopping, recovering or loading",
    "blocked": "it has blocked this host after too many broken connections",
    "error": "it answers with an error that has nothing to do with who we are",
    "unexpected_answer": "what answers does not speak the protocol",
    "closed": "it hung up in the middle of the talk",
}
"""What a verdict can say besides that all is well."""
MOST = 65_536
"""Bytes of a message that are waited for at most."""
LINE = 1024
"""Bytes of a line, likewise."""


class Verdict(NamedTuple):
    """How a talk ended."""

    word: str
    """`ok` or one of `WORDS`."""
    text: str
    """The same for people; quotes the server."""
    farewell: bytes = b""
    """What is still to be sent before hanging up."""


Talk = Generator[bytes, bytes, Verdict]
"""Yields what is to be sent (empty: only listen), is sent what came then (empty: it hung up)."""


class HungUpError(Exception):
    """The server closed the connection before it had said enough."""


class NonsenseError(Exception):
    """The server does not speak the protocol; the message quotes it."""


class Heard:
    """What has come and has not been taken yet."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def take(self, count: int, words: bytes = b"") -> Generator[bytes, bytes, bytes]:
        """Return the next *count* bytes, after *words* have been sent. Raises HungUpError, NonsenseError."""
        if count > MOST:
            raise NonsenseError(f"a message of {count} bytes")
        while words or len(self._bytes) < count:
            more = yield words
            words = b""
            self._bytes += more
            if not more and len(self._bytes) < count:
                raise HungUpError
        taken = bytes(self._bytes[:count])
        del self._bytes[:count]
        return taken

    def line(self, words: bytes = b"") -> Generator[bytes, bytes, bytes]:
        """Return the next line without its CR LF, at most `LINE` bytes; raises the same."""
        while words or (end := self._bytes.find(b"\r\n", 0, LINE)) < 0:
            if len(self._bytes) >= LINE:
                raise NonsenseError(repr(bytes(self._bytes[:40])))
            more = yield words
            words = b""
            self._bytes += more
            if not more and b"\r\n" not in self._bytes:
                raise HungUpError
        taken = yield from self.take(end + 2)
        return taken[:-2]


def concluded(talk: Talk) -> Talk:
    """Run *talk*; what it raises becomes a verdict."""
    try:
        return (yield from talk)
    except HungUpError:
        return Verdict("closed", "hung up in the middle of the talk")
    except NonsenseError as nonsense:
        return Verdict("unexpected_answer", f"said {nonsense}")


def cut(body: bytes, start: int = 0) -> tuple[bytes, int]:
    """Return the bytes up to the next NUL, or to the end, and where the next begin."""
    end = body.find(b"\0", start)
    end = len(body) if end < 0 else end
    return body[start:end], end + 1
