"""MySQL and MariaDB: the server's greeting, and its answer to a stranger.

The greeting alone would do, but a client that hangs up after it counts as a broken connection, and after
`max_connect_errors` of them the server blocks the whole host: so we ask to be let in, and are refused.
Format: MySQL internals, "Connection Phase"; MariaDB knowledge base, "Connecting"; error numbers: MySQL 8.0
error reference.
"""

from collections.abc import Generator

from monitor.kit.databases.talk import OK, Heard, NonsenseError, Talk, Verdict, concluded, cut

_GREETING, _ERROR, _DONE, _MORE, _SWITCH = 10, 0xFF, 0x00, 0x01, 0xFE
_LONG_PASSWORD, _PROTOCOL_41, _SECURE, _PLUGIN = 0x1, 0x200, 0x8000, 0x80000
_UTF8 = 33
_ROUNDS = 4
"""Messages of an authentication that are gone along with."""
_BUSY = {1040, 1203, 1226}
_BLOCKED = 1129
_NOT_READY = {1053, 1079, 3032}
_STRANGER = {1044, 1045, 1049, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3159, 3162, 4151}
"""Errors that speak of us: our host, name, password, database, lack of TLS."""
_QUIT = b"\1\0\0\0\1"


def mysql(user: str) -> Talk:
    """Listen to the greeting, then ask to be let in as *user*, without a password."""
    return concluded(_talk(user))


def login(user: str, sequence: int) -> bytes:
    """Return the packet that asks to be let in (HandshakeResponse41)."""
    flags = _LONG_PASSWORD | _PROTOCOL_41 | _SECURE | _PLUGIN
    head = flags.to_bytes(4, "little") + (1 << 24).to_bytes(4, "little") + bytes([_UTF8]) + bytes(23)
    return _framed(head + user.encode() + b"\0\0mysql_native_password\0", sequence)


def _framed(body: bytes, sequence: int) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([sequence & 0xFF]) + body


def _packet(heard: Heard, words: bytes = b"") -> Generator[bytes, bytes, tuple[int, bytes]]:
    head = yield from heard.take(4, words)
    length = int.from_bytes(head[:3], "little")
    if not length:
        raise NonsenseError(repr(head))
    body = yield from heard.take(length)
    return head[3], body


def _talk(user: str) -> Talk:
    heard = Heard()
    sequence, body = yield from _packet(heard)
    if body[0] == _ERROR:
        return _refused(body, "MySQL or MariaDB")
    if body[0] != _GREETING or sequence != 0 or b"\0" not in body:
        raise NonsenseError(repr(body[:40]))
    server, at = _named(body)
    if not int.from_bytes(body[at : at + 2], "little") & _PROTOCOL_41:
        return Verdict(OK, server)
    words = login(user, sequence + 1)
    for _ in range(_ROUNDS):
        sequence, body = yield from _packet(heard, words)
        if body[0] == _ERROR:
            return _refused(body, server)
        if body[0] == _DONE:
            return Verdict(OK, f"{server}, asks for no password", _QUIT)
        if body[0] not in {_MORE, _SWITCH}:
            break
        words = _framed(b"", sequence + 1)
    return Verdict(OK, f"{server}, asks for a password")


def _named(body: bytes) -> tuple[str, int]:
    """Return what the server calls itself, and where its capabilities stand."""
    raw, at = cut(body, 1)
    version = raw.decode("utf-8", "replace").removeprefix(
        "5.5.5-"
    )  # MariaDB hides behind it from old clients
    return f"MariaDB {version}" if "mariadb" in version.lower() else f"MySQL {version}", at + 4 + 8 + 1


def _refused(body: bytes, server: str) -> Verdict:
    number = int.from_bytes(body[1:3], "little")
    text = body[9:] if body[3:4] == b"#" else body[3:]  # behind `#` a SQLSTATE of five
    words = text.decode("utf-8", "replace")
    if number in _STRANGER:
        return Verdict(OK, f"{server}, refuses us: {words}")
    if number == _BLOCKED:
        return Verdict("blocked", words)
    if number in _BUSY:
        return Verdict("busy", words)
    return Verdict("not_ready" if number in _NOT_READY else "error", f"{number} {words}")
