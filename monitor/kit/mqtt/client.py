"""The foreign client, tamed: aiomqtt's, with the event loop serving its socket and nothing hidden.

aiomqtt 2.5 connects in the default executor, hands its sockets to the loop from there (when a file
descriptor may already belong to somebody else), takes a refused publish for a success, acknowledges what was
not yet processed, and tells a rejected certificate as a timeout. All of that is replaced here, by giving the
paho client inside it callbacks of our own. A client serves one connection: a publish that failed would
otherwise be sent again by paho when the same client reconnects.
"""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from monitor.kit.mqtt.broker import Broker, Message
from monitor.kit.mqtt.errors import Lost, MqttError, Refused, Unsendable
from monitor.kit.mqtt.properties import Welcome, connect_properties, publish_properties, welcome, will_of
from monitor.kit.mqtt.tls import explain
from monitor.kit.text import clean

BAD = 0x80
"""Reason codes from here on are refusals (MQTT 5, section 2.4)."""

KEEPALIVE_TIMEOUT = 0x8D

HEADERS = 64
"""Bytes of a PUBLISH besides topic, payload and content type, at most."""

_HUNG_UP = (
    "the broker hung up without a word; if it does so again and again, another client uses our name, "
    "or it will not have a message"
)

Done = Callable[[MqttError | None], None]
"""Hears once how a publish ended: None, Refused or Lost. Must be quick and must not raise."""


class _Pending(NamedTuple):
    topic: str
    sent_at: float
    done: Done


class Client(aiomqtt.Client):
    """One connection's client, not yet connected; it belongs to the running loop."""

    def __init__(
        self, broker: Broker, will: Message | None, hear: Callable[[paho.MQTTMessage], None]
    ) -> None:
        five = broker.protocol == "5"
        self._five = five
        self._broker = broker
        self._hear = hear
        self._noted = ""
        self._inside = False
        self.paused = False
        self.pending: dict[int, _Pending] = {}
        self.last_ack = 0.0
        """Monotonic time of the latest acknowledgement, seconds."""
        log = logging.Logger("mqtt", logging.ERROR)  # noqa: LOG001 - in nobody's tree, and quick below its level
        log.addFilter(self._note)
        super().__init__(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=broker.client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else broker.fresh,
            will=will_of(will, five=five),
            keepalive=broker.keepalive,
            timeout=broker.timeout,
            logger=log,
        )
        self.welcome: asyncio.Future[Welcome] = self._loop.create_future()
        self.end: asyncio.Future[str] = self._loop.create_future()
        """Done when the connection is over, with the reason in words."""
        self._client.manual_ack_set(True)  # noqa: FBT003 - paho's own signature
        self._client.max_inflight_messages_set(0)  # the session keeps its own window
        self._listen()

    def greet(self, sock: socket.socket) -> None:
        """Send CONNECT over *sock*, which from now on is the client's to close."""
        self._client._create_socket = lambda: sock  # type: ignore[method-assign] # noqa: SLF001 - see the top
        broker = self._broker
        if self._five:
            self._client.connect(
                broker.host,
                broker.port,
                broker.keepalive,
                clean_start=broker.fresh,
                properties=connect_properties(broker),
            )
        else:
            self._client.connect(broker.host, broker.port, broker.keepalive)

    def send(self, message: Message, done: Done) -> None:
        """Publish with QoS 1; *done* hears how it ended, unless Lost or Unsendable is raised here."""
        if self.end.done():
            raise Lost(self.end.result())
        properties = publish_properties(message.expiry, message.content_type) if self._five else None
        try:
            info = self._client.publish(message.topic, message.payload, 1, message.retain, properties)
        except ValueError as error:
            raise Unsendable(clean(f"{message.topic}: {error}")) from error
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise Lost(paho.error_string(info.rc))
        self.pending[info.mid] = _Pending(message.topic, time.monotonic(), done)

    async def welcomed(self) -> Welcome:
        """Wait for the answer to our CONNECT; raises Lost if the connection ends first."""
        await self._either(self.welcome)
        return self.welcome.result()

    async def ask(self, pattern: str, qos: int) -> None:
        """Subscribe; raises Refused if the broker says no, Lost if the connection ends first."""
        granted: asyncio.Future[Any] = self._loop.create_future()
        rc, mid = self._client.subscribe(pattern, qos)
        if rc != paho.MQTT_ERR_SUCCESS or mid is None:
            raise Lost(paho.error_string(rc))
        self._pending_subscribes[mid] = granted
        await self._either(granted)
        for code in granted.result():
            if code.value >= BAD:
                raise Refused(f"subscription to {pattern}", code.value, code.getName())

    def forget(self, pattern: str) -> None:
        """Unsubscribe, without waiting for the answer."""
        if not self.end.done():
            self._client.unsubscribe(pattern)

    def acknowledge(self, message: paho.MQTTMessage) -> None:
        """Tell the broker that *message* is dealt with and need not come again."""
        if not self.end.done():
            self._client.ack(message.mid, message.qos)

    def pause(self) -> None:
        """Stop reading until `resume`: what is to come waits in the network, then at the broker."""
        sock = self._client.socket()
        if sock is not None and not self.paused:
            self.paused = True
            self._loop.remove_reader(sock)

    def resume(self) -> None:
        """Read on after `pause`."""
        self.paused = False
        self.last_ack = time.monotonic()  # who was not listened to has not been silent
        sock = self._client.socket()
        if sock is not None:
            self._loop.add_reader(sock, self._readable)
            self._loop.call_soon(self._readable)  # TLS may have read ahead, which no descriptor shows

    def tend(self) -> None:
        """Let paho look after its keepalive; to be called about every second."""
        self._step(self._client.loop_misc)

    def finish(self, why: str) -> None:
        """End the connection now, without a word to the broker, which will publish the will."""
        if not self.end.done():
            self.end.set_result(clean(why))
        if not self._inside:
            self._shut()

    def _shut(self) -> None:
        self._client._sock_close()  # noqa: SLF001 - there is no public way that does not wait
        left, self.pending = self.pending, {}
        for pending in left.values():
            pending.done(Lost(self.end.result()))

    def leave(self, why: str = "we left") -> None:
        """End the connection properly: the broker forgets the will. Does not wait for anything."""
        if not self.end.done():
            self._noted = why
            self._client.disconnect()
            self._writable()
        self.finish(why)

    async def _either(self, answer: asyncio.Future[Any]) -> None:
        """Wait for *answer* or for the end, whichever is first; raises Lost at the end."""
        await asyncio.wait({answer, self.end}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise Lost(self.end.result())

    def _step(self, step: Callable[[], object]) -> None:
        """Let paho do one thing, and close the socket after it if that was the end.

        Never within: paho holds a lock while it calls back, and closing takes the same lock once more.
        """
        self._inside = True
        try:
            step()
        except Exception as error:  # noqa: BLE001 - paho raises whatever a malformed packet makes it stumble over
            self.finish(f"the broker breaks the protocol: {error!r}")
        finally:
            self._inside = False
        if self.end.done():
            self._shut()

    def _readable(self) -> None:
        self._step(self._read)

    def _read(self) -> None:
        while not self.end.done() and not self.paused:
            self._client.loop_read()
            if self._client._in_packet["remaining_length"] > self._broker.max_packet:  # noqa: SLF001
                self.finish("the broker sent a packet larger than we take")
            sock = self._client.socket()
            if not isinstance(sock, ssl.SSLSocket) or not sock.pending():
                return

    def _writable(self) -> None:
        self._step(self._client.loop_write)

    # What follows is called by paho, from within a step.

    def _listen(self) -> None:
        inner = self._client
        inner.on_connect = lambda _c, _u, _flags, code, properties: self._greeted(code, properties)
        inner.on_disconnect = lambda _c, _u, flags, code, _p: self._gone(
            code, by_broker=flags.is_disconnect_packet_from_server
        )
        inner.on_publish = lambda _c, _u, mid, code, _p: self._acknowledged(mid, code)
        inner.on_unsubscribe = lambda *_: None
        inner.on_message = lambda _c, _u, message: self._hear(message)
        inner.on_socket_open = lambda _c, _u, sock: self._loop.add_reader(sock, self._readable)
        inner.on_socket_close = lambda _c, _u, sock: _quietly(self._loop.remove_reader, sock)
        inner.on_socket_register_write = lambda _c, _u, sock: self._loop.add_writer(sock, self._writable)
        inner.on_socket_unregister_write = lambda _c, _u, sock: _quietly(self._loop.remove_writer, sock)

    def _note(self, record: logging.LogRecord) -> bool:
        # The only place where paho tells why a socket failed, a rejected certificate among the reasons.
        self._noted = clean(explain(record.getMessage()))
        return False

    def _greeted(self, code: ReasonCode, properties: Properties | None) -> None:
        if not self.welcome.done():
            self.welcome.set_result(welcome(code, properties))

    def _gone(self, code: ReasonCode, *, by_broker: bool) -> None:
        if by_broker:
            self.finish(f"the broker said: {code.getName()}")
        elif code.value == KEEPALIVE_TIMEOUT:
            self.finish("the broker does not answer pings")
        else:
            self.finish(self._noted or _HUNG_UP)

    def _acknowledged(self, mid: int, code: ReasonCode) -> None:
        self.last_ack = time.monotonic()
        pending = self.pending.pop(mid, None)
        if pending is not None:
            bad = code.value >= BAD
            pending.done(Refused(pending.topic, code.value, code.getName()) if bad else None)


def _quietly(call: Callable[[Any], object], sock: object) -> None:
    call(sock)
