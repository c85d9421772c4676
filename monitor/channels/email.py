"""Hands a message to a mail server (SMTP), for one officer at a time."""

import contextlib
import hashlib
import re
from datetime import UTC, datetime
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from monitor.core.alarm import Address, Message, Severity
from monitor.kit import tls
from monitor.kit.courier import Fate, Receipt
from monitor.kit.smtp import PORTS, Envelope, Security, Server, submit
from monitor.kit.sockets import Host
from monitor.kit.text import clean
from monitor.ports import ChannelOptions, OneWay

ADDRESS = Address.EMAIL
AT_ONCE = 4
REPORTS = False

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
LONGEST = 254
"""Characters of an address (RFC 5321, section 4.5.3.1.3)."""
_SUBJECT = 200
"""Characters of a subject."""


def _ascii(address: str) -> str:
    """Return an address as it goes over the wire. Raises ValueError if it is none."""
    local, _, domain = address.partition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
        if len(address) <= LONGEST and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain):
            return f"{local}@{domain}"
    raise ValueError("expected an address, `duty@example.com`")


class Options(ChannelOptions):
    """Which mail server takes our messages, and who we are to it."""

    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds that one attempt may take.")
    host: Host = Field(description="Name or address of the mail server.")
    port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="TCP port; left out: 587 for starttls, 465 for tls, 25 for none.",
    )
    security: Security = Field(
        default="starttls",
        description="`starttls`: TLS after the greeting; `tls`: from the first byte; `none`: in the clear, "
        "for a server of this machine. Without the TLS that is wanted nothing is said.",
    )
    ca: Path | None = Field(default=None, description="PEM file of who may vouch for it; none: the system's.")
    sender: str = Field(description="The address that messages come from.")
    sender_name: str = Field(default="", max_length=60, description="The name beside it.")
    username: str | None = Field(
        default=None, min_length=1, max_length=255, description="User, if the server wants one; needs TLS."
    )

    @field_validator("sender")
    @classmethod
    def _is_an_address(cls, text: str) -> str:
        return _ascii(text)

    @model_validator(mode="after")
    def _secret_is_not_shouted(self) -> "Options":
        if self.username is not None and self.security == "none":
            raise ValueError("expected `security: starttls` or `tls` with a username")
        return self


class EmailChannel(OneWay):
    """Makes one connection for each attempt; the 250 after the text is the yes."""

    def __init__(self, options: Options) -> None:
        self._options = options

    async def send(self, message: Message) -> Receipt:
        """Hand *message* over; its Message-ID comes from its key, so a double is recognised as one."""
        try:
            recipient = _ascii(message.to)
        except ValueError:
            return Receipt(Fate.REFUSED, "the officer's e-mail address is none")
        try:
            server = self._server()
        except OSError as error:
            return Receipt(Fate.LATER, clean(f"ca: {error}"))
        text = _written(message, self._options, recipient)
        return await submit(server, Envelope(self._options.sender, recipient, text), self._options.timeout)

    def _server(self) -> Server:
        options = self._options
        context = None if options.security == "none" else tls.context(str(options.ca) if options.ca else None)
        secret = None if options.password is None else options.password.get_secret_value()
        port = options.port or PORTS[options.security]
        return Server(options.host, port, options.security, context, options.username, secret)


def open(options: Options) -> EmailChannel:  # noqa: A001 - the name of every kind's opener
    """Return the channel; nothing is connected until there is something to say."""
    return EmailChannel(options)


def _written(message: Message, options: Options, recipient: str) -> bytes:
    mail = EmailMessage(SMTP)
    domain = options.sender.partition("@")[2]
    mail["From"] = MailAddress(clean(options.sender_name), addr_spec=options.sender)
    mail["To"] = MailAddress(addr_spec=recipient)
    mail["Subject"] = clean(message.title, _SUBJECT)
    mail["Date"] = datetime.now(UTC)
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:40]}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # so that no absent person's machine answers (RFC 3834)
    mail["Content-Language"] = clean(message.language)
    if message.severity is Severity.CRITICAL:
        mail["Importance"] = "high"
        mail["X-Priority"] = "1"
    mail.set_content(message.text.encode("utf-8", "replace").decode(), cte="base64")
    return mail.as_bytes()
