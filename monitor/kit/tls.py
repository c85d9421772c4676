"""TLS as a client that judges: the handshake, the chain that the peer sent, and what is wrong with it.

The verdict on a certificate is OpenSSL's own (RFC 5280, RFC 6125), never a copy of its rules. Only after
it has refused one, the chain may be read without verification, to say when it runs out.
"""

import asyncio
import contextlib
import functools
import socket
import ssl
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cryptography import x509
from pydantic import AfterValidator

from monitor.kit.sockets import Host, Target
from monitor.kit.tcp import ConnectError, connect

FAULTS = {
    "certificate_expired": "a certificate of the chain has run out",
    "certificate_not_yet_valid": "a certificate of the chain is not valid yet",
    "certificate_self_signed": "the certificate is signed by nobody but itself",
    "certificate_unknown_ca": "nobody whom we trust has signed the chain, or part of it is missing",
    "certificate_wrong_name": "the certificate is good, for another name",
    "certificate_invalid": "the certificate is wrong in another way",
    "not_tls": "the peer speaks something else than TLS",
    "tls_version": "the peer speaks no version of TLS from 1.2 on",
    "handshake_failed": "the peer broke off the TLS handshake, or spoilt it",
}
"""What can be wrong with the peer's side, by its stable word."""


def _can_be_asked_for(name: str) -> str:
    """Refuse what cannot stand in a certificate: ValueError."""
    name.encode("idna")
    return name


ServerName = Annotated[Host, AfterValidator(_can_be_asked_for)]
"""A name to ask for in TLS and to find in the certificate."""

MOST = 262_144
"""Bytes that a peer may send in its handshake."""
READING = 1.0
"""Seconds spent at most on reading the chain of a peer that was refused."""

_BY_CODE = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_self_signed",
    2: "certificate_unknown_ca",
    19: "certificate_unknown_ca",
    20: "certificate_unknown_ca",
    21: "certificate_unknown_ca",
    62: "certificate_wrong_name",
    64: "certificate_wrong_name",
}
"""X509_V_ERR_* of openssl/x509_vfy.h."""
_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)
_OLD = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_SSL_VERSION"})
_DER = 2


class Seen(NamedTuple):
    """What a handshake showed."""

    version: str
    """`TLSv1.2`, `TLSv1.3`."""
    chain: int
    """Certificates that the peer sent."""
    expiry: float
    """Unix time at which the first of them runs out; 0 if none could be read."""

    @property
    def values(self) -> dict[str, float]:
        """The same as measured values."""
        values = {"tls_chain": float(self.chain)}
        if self.expiry:
            values["tls_expiry"] = self.expiry
        return values


def context(
    ca_file: str | None = None,
    *,
    verify: bool = True,
    cert_file: str | None = None,
    key_file: str | None = None,
) -> ssl.SSLContext:
    """Return a client's context that trusts the system's authorities, or those of *ca_file*.

    *cert_file* and *key_file* prove who we are, to a server that asks. Made once for these files and each
    time that one of them changes. Raises OSError (of which ssl.SSLError is one) if a file cannot be used.
    """
    changed = tuple(Path(file).stat().st_mtime_ns for file in (ca_file, cert_file, key_file) if file)
    return _context(ca_file, verify, cert_file, key_file, changed)


@functools.lru_cache(maxsize=64)
def _context(
    ca_file: str | None,
    verify: bool,  # noqa: FBT001
    cert_file: str | None,
    key_file: str | None,
    _changed: tuple[int, ...],
) -> ssl.SSLContext:
    made = trusting(ca_file)
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if cert_file:
        made.load_cert_chain(cert_file, key_file, password=_no_passphrase)
    return made


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """Return a new client's context that trusts the system's authorities, or those of *ca_file*.

    Python's own default from 3.13 on wants of every authority the form of RFC 5280, section 4.2.1; those that
    people make for a closed network often lack it. Raises OSError if the file cannot be used.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        made.load_verify_locations(ca_file)
    else:
        made.load_default_certs()
    return made


def _no_passphrase() -> str:
    # Without this OpenSSL would ask for the passphrase of an encrypted key on the terminal, and wait.
    raise ssl.SSLError(1, "the key is encrypted; give one without a passphrase")


class Secured(NamedTuple):
    """A finished handshake, and the two ends through which more may be said."""

    tls: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO


async def handshake(sock: socket.socket, settings: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Shake hands over a connected non-blocking socket.

    Raises ssl.SSLError (ssl.SSLCertVerificationError for a refused certificate), EOFError if the peer
    hangs up, OSError for what else befalls a connection.
    """
    return (await secure(sock, settings, name)).tls


async def secure(sock: socket.socket, settings: ssl.SSLContext, name: str) -> Secured:
    """Do the same for a conversation that is to follow."""
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = settings.wrap_bio(incoming, outgoing, server_hostname=name)
    taken = 0
    while not _advanced(tls, outgoing, sock):
        await loop.sock_sendall(sock, outgoing.read())
        data = await loop.sock_recv(sock, 16_384)
        taken += len(data)
        if not data:
            raise EOFError("the peer hung up in the handshake")
        if taken > MOST:
            raise ssl.SSLError(1, "the peer says too much in the handshake")
        incoming.write(data)
    await loop.sock_sendall(sock, outgoing.read())
    return Secured(tls, incoming, outgoing)


def _advanced(tls: ssl.SSLObject, outgoing: ssl.MemoryBIO, sock: socket.socket) -> bool:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        with contextlib.suppress(OSError):  # the alert tells the peer why we leave
            sock.send(outgoing.read())
        raise
    return True


def examine(tls: ssl.SSLObject) -> Seen:
    """Return what a finished handshake showed."""
    chain = _chain(tls)
    ends = [end for end in map(_runs_out, chain) if end]
    return Seen(tls.version() or "", len(chain), min(ends, default=0.0))


async def read_unverified(target: Target, name: str) -> Seen | None:
    """Shake hands once more, without a judgement, to see what a refused peer has; None if it will not."""
    with contextlib.suppress(ConnectError, EOFError, OSError):
        async with asyncio.timeout(READING):
            with await connect(target) as sock:
                return examine(await handshake(sock, context(verify=False), name))
    return None


def fault(error: ssl.SSLError) -> tuple[str, str]:
    """Return the stable word of *error* and its text."""
    if isinstance(error, ssl.SSLCertVerificationError):
        word = _BY_CODE.get(error.verify_code, "certificate_invalid")
        return word, error.verify_message or "certificate verification failed"
    reason = getattr(error, "reason", None) or ""  # one of ours has none
    text = reason.replace("_", " ").lower() or str(error.args[-1])
    if reason in _NOT_TLS:
        return "not_tls", text
    return ("tls_version" if reason in _OLD else "handshake_failed"), text


def _chain(tls: ssl.SSLObject) -> list[bytes]:
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:  # Python 3.13
        return list(public())
    inner: Any = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - the same before it was public
    return [certificate.public_bytes(_DER) for certificate in inner.get_unverified_chain() or ()]


@functools.lru_cache(maxsize=4096)
def _runs_out(certificate: bytes) -> float:
    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except ValueError:
        return 0.0
