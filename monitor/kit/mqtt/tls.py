"""Certificates: who we are, whom we trust, and how long that lasts."""

import ssl
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from monitor.kit.mqtt.broker import Tls
from monitor.kit.mqtt.errors import Lost
from monitor.kit.tls import trusting

DAY = 86_400.0

WARN_DAYS = (30, 14, 7, 1)
"""When to speak of a certificate that runs out, days before."""

_ALERTS = {
    "ALERT_CERTIFICATE_EXPIRED": "the broker says that our certificate has expired",
    "ALERT_CERTIFICATE_REVOKED": "the broker says that our certificate is revoked",
    "ALERT_CERTIFICATE_REQUIRED": "the broker wants a certificate from us",
    "ALERT_UNKNOWN_CA": "the broker does not trust the issuer of our certificate",
    "ALERT_DECRYPT_ERROR": "the broker trusts another issuer of the same name as that of our certificate",
    "ALERT_BAD_CERTIFICATE": "the broker refuses our certificate",
    "ALERT_CERTIFICATE_UNKNOWN": "the broker refuses our certificate",
    "ALERT_UNSUPPORTED_CERTIFICATE": "the broker refuses the kind of our certificate",
    "ALERT_PROTOCOL_VERSION": "the broker does not speak TLS 1.3",
    "WRONG_VERSION_NUMBER": "the broker does not speak TLS on this port",
}


def load(tls: Tls) -> tuple[ssl.SSLContext, float | None]:
    """Read the files; return the context and the time at which our own certificate runs out, Unix seconds.

    Blocks on files. Raises Lost with the file that has to be mended.
    """
    try:
        context = trusting(tls.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if tls.cert is None:
            return context, None
        context.load_cert_chain(tls.cert, tls.key, password=_no_password)
        return context, _ends(tls.cert)
    except (OSError, ValueError) as error:
        raise Lost(f"TLS files (ca {tls.ca}, cert {tls.cert}, key {tls.key}): {error}") from error


def fingerprint(tls: Tls) -> str:
    """Return what changes when what lies in the files does; a file that cannot be read counts as empty.

    Blocks on files.
    """
    return "".join(sha256(_contents(path)).hexdigest() for path in (tls.ca, tls.cert, tls.key) if path)


def _contents(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _no_password() -> str:
    # Without this OpenSSL would ask for the passphrase of an encrypted key on the terminal, and wait.
    raise ValueError("the key is encrypted; give one without a passphrase")


def _ends(path: str) -> float:
    certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
    return certificate.not_valid_after_utc.timestamp()


def explain(text: str) -> str:
    """Return what a TLS error says in plain words, or the text itself.

    With TLS 1.3 the broker judges our certificate after the handshake, so that its verdict comes as an error
    of the first read (RFC 8446, section 4.4.2.4).
    """
    return next((words for alert, words in _ALERTS.items() if alert in text), text)


def ends_soon(ends_at: float | None, now: float) -> str:
    """Say in words that our certificate runs out within 30 days, or has; empty if it is far off."""
    if ends_at is None:
        return ""
    days = (ends_at - now) / DAY
    if days <= 0:
        return f"our own certificate ran out {-days:.0f} days ago"
    return f"our own certificate runs out in {days:.0f} days" if days <= WARN_DAYS[0] else ""
