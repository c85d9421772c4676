"""Being connected for ever: one fresh session after the other, with growing waits between them."""

import asyncio
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence

from monitor.kit.backoff import Backoff
from monitor.kit.mqtt.broker import Broker, Handler, Message, Resolve, Tls
from monitor.kit.mqtt.dial import apart, dial, shake_hands
from monitor.kit.mqtt.errors import Lost, MqttError, Refused
from monitor.kit.mqtt.session import Session
from monitor.kit.mqtt.tls import ends_soon, explain, fingerprint, load
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.text import clean

STEADY = 2.0
"""A session that lasted this many seconds was a good one: the next attempt may come at once."""

LOOK_AGAIN = 20.0
"""Seconds between two looks at whether other certificates lie in our files."""

Use = Callable[[Session], Awaitable[None]]


class Connection:
    """Keeps being connected to one broker."""

    def __init__(
        self,
        broker: Broker,
        *,
        will: Callable[[], Message] | None = None,
        subscriptions: Sequence[tuple[str, Handler]] = (),
        adopted: Sequence[tuple[str, Handler]] = (),
        resolve: Resolve | None = None,
        troubled: Callable[[str], None] = lambda _: None,
        backoff: Backoff | None = None,
        look_again: float = LOOK_AGAIN,
    ) -> None:
        """Prepare to connect; *will* is asked for each session's, *troubled* hears why there is none.

        *adopted* are handlers of what a kept session may bring at once, though nothing is asked for here.
        Names go through the loop's shared resolver unless *resolve* is given; it gets literal addresses too.
        """
        self._broker = broker
        self._will = will
        self._subscriptions = subscriptions
        self._adopted = adopted
        self._resolve = resolve or shared().resolve
        self._troubled = troubled
        self._backoff = backoff or Backoff()
        self._look_again = look_again
        self._files = ""
        self.certificate_ends: float | None = None
        """When our own certificate runs out, Unix seconds; as read for the latest attempt."""
        self.certificate_doubt = ""
        """Why other certificates, put in place meanwhile, could not be used; empty if they could."""

    async def keep(self, use: Use) -> None:
        """Connect, call *use* with the session, and again whenever that is lost; returns when *use* does.

        *use* is cancelled when its session is lost (`session.alive` is then false) and when we are.
        """
        content = await self._once(use)
        while not content:
            await asyncio.sleep(self._backoff.next())
            content = await self._once(use)

    async def _once(self, use: Use) -> bool:
        """Live through one session; say whether *use* is content."""
        began, content = time.monotonic(), False
        try:
            session = await self._open()
            began = time.monotonic()
            try:
                # A task of its own: Python 3.11's TaskGroup counts a failure within as our cancellation.
                await asyncio.create_task(self._live(session, use), name=f"session {self._broker.host}")
                content = True
            finally:
                session.client.leave()
        except* MqttError as troubles:
            self._troubled(str(_first(troubles)))
        if asyncio.current_task().cancelling():  # type: ignore[union-attr] # we are in one
            # It forgets a cancellation that comes together with a failure, too.
            raise asyncio.CancelledError
        if time.monotonic() - began >= STEADY:
            self._backoff.reset()
        return content

    async def _live(self, session: Session, use: Use) -> None:
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(session.watch()), group.create_task(session.consume())]
            if self._broker.tls is not None:
                helpers.append(group.create_task(self._follow_files(session, self._broker.tls)))
            for pattern, _ in self._subscriptions:
                await session.client.ask(pattern, 1)
            if self._broker.echo:
                await self._listen_for_echo(session, self._broker.echo)
            await use(session)
            for helper in helpers:
                helper.cancel()

    async def _follow_files(self, session: Session, tls: Tls) -> None:
        """See to it that renewed certificates come into use: raises Lost, once they can be; returns never.

        Files that cannot be used, half of them replaced perhaps, do not end a session that stands.
        """
        while True:
            await asyncio.sleep(self._look_again)
            if await apart(lambda: fingerprint(tls)) == self._files:
                self.certificate_doubt = ""
                continue
            try:
                _, ends = await apart(lambda: load(tls))
                if ends is not None and ends <= time.time():
                    raise Lost(ends_soon(ends, time.time()))  # noqa: TRY301 - as good as one that cannot be read
            except Lost as error:
                self.certificate_doubt = f"other certificates were put in place, but {error}"
                continue
            words = "other certificates were put in place: connecting anew with them"
            session.client.leave(words)
            raise Lost(words)

    @staticmethod
    async def _listen_for_echo(session: Session, topic: str) -> None:
        try:
            await session.client.ask(topic, 1)
        except Refused:
            session.deaf = True

    async def _open(self) -> Session:
        """Return a session that the broker has welcomed; raises Lost or Refused within the timeout."""
        broker, stage = self._broker, "looking up the broker's name"
        session: Session | None = None
        try:
            async with asyncio.timeout(broker.timeout):
                context = await self._identity()
                addresses = await self._resolve(broker.host)
                stage = "connecting"
                sock = await dial(
                    addresses,
                    broker.port,
                    patience=broker.timeout,
                    unanswered=broker.keepalive + broker.timeout,
                )
                stage = "TLS handshake"
                if context is not None:
                    sock = await shake_hands(sock, context, broker.host)
                stage = "waiting to be welcomed"
                session = Session(broker, self._will() if self._will else None)
                for pattern, handler in (*self._adopted, *self._subscriptions):
                    session.adopt(pattern, handler)
                session.client.greet(sock)
                session.heed(await session.client.welcomed())
        except TimeoutError as error:
            self._close(session, stage)
            raise Lost(f"{stage}: no answer within {broker.timeout:g} s") from error
        except (OSError, ValueError, ResolveError) as error:
            self._close(session, stage)
            raise Lost(clean(f"{stage}: {_words(error)}")) from error
        except BaseException:
            self._close(session, stage)
            raise
        return session

    @staticmethod
    def _close(session: Session | None, why: str) -> None:
        if session is not None:
            session.client.finish(why)

    async def _identity(self) -> ssl.SSLContext | None:
        tls = self._broker.tls
        if tls is None:
            return None
        self._files, self.certificate_doubt = await apart(lambda: fingerprint(tls)), ""
        context, self.certificate_ends = await apart(lambda: load(tls))
        return context


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno:
        return os.strerror(error.errno)
    return explain(str(error))


def _first(group: BaseExceptionGroup[MqttError]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
