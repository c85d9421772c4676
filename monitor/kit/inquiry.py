"""A question over UDP, repeated with doubled pauses until it is answered, as SIP and its kin have it."""

import asyncio
import socket
from collections.abc import Callable
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from monitor.kit.head import BadMessageError
from monitor.kit.sockets import readable

T = TypeVar("T")

MOST = 65_536
"""Bytes of a peer's talk that are read at most."""
LONGEST_PAUSE = 4.0
"""Seconds between two repetitions at most."""
HEARING_OUT = 1.0
"""Seconds after a datagram that is no message before it is the answer: another, good one may yet come."""


class Passed(Enum):
    """What a datagram may be besides the answer."""

    OTHERS = 1
    """It is not for us."""
    TRYING = 2
    """The peer has our question and is working on it."""


class NoAnswerError(Exception):
    """Nobody answered, however often it was asked."""


class OthersAnswerError(Exception):
    """All that the peer said was for somebody else."""


class Reply(NamedTuple, Generic[T]):
    """The answer, and what it took to get it."""

    answer: T
    took: float
    """Seconds from the first question to the answer."""
    sent: int
    """Questions that were sent."""


async def inquire(
    sock: socket.socket,
    words: bytes,
    judged: Callable[[bytes], T | Passed],
    *,
    pause: float,
    patience: float,
) -> Reply[T]:
    """Send *words* over a connected non-blocking socket until *judged* has an answer.

    The first repetition comes after *pause* seconds, and *patience* ends all. *judged* raises BadMessageError
    for nonsense. Raises that if only nonsense came; NoAnswerError; OthersAnswerError after 64 KiB of talk
    with others; OSError.
    """
    return await _Inquiry(sock, judged, pause, patience).run(words)


class _Inquiry(Generic[T]):
    def __init__(
        self, sock: socket.socket, judged: Callable[[bytes], T | Passed], pause: float, patience: float
    ) -> None:
        self._sock, self._judged = sock, judged
        self._clock = asyncio.get_running_loop().time
        self._pause = min(pause, LONGEST_PAUSE)
        self._began = self._clock()
        self._end = self._began + patience
        self._nonsense: BadMessageError | None = None
        self._room = MOST

    async def run(self, words: bytes) -> Reply[T]:
        """Ask, again after each pause, until an answer comes."""
        sent = 0
        while True:
            self._sock.send(words)
            sent += 1
            answer = await self._heard(self._clock() + self._pause)
            if not isinstance(answer, Passed):
                return Reply(answer, self._clock() - self._began, sent)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _heard(self, due: float) -> T | Passed:
        """Return the answer, or that there was none until *due*."""
        while True:
            try:
                async with asyncio.timeout_at(min(due, self._end)):
                    await readable(self._sock)
            except TimeoutError:
                if self._clock() < self._end:
                    return Passed.OTHERS
                raise self._nonsense or NoAnswerError("no answer, however often it was asked") from None
            try:
                data = self._sock.recv(self._room)
            except BlockingIOError:  # woken for a datagram whose checksum was wrong
                continue
            answer = self._weighed(data)
            if answer is Passed.TRYING:
                self._pause = LONGEST_PAUSE
            elif answer is not Passed.OTHERS:
                return answer

    def _weighed(self, data: bytes) -> T | Passed:
        """Judge a datagram; nonsense is kept until the peer has been heard out."""
        self._room -= len(data) or 1
        answer: T | Passed = Passed.OTHERS
        try:
            answer = self._judged(data)
        except BadMessageError as error:
            if self._nonsense is None:
                self._nonsense = error
                self._end = min(self._end, self._clock() + HEARING_OUT)
        if isinstance(answer, Passed) and self._room <= 0:
            raise self._nonsense or OthersAnswerError("64 KiB of talk, and none of it for us")
        return answer
