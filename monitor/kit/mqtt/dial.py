"""Opening a socket on the event loop itself: no thread pool that others wait for, and cancelled at once."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def apart(work: Callable[[], T]) -> T:
    """Run blocking *work* in a thread of its own, outside the default executor.

    A thread that hangs is left behind: it delays nobody and does not keep the process alive.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: Exception | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type] # T itself may be optional

    def run() -> None:
        value, trouble = None, None
        try:
            value = work()
        except Exception as error:  # noqa: BLE001 - handed to the one who waits
            trouble = error
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, value, trouble)

    threading.Thread(target=run, name="mqtt-apart", daemon=True).start()
    return await result


async def dial(addresses: Sequence[str], port: int, *, patience: float, unanswered: float) -> socket.socket:
    """Return a connected, non-blocking TCP socket to the first address that answers.

    *patience* seconds are shared by the addresses. The kernel gives the connection up when what was sent
    stays unacknowledged for *unanswered* seconds (TCP_USER_TIMEOUT, RFC 5482). Raises OSError.
    """
    trouble: OSError = OSError("the name has no address")
    for address in addresses:
        try:
            async with asyncio.timeout(patience / len(addresses)):
                return await _connect(address, port, unanswered)
        except TimeoutError:
            trouble = TimeoutError(f"{address} does not answer")
        except OSError as error:
            trouble = error
    raise trouble


async def _connect(address: str, port: int, unanswered: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unanswered * 1000))
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def shake_hands(sock: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    """Make TLS of a connected, non-blocking socket, which must not be used afterwards; raises OSError."""
    loop = asyncio.get_running_loop()
    secure = context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
    try:
        while True:
            try:
                secure.do_handshake()
            except ssl.SSLWantReadError:
                await _ready(secure, loop.add_reader, loop.remove_reader)
            except ssl.SSLWantWriteError:
                await _ready(secure, loop.add_writer, loop.remove_writer)
            else:
                return secure
    except BaseException:
        secure.close()
        raise


async def _ready(
    sock: socket.socket, add: Callable[..., object], remove: Callable[[socket.socket], object]
) -> None:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    add(sock, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        remove(sock)
