"""Asks a daemon how the city is, for the commands of the shell."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from monitor.errors import PeerError

LARGEST = 64 * 1024 * 1024
"""Bytes of a status that are read; a larger one is not ours."""
PATIENCE = 10.0
"""Seconds in which a status has to be here."""
_SILENCE = 60.0

Document = Mapping[str, Any]


class DaemonClient:
    """One daemon's API."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url.rstrip("/")
        self._session = session

    async def status(self) -> Document:
        """Return the city as the daemon sees it. Raises PeerError."""
        try:
            async with asyncio.timeout(PATIENCE), self._session.get(f"{self._url}/api/v1/status") as answer:
                if answer.status != 200:  # noqa: PLR2004 - the one status that we hope for
                    raise PeerError(f"{self._url} answers with HTTP status {answer.status}")
                return _parsed(await _read(answer), self._url)
        except TimeoutError as error:
            raise PeerError(f"no answer from {self._url} in {PATIENCE:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PeerError(
                f"no daemon to be asked at {self._url} ({_why(error)}); is it running?"
            ) from error

    async def changes(self) -> AsyncGenerator[None, None]:
        """Give one None for everything that happens from now on. Raises PeerError when the stream ends."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_SILENCE)
        try:
            async with self._session.get(f"{self._url}/api/v1/events", timeout=timeout) as answer:
                async for line in answer.content:
                    if line.startswith(b"data:"):
                        yield None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PeerError(f"the stream of events from {self._url} broke off ({_why(error)})") from error
        raise PeerError(f"the stream of events from {self._url} ended")


@asynccontextmanager
async def daemon_at(url: str) -> AsyncIterator[DaemonClient]:
    """Give the API of the daemon at *url*."""
    async with aiohttp.ClientSession(headers={"Accept": "application/json"}) as session:
        yield DaemonClient(url, session)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > LARGEST:
            raise ValueError(f"more than {LARGEST} bytes")
    return bytes(body)


def _parsed(body: bytes, url: str) -> Document:
    document = json.loads(body)
    if not isinstance(document, dict) or document.get("format") != 1:
        raise PeerError(f"what answers at {url} is no daemon that this program understands")
    return document


def _why(error: Exception) -> str:
    """Say it in the system's own words where it has any; asyncio's repeat the address."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error) or type(error).__name__
