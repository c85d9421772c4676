"""Mail servers for tests: aiosmtpd with what a test wants it to answer, and one that follows a script."""

import asyncio
import contextlib
import time
import warnings
from email import message_from_bytes
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Box:
    """What came, and what is answered to it."""

    def __init__(self, **answers):
        self.answers = answers
        self.mails = []
        self.came = []
        """When each came, the mail, and what was answered; an empty answer breaks off instead of it."""
        self.recipients = []
        self.users = []
        self.port = 0

    async def handle_RCPT(self, server, session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        del server, session
        if (answer := self.answers.get("rcpt", "250 OK")).startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.recipients.append((envelope.mail_from, envelope.rcpt_tos, session.ssl is not None))
        answer = self.answers.get("data", "250 2.0.0 OK: queued as 4F1B2C")
        self.came.append((time.time(), self.mails[-1], answer))
        if not answer:
            server.transport.abort()
        return answer

    def authenticate(self, server, session, envelope, mechanism, data):
        del server, session, envelope
        if isinstance(data, LoginPassword):
            self.users.append((mechanism, data.login.decode(), data.password.decode()))
        return AuthResult(success=self.answers.get("auth", True), handled=False)


@contextlib.asynccontextmanager
async def mail_server(certificate=None, *, at_once=False, exclude=(), auth=False, **answers):
    """Serve while the block runs; with a *certificate* under TLS, *at_once* or when asked."""
    box = Box(**answers)
    context = certificate.server() if certificate else None

    def made():
        with warnings.catch_warnings(action="ignore"):  # it does not see the TLS around it
            return SMTP(
                box,
                hostname="mail.example.test",
                tls_context=None if at_once else context,
                require_starttls=bool(context) and not at_once,
                authenticator=box.authenticate,
                auth_required=auth,
                auth_require_tls=not at_once,
                auth_exclude_mechanism=exclude,
                loop=asyncio.get_running_loop(),
            )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(made, "127.0.0.1", 0, ssl=context if at_once else None)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


def script(*steps, then=None):
    """Behave so: say the first of *steps*, then one for each line heard; the text of a message is one line.

    A step that is None breaks the connection off; after the last one *then* may go on.
    """

    async def behave(one, reader, writer):
        heard = b""
        for number, step in enumerate(steps):
            if number:
                end = b"\r\n.\r\n" if heard.upper().startswith(b"DATA") else b"\r\n"
                heard = await reader.readuntil(end)
            if step is None:
                writer.transport.abort()
                return
            await one.say(writer, step)
        if then is not None:
            await then(one, reader, writer)

    return behave
