"""An MQTT 3.1.1 broker in this process, on a free port of loopback: for the demo, for drills, for tests."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

ADDRESS = "127.0.0.1"
_LISTENER = "default"
_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


@contextlib.asynccontextmanager
async def broker() -> AsyncIterator[int]:
    """Run a broker for as long as the context lasts, and give its port.

    Anybody on this machine may connect. Retained messages live as long as the broker. It speaks MQTT 3.1.1
    only: its clients must too. Its log is silenced: it reports every client that hangs up.
    """
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    inner = Broker(
        BrokerConfig(listeners={_LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)}, plugins=_PLUGINS)
    )
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await inner.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER
            )
        finally:
            writer.close()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.create_task(serve(reader, writer), name="broker client")
        clients.add(client)
        client.add_done_callback(clients.discard)

    await inner.start()
    try:
        # The port is ours to choose this way; amqtt would not tell which one it was given.
        server = await asyncio.start_server(take, ADDRESS, 0)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for client in tuple(clients):
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
    finally:
        await inner.shutdown()
