"""PostgreSQL, and what speaks like it (Kingbase, openGauss): a startup message, and what comes back.

Format: PostgreSQL documentation, "Frontend/Backend Protocol", "Message Formats"; SQLSTATE: its appendix A.
"""

from monitor.kit.databases.talk import OK, Heard, NonsenseError, Talk, Verdict, concluded, cut

_PROTOCOL = 3 << 16
_TERMINATE = b"X\0\0\0\4"
_PRE_3 = 30_000
"""An error that claims to be longer than this is one of protocol 2, a line without a length: so says a server
that cannot even fork."""
_ASKS = {
    2: "Kerberos",
    3: "a password",
    5: "a password (MD5)",
    7: "GSSAPI",
    9: "SSPI",
    10: "a password (SASL)",
}
_STRANGER = ("28", "3D", "0A")
"""Classes of SQLSTATE that speak of us: who we are, which database we want, which protocol we speak."""
_BUSY = {"53300", "53400"}
_NOT_READY = {"57P01", "57P02", "57P03"}
_PASSING = b"SKNv"
"""Messages passed over on the way to the first query: parameters, keys, notices, the version negotiated."""


def postgres(user: str) -> Talk:
    """Ask to be let in as *user*, without a password."""
    return concluded(_talk(user))


def startup(user: str) -> bytes:
    """Return the message that opens a connection."""
    body = b"user\0" + user.encode() + b"\0application_name\0command-monitor\0\0"
    return (len(body) + 8).to_bytes(4) + _PROTOCOL.to_bytes(4) + body


def _talk(user: str) -> Talk:
    heard, words, let_in, version = Heard(), startup(user), False, ""
    while True:
        head = yield from heard.take(5, words)
        words = b""
        kind, length = head[:1], int.from_bytes(head[1:])
        if kind == b"E" and length > _PRE_3:
            return Verdict("error", f"{head[1:]!r}…, and no more in this protocol")
        if kind not in b"ERZ" + _PASSING or length < 4:  # noqa: PLR2004 - the length of the length
            raise NonsenseError(repr(head))
        body = yield from heard.take(length - 4)
        if kind == b"E":
            return _refused(body)
        if kind == b"R" and (asked := int.from_bytes(body[:4])):
            return Verdict(OK, f"PostgreSQL, asks for {_ASKS.get(asked, 'something else')}")
        let_in |= kind == b"R"
        version = version or _version(kind, body)
        if let_in and (version or kind == b"Z"):
            return Verdict(OK, f"PostgreSQL {version}, asks for no password", _TERMINATE)


def _version(kind: bytes, body: bytes) -> str:
    name, at = cut(body)
    return cut(body, at)[0].decode("utf-8", "replace") if (kind, name) == (b"S", b"server_version") else ""


def _refused(body: bytes) -> Verdict:
    fields, at = {}, 0
    while at < len(body) and body[at]:
        value, after = cut(body, at + 1)
        fields[chr(body[at])] = value.decode("utf-8", "replace")
        at = after
    state, text = fields.get("C", ""), fields.get("M", "an error without words")
    if state in _BUSY:
        return Verdict("busy", text)
    if state in _NOT_READY:
        return Verdict("not_ready", text)
    if state[:2] in _STRANGER:
        return Verdict(OK, f"PostgreSQL, refuses us: {text}")
    return Verdict("error", f"{state} {text}")
