"""One short visit to a broker: said hello, asked for a few things, gone again."""

import asyncio
import socket
from collections import deque
from secrets import token_hex

import paho.mqtt.client as paho

from monitor.kit.mqtt.broker import Broker, Message
from monitor.kit.mqtt.client import Client
from monitor.kit.mqtt.errors import Lost, MqttError
from monitor.kit.mqtt.properties import Welcome

MOST = 65_536
"""Bytes of messages that are taken in during a visit."""
_PACKETS = 1000


class Visit:
    """A visit over a connection that stands; `leave` in the end. What is cut short raises Lost."""

    def __init__(self, broker: Broker) -> None:
        self._client = _Visitor(broker, None, self._hear)
        self._client.end.add_done_callback(lambda _: self._came.set())
        self._inbox: deque[paho.MQTTMessage] = deque()
        self._came = asyncio.Event()
        self._taken = 0

    async def begin(self, sock: socket.socket) -> Welcome:
        """Say hello over *sock*, which from now on is the visit's to close, and return the answer."""
        self._client.greet(sock)
        return await self._client.welcomed()

    async def echo(self, topic: str) -> bytes:
        """Publish to *topic* what nobody can guess, wait until it comes back, and return it.

        Raises Refused if the broker will not have one of both.
        """
        nonce = token_hex(16).encode()
        await self._client.ask(topic, 1)
        answer: asyncio.Future[MqttError | None] = asyncio.get_running_loop().create_future()

        def done(trouble: MqttError | None) -> None:
            if not answer.done():
                answer.set_result(trouble)

        self._client.send(Message(topic, nonce), done)
        trouble = await answer
        if trouble is not None:
            raise trouble
        while True:
            message = await self._next()
            if message.topic == topic and message.payload == nonce:
                return nonce

    async def retained(self, topic: str) -> bytes:
        """Wait for the message that the broker keeps on *topic*. Raises Refused if we may not have it."""
        await self._client.ask(topic, 1)
        while True:
            message = await self._next()
            if message.topic == topic and message.retain:
                return bytes(message.payload)

    def leave(self) -> None:
        """Go, with a word to the broker if there is still a connection."""
        self._client.leave()

    async def _next(self) -> paho.MQTTMessage:
        while not self._inbox:
            if self._client.end.done():
                raise Lost(self._client.end.result())
            self._came.clear()
            await self._came.wait()
        message = self._inbox.popleft()
        self._client.acknowledge(message)
        return message

    def _hear(self, message: paho.MQTTMessage) -> None:
        self._taken += len(message.topic) + len(message.payload)
        if self._taken > MOST:
            self._client.finish("the broker says too much")
            return
        self._inbox.append(message)
        self._came.set()


class _Visitor(Client):
    """A client that does not listen for ever."""

    _steps = 0

    def _read(self) -> None:
        super()._read()
        self._steps += 1
        if self._steps > _PACKETS:
            self.finish("the broker says too much")
