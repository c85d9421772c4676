"""A conversation over TCP, in the clear or under TLS, of which the peer's part is bounded from the start."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

from monitor.kit.sockets import Target
from monitor.kit.tcp import connect, round_trip
from monitor.kit.tls import Secured, secure

MOST = 65_536
"""Bytes that a peer may say in one conversation, the handshake of TLS apart."""
_RAW = 2 * MOST
"""Bytes of TLS that may carry them; records may be empty, or not for us."""
_PIECE = 8192


class HungUpError(EOFError):
    """The peer hung up before it had said all; `heard` is what it had said."""

    def __init__(self, heard: bytes) -> None:
        super().__init__("hung up in the middle" if heard else "hung up without a word")
        self.heard = heard


class TooMuchError(Exception):
    """The peer says more than anybody needs to; `heard` is the beginning."""

    def __init__(self, heard: bytes) -> None:
        super().__init__("says more than is read")
        self.heard = heard


class Stream:
    """One connection that stands, and what the peer has said on it."""

    def __init__(self, sock: socket.socket, secured: Secured | None = None, most: int = MOST) -> None:
        self._sock = sock
        self._secured = secured
        self._heard = bytearray()
        self._room = most
        self._raw = _RAW
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    @property
    def age(self) -> float:
        """Seconds since it could be talked on."""
        return self._loop.time() - self._began

    @property
    def rtt(self) -> float:
        """Round trip as the kernel measured it, seconds; 0 if it has not."""
        return round_trip(self._sock)

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port."""
        host, port = self._sock.getsockname()[:2]
        return str(host), int(port)

    async def secure(self, settings: ssl.SSLContext, name: str) -> None:
        """Go on under TLS. Raises what `tls.secure` raises, also if the peer has spoken ahead."""
        if self._heard:
            raise ssl.SSLError(1, "the peer speaks before the handshake")
        self._secured = await secure(self._sock, settings, name)

    async def say(self, words: bytes) -> None:
        """Send *words*. Raises OSError, ssl.SSLError among them."""
        if self._secured is not None:
            self._secured.tls.write(words)
            words = self._secured.outgoing.read()
        await self._loop.sock_sendall(self._sock, words)

    async def finish(self) -> None:
        """Say that no more comes, and wait until the peer has taken it all and hangs up as well.

        Raises TooMuchError, OSError; one is that the peer hangs up without having read it all.
        """
        if self._secured is not None:
            with contextlib.suppress(ssl.SSLWantReadError):
                self._secured.tls.unwrap()
            await self._loop.sock_sendall(self._sock, self._secured.outgoing.read())
        self._sock.shutdown(socket.SHUT_WR)
        while data := await self._loop.sock_recv(self._sock, _PIECE):
            self._raw -= len(data)
            if self._raw < 0:
                raise TooMuchError(b"")

    def part(self, words: bytes) -> None:
        """Say a last word, if there is room for it at once; for when there is no time left to wait."""
        if self._secured is None:
            with contextlib.suppress(OSError):
                self._sock.send(words)

    async def until(self, mark: bytes) -> bytes:
        """Return what the peer says up to and with *mark*.

        Raises HungUpError, TooMuchError, OSError; ssl.SSLError among the latter.
        """
        searched = 0
        while (at := self._heard.find(mark, searched)) < 0:
            searched = max(0, len(self._heard) - len(mark) + 1)
            await self._hear()
        return self._taken(at + len(mark))

    async def head(self) -> bytes:
        """Return the next lines up to and with an empty one; empty lines before them are signs of life.

        Raises as `until` does.
        """
        lines: list[bytes] = []
        while True:
            try:
                line = await self.until(b"\r\n")
            except HungUpError as error:
                raise HungUpError(b"".join((*lines, error.heard))) from None
            if line != b"\r\n":
                lines.append(line)
            elif lines:
                return b"".join((*lines, line))

    async def exactly(self, count: int) -> bytes:
        """Return the next *count* bytes. Raises as `until` does."""
        while len(self._heard) < count:
            await self._hear()
        return self._taken(count)

    def _taken(self, count: int) -> bytes:
        taken = bytes(self._heard[:count])
        del self._heard[:count]
        return taken

    async def _hear(self) -> None:
        if not self._room:
            raise TooMuchError(bytes(self._heard))
        piece = await self._piece(min(_PIECE, self._room))
        if not piece:
            raise HungUpError(bytes(self._heard))
        self._room -= len(piece)
        self._heard += piece

    async def _piece(self, most: int) -> bytes:
        if self._secured is None:
            return await self._loop.sock_recv(self._sock, most)
        tls, incoming, outgoing = self._secured
        while True:
            try:
                return tls.read(most)
            except ssl.SSLWantReadError:
                await self._loop.sock_sendall(self._sock, outgoing.read())
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            data = await self._loop.sock_recv(self._sock, _PIECE)
            self._raw -= len(data)
            if self._raw < 0:
                raise TooMuchError(bytes(self._heard))
            if data:
                incoming.write(data)
            else:
                incoming.write_eof()


@contextlib.asynccontextmanager
async def conversation(
    target: Target, settings: ssl.SSLContext | None = None, name: str = "", *, most: int = MOST
) -> AsyncIterator[Stream]:
    """Connect, shake hands if there are *settings*, give the stream, and hang up at the end of the block.

    Raises ConnectError; under TLS what `secure` raises.
    """
    with await connect(target) as sock:
        secured = await secure(sock, settings, name) if settings is not None else None
        yield Stream(sock, secured, most)
