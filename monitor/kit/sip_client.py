"""A SIP client's transaction without INVITE (RFC 3261, section 17.1.2): ask, again over UDP, be answered."""

import asyncio
import socket
from typing import NamedTuple

from monitor.kit.head import BadMessageError
from monitor.kit.sip import FINAL, Answer, Request, belongs, parse, parse_datagram
from monitor.kit.sockets import readable
from monitor.kit.stream import Stream

T1 = 0.5
"""Seconds that a round trip is taken for, before the first repetition (table 4)."""
T2 = 4.0
"""Seconds between two repetitions at most."""
MOST = 65_536
"""Bytes of a peer's talk that are read at most."""
HEARING_OUT = 1.0
"""Seconds after a datagram that is no SIP before it becomes the answer: another, good one may yet come."""


class NoAnswerError(Exception):
    """Nobody answered in 64 T1 (timer F)."""


class OthersAnswerError(Exception):
    """All that the peer said was for somebody else."""


class Reply(NamedTuple):
    """A final answer, and what it took to get it."""

    answer: Answer
    took: float
    """Seconds from the first request to the answer."""
    sent: int
    """Requests that were sent."""


async def ask_by_datagram(sock: socket.socket, request: Request, t1: float = T1) -> Reply:
    """Ask over a connected non-blocking UDP socket, again and again as timer E has it.

    What belongs to others is passed over. Raises NoAnswerError; BadMessageError if only nonsense came;
    OthersAnswerError after 64 KiB of talk with others; OSError.
    """
    return await _Transaction(sock, request, t1).run()


async def ask_by_stream(stream: Stream, request: Request) -> Reply:
    """Ask over a stream, once: repeating is TCP's own affair.

    Raises BadMessageError and what Stream does.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    await stream.say(request.text)
    while True:
        answer = parse(await stream.head())
        if answer.status >= FINAL and belongs(answer, request):
            return Reply(answer, clock() - began, 1)
        if answer.length is None:  # section 18.3
            raise BadMessageError("a message that does not say where it ends")
        await stream.exactly(answer.length)


class _Transaction:
    def __init__(self, sock: socket.socket, request: Request, t1: float) -> None:
        self._sock, self._request = sock, request
        self._clock = asyncio.get_running_loop().time
        self._pause = min(t1, T2)
        self._began = self._clock()
        self._end = self._began + 64 * t1
        self._nonsense: BadMessageError | None = None
        self._room = MOST

    async def run(self) -> Reply:
        sent = 0
        while True:
            self._sock.send(self._request.text)
            sent += 1
            answer = await self._heard(self._clock() + self._pause)
            if answer is not None:
                return Reply(answer, self._clock() - self._began, sent)
            self._pause = min(2 * self._pause, T2)

    async def _heard(self, due: float) -> Answer | None:
        """Return the final answer; None if there was none until *due*."""
        while True:
            try:
                async with asyncio.timeout_at(min(due, self._end)):
                    await readable(self._sock)
            except TimeoutError:
                if self._clock() < self._end:
                    return None
                raise self._nonsense or NoAnswerError("no answer, however often it was asked") from None
            try:
                data = self._sock.recv(self._room)
            except BlockingIOError:  # woken for a datagram whose checksum was wrong
                continue
            answer = self._judged(data)
            if answer is not None and answer.status >= FINAL:
                return answer
            if answer is not None:
                self._pause = T2  # it is working on it: state Proceeding

    def _judged(self, data: bytes) -> Answer | None:
        """Return an answer to us; nonsense is kept until the peer has been heard out."""
        self._room -= len(data) or 1
        try:
            answer = parse_datagram(data)
        except BadMessageError as error:
            if self._nonsense is None:
                self._nonsense = error
                self._end = min(self._end, self._clock() + HEARING_OUT)
        else:
            if belongs(answer, self._request):
                return answer
        if self._room <= 0:
            raise self._nonsense or OthersAnswerError("64 KiB of talk, and none of it for us")
        return None
