"""What is refused of a request before anybody looks at it, and its body as far as that is bounded."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from aiohttp import web


class Refusal(NamedTuple):
    """Why a request is not answered."""

    status: int
    words: bytes
    headers: Mapping[str, str] = MappingProxyType({})


def refusal_of_a_get(request: web.BaseRequest) -> Refusal | None:
    """Say why a request is not answered where everything is only read; None: it is."""
    if request.body_exists:
        return Refusal(413, b"no body is accepted\n")
    if request.method not in {"GET", "HEAD"}:
        return Refusal(405, b"only GET is served\n", headers={"Allow": "GET, HEAD"})
    return _refusal_of_strangers(request)


def refusal_of_a_post(request: web.BaseRequest) -> Refusal | None:
    """Say why a request is not answered where small POSTs are taken; None: it is."""
    if request.method != "POST":
        return Refusal(405, b"only POST is taken\n", headers={"Allow": "POST"})
    if "Content-Encoding" in request.headers:
        return Refusal(415, b"nothing compressed is taken\n")
    return _refusal_of_strangers(request)


def _refusal_of_strangers(request: web.BaseRequest) -> Refusal | None:
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        return Refusal(403, b"other sites may not ask this\n")
    return None


async def body_of(request: web.BaseRequest, most: int) -> bytes | None:
    """Return what comes with a request; None: more than *most* bytes."""
    if (request.content_length or 0) > most:
        return None
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > most:
            return None
    return bytes(body)
