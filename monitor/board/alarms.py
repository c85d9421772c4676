"""The alarms over HTTP: everybody may see them, whoever has the token may take them on.

What is seen is chosen by an allow-list; addresses, and what a channel's peer said of one, have no way in.
"""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from monitor.core.world import Json
from monitor.kit.bucket import Bucket
from monitor.kit.http import JSON, Request, Response
from monitor.kit.secret import one_line
from monitor.kit.text import discreet

ALARMS = "/api/v1/alarms"
ANSWER = "/api/v1/alarms/answer"
RATE, BURST = 2.0, 10.0
"""Answers per second that are looked at, on average and at once: guesses of the token and all others."""
SHORTEST = 16
"""Characters that the token must have."""
KEYS = frozenset({"ids", "who", "note", "seconds"})
"""What an answer may say."""
NOTICE = (
    "notice", "what", "officer", "channel", "composed_at", "rung", "moved_at", "attempts", "unsure",
)  # fmt: skip

Carry = Callable[[object], Awaitable[Mapping[str, Json]]]
"""Carries out an order and answers; raises nothing that it means."""


class AlarmDesk:
    """Answers what is asked about alarms."""

    def __init__(
        self, carry: Carry, token_file: Path | None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Give orders by *carry*; *token_file* holds what whoever answers must show, None: nobody may."""
        self._carry = carry
        self._token_file = token_file
        self._monotonic = monotonic
        self._bucket = Bucket(RATE, BURST)

    async def show(self, _: Request) -> Response:
        """Show the alarms that are open, or not settled yet."""
        return Response(_pieces(await self._carry({"order": "alarm/list"})), content_type=JSON)

    async def answer(self, request: Request) -> Response:
        """Take alarms on for whoever shows the token."""
        if request.path != ANSWER:
            return _refused(404, "not found")
        if (refused := self._objection(request)) is not None:
            return refused
        try:
            told = _read(request.body)
        except ValueError as error:
            return _refused(400, str(error))
        done = await self._carry({**told, "order": "alarm/answer"})
        if "refused" in done:
            return _json(done, 409)
        return _json({**done, "alarms": [_shown(one) for one in _dicts(done["alarms"])]})

    def _objection(self, request: Request) -> Response | None:
        """Say why whoever asks is not heard; None: they are."""
        if "Origin" in request.headers:
            return _refused(403, "no page of the web may answer")
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            return _refused(415, "an answer is application/json")
        if self._token_file is None:
            return _refused(403, "nobody may answer by this way: http.answer_token_file is not set")
        if not self._bucket.take(self._monotonic()):
            return _refused(429, "too many answers at a time", {"Retry-After": "1"})
        try:
            secret = one_line(str(self._token_file))
        except OSError:
            return _refused(503, "the file with the token cannot be read")
        if len(secret) < SHORTEST:
            return _refused(503, f"the token in the file is shorter than {SHORTEST} characters")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = hmac.compare_digest(secret.encode(), token.strip().encode(errors="replace"))
        if scheme.lower() == "bearer" and known:
            return None
        return _refused(401, "a wrong token, or none", {"WWW-Authenticate": "Bearer"})


async def _pieces(told: Mapping[str, Json]) -> AsyncGenerator[bytes, None]:
    """Write the alarms one at a time, so that in a storm of them the event loop has its turn."""
    head = json.dumps({key: value for key, value in told.items() if key != "alarms"}, ensure_ascii=False)
    yield f'{head[:-1]}, "alarms": ['.encode()
    for number, alarm in enumerate(_dicts(told["alarms"])):
        yield f"{',' if number else ''}\n{json.dumps(_shown(alarm), ensure_ascii=False)}".encode()
        await asyncio.sleep(0)
    yield b"\n]}\n"


def _read(body: bytes) -> dict[str, object]:
    """Return what an answer says. Raises ValueError."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("that is no JSON") from None
    if not isinstance(told, dict):
        raise ValueError("an answer is an object")  # noqa: TRY004 - the peer's mistake, told like the others
    if unknown := sorted(told.keys() - KEYS):
        raise ValueError(f"unknown key {unknown[0][:40]!r}; known are {', '.join(sorted(KEYS))}")
    who = told.get("who")
    if not isinstance(who, str) or not who.strip():
        raise ValueError("who: say who takes it on")
    return told


def _shown(alarm: Mapping[str, Json]) -> dict[str, Json]:
    """Return an alarm as everybody may see it: numbers in what people wrote are masked."""
    shown, answer = dict(alarm), alarm["answer"]
    if isinstance(answer, dict):
        masked = {key: discreet(str(answer[key]), ()) for key in ("who", "note")}
        shown["answer"] = {**answer, **masked}
    if "notices" in alarm:
        shown["notices"] = [{key: one[key] for key in NOTICE} for one in _dicts(alarm["notices"])]
    return shown


def _dicts(value: Json) -> Iterable[Mapping[str, Json]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _json(told: Mapping[str, Json], status: int = 200) -> Response:
    return Response(json.dumps(told, ensure_ascii=False).encode() + b"\n", status, JSON)


def _refused(status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps({"refused": words}, ensure_ascii=False).encode() + b"\n"
    return Response(body, status, JSON, headers or {})
