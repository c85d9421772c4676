"""Brings one message to a URL and says what became of it: taken, refused for good, or to be tried again."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Annotated

import aiohttp
from pydantic import AfterValidator, Field
from yarl import URL

from monitor.kit.http_client import Ask, Exchange, RedirectRefusedError, Way, fetch
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.tcp import ConnectError
from monitor.kit.text import clean

REFUSED = frozenset({400, 413, 415, 422})
"""Statuses that are about this message alone: it will never be taken. All others a person may mend."""
UNSURE = frozenset({502, 504})
"""Statuses of one in between, who does not know what became of it further on."""
LONGEST_WAIT = 3600.0
"""Seconds that a peer may have us wait."""
_TAKEN = range(200, 300)


class Fate(StrEnum):
    """What became of a message."""

    TAKEN = "taken"
    REFUSED = "refused"
    """It will not be taken however often it is brought."""
    LATER = "later"
    """It was not taken now; bring it again, as the same message."""
    UNSURE = "unsure"
    """It may have been taken or not, for no answer came; bring it again, as the same message."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The end of one attempt."""

    fate: Fate
    words: str = ""
    """Why it was not taken, for people."""
    wait: float | None = None
    """Seconds that the peer wants us to wait (RFC 9110, section 10.2.3)."""
    body: bytes = b""
    """The beginning of the peer's answer."""
    reference: str = ""
    """The peer's own name of what it has taken, by which it may speak of it later."""


async def bring(ask: Ask, timeout: float, settings: ssl.SSLContext | None = None) -> Receipt:  # noqa: ASYNC109 - of one attempt
    """Make one attempt, of at most *timeout* seconds; *settings* are for https. Raises nothing.

    Where no connection came to stand the peer has got nothing; after that it may have got everything,
    whatever breaks off before its answer.
    """
    exchange = Exchange(Way(settings=settings))
    try:
        async with asyncio.timeout(timeout):
            answer = await fetch(shared(), exchange, ask)
    except TimeoutError:
        return Receipt(_unanswered(exchange), f"no answer within {timeout:g} s")
    except (ResolveError, ConnectError, RedirectRefusedError, aiohttp.ClientError, OSError) as error:
        return Receipt(_unanswered(exchange), clean(f"{type(error).__name__}: {error}"))
    if answer.status in _TAKEN:
        return Receipt(Fate.TAKEN, body=answer.body)
    words = clean(f"status {answer.status} {answer.text}")
    fate = (
        Fate.REFUSED if answer.status in REFUSED else Fate.UNSURE if answer.status in UNSURE else Fate.LATER
    )
    return Receipt(fate, words, _wait(answer.headers.get("Retry-After", "")), answer.body)


def _page(text: str) -> str:
    if not is_page(text):
        raise ValueError("expected http://host/path or https://host/path, without a user in it")
    return text


Page = Annotated[str, Field(max_length=2000), AfterValidator(_page)]
"""An address to bring messages to."""


def is_page(text: str) -> bool:
    """Say whether *text* is an address that messages can be brought to, without a user in it."""
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host) and not (url.user or url.password)


def _unanswered(exchange: Exchange) -> Fate:
    return Fate.LATER if exchange.handler is None else Fate.UNSURE


def _wait(text: str) -> float | None:
    """Return the seconds that `Retry-After` asks for, be it a number or a date; None for anything else."""
    if text.isascii() and text.isdigit():
        return min(float(text[:8]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return min(max(0.0, (at - datetime.now(UTC)).total_seconds()), LONGEST_WAIT)
