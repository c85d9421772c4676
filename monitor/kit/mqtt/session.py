"""One living connection to a broker: what is under way, what comes in, and whether anybody is there."""

import asyncio
import time
from secrets import token_hex

import paho.mqtt.client as paho

from monitor.kit.mqtt.broker import Broker, Delivery, Handler, Message
from monitor.kit.mqtt.client import HEADERS, Client, Done
from monitor.kit.mqtt.errors import Lost, MqttError, Refused, Unsendable
from monitor.kit.mqtt.properties import Welcome
from monitor.kit.mqtt.topics import matches

WAITING = 256
"""Deliveries that may wait for their handler before we read no more.

Receive Maximum should keep them far below that, but it does not speak of QoS 0, MQTT 3.1.1 does not know it,
and mosquitto 2.0.11 sends more than it allows as soon as it has a queue.
"""


class Session:
    """What can be done while connected; made by Connection, over when *ended* says why."""

    def __init__(self, broker: Broker, will: Message | None) -> None:
        self._broker = broker
        self._client = Client(broker, will, self._hear)
        self._handlers: list[tuple[str, Handler]] = []
        self._inbox: asyncio.Queue[paho.MQTTMessage] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()
        self._nonce = b""
        self._echo_at = 0.0
        self.window = broker.window
        self.max_packet = broker.max_packet
        self.accepted = 0
        """Messages that the broker acknowledged, its refusals not counted."""
        self.deaf = False
        """The broker takes what we publish, but nothing that we subscribe to comes back."""

    @property
    def client(self) -> Client:
        """The client underneath, for those who open and watch the connection."""
        return self._client

    @property
    def alive(self) -> bool:
        """The connection stands, as far as we know."""
        return not self._client.end.done()

    @property
    def in_flight(self) -> int:
        """How many messages the broker has not yet acknowledged."""
        return len(self._client.pending)

    def heed(self, welcome: Welcome) -> None:
        """Keep to what the broker said it can do; raises Refused or Lost if that is too little."""
        if welcome.code:
            raise Refused("connection", welcome.code, welcome.words)
        if welcome.qos == 0 or not welcome.retains:
            raise Lost("the broker offers no QoS 1 or keeps no retained messages")
        self.window = max(1, min(self.window, welcome.receive_maximum))
        self.max_packet = min(self.max_packet, welcome.max_packet or self.max_packet)

    async def room(self, window: int | None = None) -> None:
        """Wait until fewer than *window* messages are under way; raises Lost when the session is over."""
        limit = min(window or self.window, self.window)
        while self.alive and self.in_flight >= limit:
            self._room.clear()
            await self._room.wait()
        if not self.alive:
            raise Lost(self._client.end.result())

    def send(self, message: Message, done: Done) -> None:
        """Publish without waiting; *done* hears once how it ended.

        Raises Unsendable for a message that is too large for either side, Lost when the session is over.
        """
        size = len(message.topic.encode()) + len(message.payload) + len(message.content_type) + HEADERS
        if size > self.max_packet:
            raise Unsendable(f"{message.topic}: {size} bytes, more than the {self.max_packet} of a packet")

        def ended(trouble: MqttError | None) -> None:
            self.accepted += trouble is None
            self._room.set()
            done(trouble)

        self._client.send(message, ended)

    async def publish(self, message: Message) -> None:
        """Publish and wait for the acknowledgement; raises Refused, Unsendable or Lost."""
        await self.room()
        answer: asyncio.Future[MqttError | None] = asyncio.get_running_loop().create_future()
        self.send(message, lambda trouble: None if answer.done() else answer.set_result(trouble))
        trouble = await answer
        if trouble is not None:
            raise trouble

    async def subscribe(self, pattern: str, handler: Handler, *, qos: int = 1) -> None:
        """Have *handler* called with what matches *pattern*, one message after the other.

        A message is acknowledged when its handler has returned. If the handler raises, the message stays
        unacknowledged and the session ends with that error. Raises Refused if the broker says no; mind that
        some grant what they will never deliver.
        """
        entry = (pattern, handler)
        self._handlers.append(entry)
        try:
            await self._client.ask(pattern, qos)
        except BaseException:
            self._handlers.remove(entry)
            raise

    def unsubscribe(self, pattern: str) -> None:
        """Take no more of *pattern*."""
        self._handlers = [entry for entry in self._handlers if entry[0] != pattern]
        self._client.forget(pattern)

    def adopt(self, pattern: str, handler: Handler) -> None:
        """Name the handler of a subscription before connecting: a kept session delivers at once."""
        self._handlers.append((pattern, handler))

    async def consume(self) -> None:
        """Hand what comes in to its handlers, in order, for ever."""
        while True:
            message = await self._inbox.get()
            delivery = Delivery(message.topic, bytes(message.payload), message.retain)
            for handler in [h for pattern, h in self._handlers if matches(pattern, delivery.topic)]:
                await handler(delivery)
            self._client.acknowledge(message)
            if self._client.paused and self._inbox.qsize() <= WAITING // 2:
                self._client.resume()

    async def watch(self) -> None:
        """See to it that the end is noticed; returns never, raises Lost.

        Notices a broker that neither acknowledges nor echoes within keepalive + timeout + 1 s.
        """
        end, tick = self._client.end, min(1.0, self._broker.timeout / 4)
        echo_due = time.monotonic()
        while True:
            began = time.monotonic()
            await asyncio.wait({end}, timeout=tick)
            if end.done():
                self._room.set()
                raise Lost(end.result())
            now = time.monotonic()
            if self._client.paused or now - began > tick + self._broker.timeout / 2:
                continue  # it is us who do not listen: the broker may have said something all the same
            self._client.tend()
            self._look_for_silence(now)
            if self._broker.echo and now >= echo_due:
                echo_due = now + self._broker.keepalive
                self._call(self._broker.echo, now)

    def _look_for_silence(self, now: float) -> None:
        patience = self._broker.timeout
        oldest = next(iter(self._client.pending.values()), None)
        if oldest and now - max(oldest.sent_at, self._client.last_ack) > patience:
            self._client.finish(f"the broker has acknowledged nothing for {patience:g} s")
        if self._nonce and now - self._echo_at > patience:
            self.deaf = True

    def _call(self, topic: str, now: float) -> None:
        """Send a canary, unless others are under way that tell as much about the way there."""
        if self.in_flight >= self.window:
            return
        self._nonce, self._echo_at = token_hex(8).encode(), now
        try:
            self.send(Message(topic, self._nonce), lambda _: None)
        except MqttError:
            self._nonce = b""

    def _hear(self, message: paho.MQTTMessage) -> None:
        if message.topic == self._broker.echo:
            self._client.acknowledge(message)
            if message.payload == self._nonce:
                self._nonce, self.deaf = b"", False
            return
        self._inbox.put_nowait(message)
        if self._inbox.qsize() >= WAITING:
            self._client.pause()
