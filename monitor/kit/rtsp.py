"""RTSP as a client that only asks: what a server can do, and what a stream is made of.

RFC 2326 (RTSP 1.0), which is what cameras speak; answers of RFC 7826 (2.0) are understood.
"""

import re
from typing import Literal, NamedTuple

from monitor.kit.challenge import Credential, answered, challenges
from monitor.kit.head import BadMessageError, Headers, length, read
from monitor.kit.stream import Stream
from monitor.kit.text import clean

Method = Literal["OPTIONS", "DESCRIBE"]

USER_AGENT = "command-monitor"
UNAUTHORIZED = 401
_STATUS = re.compile(r"RTSP/[12]\.0 ([1-5]\d\d)(?: ([^\r\n]*))?", re.IGNORECASE)
_REQUEST = re.compile(r"[A-Z_]{1,32} \S{1,2048} RTSP/[12]\.0")
_NUMBER = re.compile(r"0*(\d{1,9})")


class Answer(NamedTuple):
    """What the server says."""

    status: int
    """0: it is no answer but a request of the server's own."""
    phrase: str
    headers: Headers
    body: bytes = b""


class Reply(NamedTuple):
    """The last answer of an exchange, and how it came about."""

    answer: Answer
    authenticated: bool
    """We said who we are."""
    refusal: str = ""
    """Why we did not, though we were asked to."""


async def ask(
    stream: Stream, method: Method, url: str, credential: Credential | None = None, *, basic: bool = False
) -> Reply:
    """Ask once; if the server wants to know who we are, and there is a *credential*, once more with it.

    With *basic* the password may be sent as it is. Raises BadMessageError and what Stream does.
    """
    answer = await _exchange(stream, method, url, 1)
    if answer.status != UNAUTHORIZED or credential is None:
        return Reply(answer, authenticated=False)
    offers = challenges(answer.headers.get("www-authenticate", ()))
    proof = answered(offers, credential, method, url, basic=basic)
    if proof is None:
        only = ", ".join(dict.fromkeys(clean(offer.scheme, 20) for offer in offers)) or "nothing"
        return Reply(answer, authenticated=False, refusal=f"it offers {only}, which is not answered")
    return Reply(await _exchange(stream, method, url, 2, proof), authenticated=True)


async def _exchange(
    stream: Stream, method: Method, url: str, number: int, proof: str | None = None
) -> Answer:
    lines = [f"{method} {url} RTSP/1.0", f"CSeq: {number}", f"User-Agent: {USER_AGENT}"]
    if method == "DESCRIBE":
        lines.append("Accept: application/sdp")
    if proof is not None:
        lines.append(f"Authorization: {proof}")
    await stream.say("\r\n".join((*lines, "", "")).encode())
    while True:
        answer = parse(await stream.head())
        body = await stream.exactly(length(answer.headers) or 0)
        if answer.status and _belongs(answer, number):
            return answer._replace(body=body)


def parse(head: bytes) -> Answer:
    """Read the head of a message up to and with its empty line. Raises BadMessageError."""
    first, headers = read(head)
    status = _STATUS.fullmatch(first)
    if status is None and not _REQUEST.fullmatch(first):
        raise BadMessageError(f"{clean(first, 80)!r} is no first line of RTSP")
    length(headers)
    return Answer(int(status[1]), (status[2] or "").strip(), headers) if status else Answer(0, "", headers)


def _belongs(answer: Answer, number: int) -> bool:
    told = [_NUMBER.fullmatch(value) for value in answer.headers.get("cseq", ())]
    return len(told) == 1 and told[0] is not None and int(told[0][1]) == number
