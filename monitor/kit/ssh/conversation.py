"""The conversation with a server up to its key: greetings, algorithms, one key exchange, good-bye."""

import asyncio
import base64
import hashlib
import secrets
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from monitor.kit.ssh.exchange import METHODS
from monitor.kit.ssh.hostkey import ALGORITHMS, verify
from monitor.kit.ssh.wire import Fields, SshError, names, number, spoilt, string

OURS = b"SSH-2.0-command_monitor"
MOST = 65_536
"""Bytes of the peer's talk that are read at most."""
_LONGEST_LINE = 255
_PREFACE = 8192
"""Bytes that a server may say before its greeting (RFC 4253, section 4.2)."""
_LONGEST_PACKET = 35_000
_HEAD = struct.Struct("!IB")
_BLOCK, _LEAST_PADDING = 8, 4
_DISCONNECT, _IGNORE, _DEBUG, _UNIMPLEMENTED, _KEXINIT, _OUR_HALF, _THEIR_HALF = 1, 2, 4, 3, 20, 30, 31
_BY_APPLICATION = 11
_GOODBYE = struct.pack("!BI", _DISCONNECT, _BY_APPLICATION) + string(b"only looking") + string(b"")
_COOKIE = 16
_CIPHERS = [
    "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com", "aes128-cbc", "aes256-cbc", "3des-cbc",
]  # fmt: skip
_MACS = ["hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha1", "hmac-md5"]
"""Offered because something must be agreed upon; never used."""


class Stream(Protocol):
    """What a conversation is held over."""

    async def send(self, data: bytes) -> None:
        """Send all of it."""

    async def receive(self, most: int) -> bytes:
        """Return some bytes, none if the peer has hung up."""


class Connected:
    """A connected non-blocking socket as a stream."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def receive(self, most: int) -> bytes:
        """Return some bytes, none if the peer has hung up."""
        return await asyncio.get_running_loop().sock_recv(self._sock, most)


class HostKey(NamedTuple):
    """A key that the server has proved to be its own."""

    algorithm: str
    """With which it was proved: `ssh-ed25519`."""
    exchange: str
    """How the secret was agreed upon: `curve25519-sha256`."""
    fingerprint: str
    """`SHA256:` and base64, as OpenSSH writes it."""


class Conversation:
    """One conversation; first `greet`, then `prove`. Both raise SshError, and OSError as the stream does."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._heard = bytearray()
        self._left = MOST
        self._greeting = b""

    async def greet(self) -> str:
        """Exchange greetings and return the server's: `SSH-2.0-OpenSSH_9.2p1 Debian-2`."""
        await self._stream.send(OURS + b"\r\n")
        before = 0
        while True:
            line = await self._line()
            if line.startswith(b"SSH-"):
                break
            before += len(line) + 1
            if before > _PREFACE:
                raise SshError("not_ssh", "the peer talks on and on without an SSH greeting")
        if not line.startswith((b"SSH-2.0-", b"SSH-1.99-")):
            raise SshError("ssh_version", f"the peer greets with {line[:40]!r}")
        self._greeting = line
        return line.decode("utf-8", "replace")

    async def prove(self) -> HostKey:
        """Let the server prove its key, and leave."""
        ours = _offer()
        await self._say(ours)
        theirs = await self._packet(_KEXINIT)
        method, algorithm = _agreed(theirs)
        agreement = METHODS[method].begin()
        await self._say(bytes([_OUR_HALF]) + agreement.sent)
        fields = Fields((await self._packet(_THEIR_HALF))[1:])
        key = fields.string()
        try:
            half, secret = agreement.secret(fields)
        except ValueError as error:
            raise spoilt(f"the peer's half of the exchange is none: {error}") from error
        said = b"".join(map(string, (OURS, self._greeting, ours, theirs, key)))
        digest = METHODS[method].digest(said + agreement.sent + half + number(secret))
        verify(algorithm, key, fields.string(), digest)
        await self._say(_GOODBYE)
        return HostKey(algorithm, method, fingerprint(key))

    async def _say(self, payload: bytes) -> None:
        padding = _LEAST_PADDING + -(_HEAD.size + len(payload) + _LEAST_PADDING) % _BLOCK
        head = _HEAD.pack(1 + len(payload) + padding, padding)
        await self._stream.send(head + payload + bytes(padding))

    async def _packet(self, kind: int) -> bytes:
        """Return the payload of the next packet of a kind, passing over what means nothing."""
        while True:
            head = await self._exactly(_HEAD.size)
            length, padding = _HEAD.unpack(head)
            if not padding + 1 < length <= _LONGEST_PACKET:
                raise spoilt(f"a packet of {length} bytes")
            payload = (await self._exactly(length - 1))[: length - 1 - padding]
            if payload[0] == kind:
                return payload
            if payload[0] == _DISCONNECT:
                fields = Fields(payload[5:])
                raise spoilt(f"the peer says: {fields.string()[:100].decode('utf-8', 'replace')}")
            if payload[0] not in {_IGNORE, _DEBUG, _UNIMPLEMENTED}:
                raise spoilt(f"a packet of type {payload[0]} in the place of {kind}")

    async def _line(self) -> bytes:
        while (end := self._heard.find(b"\n")) < 0:
            if len(self._heard) > _LONGEST_LINE:
                raise SshError("not_ssh", "the peer sends a line that is too long for a greeting")
            await self._hear()
        line = bytes(self._heard[:end]).removesuffix(b"\r")
        del self._heard[: end + 1]
        return line

    async def _exactly(self, count: int) -> bytes:
        while len(self._heard) < count:
            await self._hear()
        data = bytes(self._heard[:count])
        del self._heard[:count]
        return data

    async def _hear(self) -> None:
        if self._left <= 0:
            raise spoilt("the peer says too much")
        data = await self._stream.receive(min(4096, self._left))
        if not data:
            raise SshError("closed", "the peer hung up")
        self._left -= len(data)
        self._heard += data


def fingerprint(key: bytes) -> str:
    """Return the fingerprint of a key as OpenSSH writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _offer() -> bytes:
    lists = [[*METHODS], [*ALGORITHMS], _CIPHERS, _CIPHERS, _MACS, _MACS, ["none"], ["none"], [], []]
    return bytes([_KEXINIT]) + secrets.token_bytes(_COOKIE) + b"".join(map(names, lists)) + bytes(5)


def _agreed(offer: bytes) -> tuple[str, str]:
    """Return the exchange and the algorithm of the key, as both sides must choose them (section 7.1)."""
    fields = Fields(offer[1 + _COOKIE :])
    methods, algorithms = fields.names(), fields.names()
    return _first(METHODS, methods, "key exchange"), _first(ALGORITHMS, algorithms, "host key")


def _first(ours: Iterable[str], theirs: list[str], what: str) -> str:
    for name in ours:
        if name in theirs:
            return name
    raise SshError("no_common_algorithm", f"{what}: the peer knows {', '.join(theirs)}")
