"""One message handed to one mail server (RFC 5321), and what became of it.

What was refused before the text of the message was said is known for sure, and so is a final yes (250) or no.
Only from the text's last line to the server's answer it may have been taken or not (section 4.5.3.2.6).
"""

import asyncio
import contextlib
import re
import ssl
from base64 import b64encode
from dataclasses import dataclass
from typing import Literal, NamedTuple

from monitor.kit.courier import Fate, Receipt
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Place, find_target
from monitor.kit.stream import HungUpError, Stream, TooMuchError, conversation
from monitor.kit.tcp import ConnectError
from monitor.kit.text import discreet

Security = Literal["starttls", "tls", "none"]
PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}

_LINE = re.compile(rb"([2-5][0-9]{2})([ -]?)(.*)\r\n", re.DOTALL)
_YES = range(200, 300)
_GO_ON = range(300, 400)
_PASSING = range(400, 500)
_ABOUT_US = frozenset({530, 534, 535, 538})
"""Refusals that are about who we are (RFC 4954, section 6), not about the message: a person may mend that."""
_ACCEPTED = 250


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, and who we are to it."""

    host: str
    port: int
    security: Security
    tls: ssl.SSLContext | None
    """For all but `none`."""
    username: str | None = None
    password: str | None = None


class Envelope(NamedTuple):
    """One message for one recipient."""

    sender: str
    recipient: str
    text: bytes
    """Header and body, with CRLF at the end of every line."""


class _Reply(NamedTuple):
    code: int
    lines: list[str]

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.lines)}"


class _RefusedError(Exception):
    """The server said no; `fate` is what follows."""

    def __init__(self, fate: Fate, words: str) -> None:
        super().__init__(words)
        self.fate = fate


async def submit(server: Server, envelope: Envelope, timeout: float) -> Receipt:  # noqa: ASYNC109 - of one attempt
    """Make one attempt, of at most *timeout* seconds, to hand the message over. Raises nothing.

    The reference of a message that was taken is the server's answer, which mostly names it.
    """
    visit = _Visit(server, envelope)
    try:
        async with asyncio.timeout(timeout):
            return Receipt(Fate.TAKEN, reference=visit.discreet(await visit.make()))
    except _RefusedError as error:
        return Receipt(error.fate, visit.discreet(str(error)))
    except TimeoutError:
        return Receipt(visit.unanswered, f"no answer within {timeout:g} s")
    except (ResolveError, ConnectError, HungUpError, TooMuchError, EOFError, OSError) as error:
        return Receipt(visit.unanswered, visit.discreet(f"{type(error).__name__}: {error}"))


class _Visit:
    """One connection to the server."""

    def __init__(self, server: Server, envelope: Envelope) -> None:
        self._server = server
        self._envelope = envelope
        self.unanswered = Fate.LATER
        """What follows if it ends now."""

    def discreet(self, words: str) -> str:
        """Return *words* of the server without our secret and without whom we write to."""
        secrets = [self._envelope.recipient, *self._secrets()]
        return discreet(words, secrets)

    async def make(self) -> str:
        """Hand the message over and return the answer."""
        server = self._server
        target = await find_target(shared(), Place(server.host, server.port))
        at_once = server.tls if server.security == "tls" else None
        async with conversation(target, at_once, server.host) as stream:
            offers = await self._meet(stream)
            if server.username is not None:
                await self._log_in(stream, offers)
            answer = await self._hand_over(stream)
            with contextlib.suppress(OSError):
                await stream.say(b"QUIT\r\n")
            return str(answer)

    async def _meet(self, stream: Stream) -> dict[str, str]:
        """Greet, under TLS if that is wanted, and return what the server offers, by keyword."""
        _held(await _reply(stream), _YES)
        offers = await self._greet(stream)
        if self._server.security != "starttls" or self._server.tls is None:
            return offers
        if "STARTTLS" not in offers:
            raise _RefusedError(Fate.LATER, "the server offers no STARTTLS")
        _held(await _asked(stream, b"STARTTLS"), _YES)
        await stream.secure(self._server.tls, self._server.host)
        return await self._greet(stream)

    async def _greet(self, stream: Stream) -> dict[str, str]:
        host, _ = stream.local
        literal = f"IPv6:{host}" if ":" in host else host
        reply = _held(await _asked(stream, b"EHLO [%s]" % literal.partition("%")[0].encode()), _YES)
        words = (line.upper().partition(" ") for line in reply.lines[1:])
        return {keyword: parameters for keyword, _, parameters in words}

    async def _log_in(self, stream: Stream, offers: dict[str, str]) -> None:
        """Say who we are (RFC 4954), by PLAIN (RFC 4616) or by its older fellow LOGIN."""
        plain, user, password, _ = self._secrets()
        known = offers.get("AUTH", "").split()
        if "PLAIN" in known:
            reply = await _asked(stream, b"AUTH PLAIN " + plain.encode())
        elif "LOGIN" in known:
            _held(await _asked(stream, b"AUTH LOGIN"), _GO_ON)
            _held(await _asked(stream, user.encode()), _GO_ON)
            reply = await _asked(stream, password.encode())
        else:
            raise _RefusedError(Fate.LATER, "the server offers no AUTH PLAIN or AUTH LOGIN")
        _held(reply, _YES)

    def _secrets(self) -> tuple[str, ...]:
        """Return what goes over the wire to say who we are, and the password itself."""
        if self._server.username is None:
            return ()
        user, password = self._server.username.encode(), (self._server.password or "").encode()
        coded = [b64encode(part).decode() for part in (b"\0%s\0%s" % (user, password), user, password)]
        return *coded, password.decode()

    async def _hand_over(self, stream: Stream) -> _Reply:
        envelope = self._envelope
        _taken(await _asked(stream, f"MAIL FROM:<{envelope.sender}>".encode()), _YES)
        _taken(await _asked(stream, f"RCPT TO:<{envelope.recipient}>".encode()), _YES)
        _taken(await _asked(stream, b"DATA"), _GO_ON)
        self.unanswered = Fate.UNSURE
        await stream.say(_stuffed(envelope.text))
        return _taken(await _reply(stream), range(_ACCEPTED, _ACCEPTED + 1), otherwise=Fate.UNSURE)


async def _asked(stream: Stream, command: bytes) -> _Reply:
    await stream.say(command + b"\r\n")
    return await _reply(stream)


async def _reply(stream: Stream) -> _Reply:
    """Return the server's next reply; how much it may say is the stream's to bound."""
    lines = []
    while True:
        line = await stream.until(b"\r\n")
        if (found := _LINE.fullmatch(line)) is None:
            raise OSError(f"no SMTP: {line[:100]!r}")
        lines.append(found[3].decode("utf-8", "replace"))
        if found[2] != b"-":
            return _Reply(int(found[1]), lines)


def _held(reply: _Reply, expected: range) -> _Reply:
    """Return *reply* if it is as *expected*; a no before there is a message a person may mend."""
    if reply.code not in expected:
        raise _RefusedError(Fate.LATER, str(reply))
    return reply


def _taken(reply: _Reply, expected: range, otherwise: Fate = Fate.LATER) -> _Reply:
    """Return *reply* if it is as *expected*; 4yz is a passing no to the message, 5yz a lasting one."""
    if reply.code in expected:
        return reply
    if reply.code in _PASSING or reply.code in _ABOUT_US:
        raise _RefusedError(Fate.LATER, str(reply))
    raise _RefusedError(otherwise if reply.code < _PASSING.start else Fate.REFUSED, str(reply))


def _stuffed(text: bytes) -> bytes:
    """Return *text* with its end marked, and no line in it that looks like the end (section 4.5.2)."""
    dotted = re.sub(rb"^\.", b"..", text, flags=re.MULTILINE)
    return dotted + (b"" if dotted.endswith(b"\r\n") else b"\r\n") + b".\r\n"
