"""Asking a gatekeeper whether it is there, and beginning a call that is ended at once."""

import secrets
import socket

from monitor.kit.h323 import h225, q931
from monitor.kit.h323.q931 import NORMAL_CLEARING, RELEASE_COMPLETE, SETUP, TPKT, Message
from monitor.kit.inquiry import Passed, Reply, inquire
from monitor.kit.stream import Stream

PATIENCE = 64
"""How many first pauses pass before a gatekeeper is given up."""
_NUMBERS = 65_535
_REFERENCES = 0x7FFF


async def ask_gatekeeper(
    sock: socket.socket, local: tuple[str, int], gatekeeper: str, pause: float
) -> Reply[h225.Answer]:
    """Ask over a connected non-blocking UDP socket whether *gatekeeper*, or any if empty, would have us.

    Only an answer with the number of our question counts. Raises what `inquire` does.
    """
    number = 1 + secrets.randbelow(_NUMBERS)

    def judged(data: bytes) -> h225.Answer | Passed:
        answer = h225.parse_answer(data)
        if answer.number != number:
            return Passed.OTHERS
        return Passed.TRYING if answer.message == "requestInProgress" else answer

    words = h225.gatekeeper_request(number, local, gatekeeper)
    return await inquire(sock, words, judged, pause=pause, patience=PATIENCE * pause)


async def call(stream: Stream, peer: tuple[str, int]) -> Message:
    """Begin a call that carries nothing, return the first answer to it, and end it at once, come what may.

    Raises BadMessageError and what Stream does.
    """
    reference, identifier = 1 + secrets.randbelow(_REFERENCES), secrets.token_bytes(16)
    begin = h225.setup(identifier, stream.local, peer)
    end = h225.release_complete(identifier)
    await stream.say(q931.packed(Message(SETUP, reference, answers=False, user=begin)))
    ended = False
    try:
        while True:
            message = await _next(stream)
            if message is not None and message.answers and message.reference == reference:
                ended = message.type == RELEASE_COMPLETE
                return message
    finally:
        if not ended:
            last = Message(RELEASE_COMPLETE, reference, answers=False, cause=NORMAL_CLEARING, user=end)
            stream.part(q931.packed(last))


async def _next(stream: Stream) -> Message | None:
    """Return the next message; None for an empty frame."""
    size = q931.length(await stream.exactly(TPKT.size))
    return q931.parse(await stream.exactly(size)) if size else None
