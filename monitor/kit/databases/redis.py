"""Redis, and what speaks like it (Valkey, KeyDB): a PING, and a question for the version.

Format: Redis documentation, "Redis serialization protocol specification".
"""

import re
from collections.abc import Generator

from monitor.kit.databases.talk import OK, Heard, HungUpError, NonsenseError, Talk, Verdict, concluded

_WORDS = b"PING\r\nINFO server\r\n"
_BULK = re.compile(rb"\$(\d{1,5})")
_VERSION = re.compile(rb"^redis_version:([\w.+-]{1,40})\r?$", re.MULTILINE)
_STRANGER = ("NOAUTH ", "DENIED ", "NOPERM ", "WRONGPASS ")
_NOT_READY = ("LOADING ", "MASTERDOWN ", "CLUSTERDOWN ")
_BUSY = ("BUSY ", "ERR max number of clients")


def redis(_user: str) -> Talk:
    """Ask whether it is there, and which one it is, as nobody."""
    return concluded(_talk())


def _talk() -> Talk:
    heard = Heard()
    line = yield from heard.line(_WORDS)
    if line == b"+PONG":
        version = yield from _version(heard)
        return Verdict(OK, f"Redis{version}, asks for no password")
    if not line.startswith(b"-"):
        raise NonsenseError(repr(line[:40]))
    return _refused(line[1:].decode("utf-8", "replace"))


def _version(heard: Heard) -> Generator[bytes, bytes, str]:
    """Return the version with a blank in front, or nothing: that it answered is enough."""
    try:
        line = yield from heard.line()
        if (bulk := _BULK.fullmatch(line)) is None:
            return ""
        told = yield from heard.take(int(bulk[1]))
    except (HungUpError, NonsenseError):
        return ""
    found = _VERSION.search(told)
    return f" {found[1].decode('ascii', 'replace')}" if found else ""


def _refused(text: str) -> Verdict:
    if text.startswith(_STRANGER):
        return Verdict(OK, f"Redis, refuses us: {text}")
    if text.startswith(_NOT_READY):
        return Verdict("not_ready", text)
    return Verdict("busy" if text.startswith(_BUSY) else "error", text)
