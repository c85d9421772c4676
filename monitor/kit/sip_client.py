"""A SIP client's transaction without INVITE (RFC 3261, section 17.1.2): ask, again over UDP, be answered."""

import asyncio
import socket

from monitor.kit.head import BadMessageError
from monitor.kit.inquiry import Passed, Reply, inquire
from monitor.kit.sip import FINAL, Answer, Request, belongs, parse, parse_datagram
from monitor.kit.stream import Stream

T1 = 0.5
"""Seconds that a round trip is taken for, before the first repetition (table 4)."""
PATIENCE = 64
"""How many T1 pass before it is given up (timer F)."""


async def ask_by_datagram(sock: socket.socket, request: Request, t1: float = T1) -> Reply[Answer]:
    """Ask over a connected non-blocking UDP socket, again and again as timer E has it.

    What belongs to others is passed over. Raises what `inquire` does.
    """

    def judged(data: bytes) -> Answer | Passed:
        answer = parse_datagram(data)
        if not belongs(answer, request):
            return Passed.OTHERS
        return answer if answer.status >= FINAL else Passed.TRYING

    return await inquire(sock, request.text, judged, pause=t1, patience=PATIENCE * t1)


async def ask_by_stream(stream: Stream, request: Request) -> Reply[Answer]:
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
