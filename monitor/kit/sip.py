"""SIP messages as a client needs them: a question to send, and what of the peer's talk answers it.

RFC 3261, with the symmetric answers of RFC 3581. Nothing here touches a socket.
"""

import re
import secrets
from typing import Literal, NamedTuple

from monitor.kit.head import BadMessageError, Headers, length, read
from monitor.kit.text import clean

Transport = Literal["udp", "tcp", "tls"]

USER_AGENT = "command-monitor"
FINAL = 200
"""The first status that ends a transaction; those below only say that it goes on."""

_MAGIC = "z9hG4bK"
"""What every branch begins with since RFC 3261, section 8.1.1.7."""
_STATUS = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: ([^\r\n]*))?", re.IGNORECASE)
_REQUEST = re.compile(r"[A-Za-z]{1,32} \S{1,2048} SIP/2\.0", re.IGNORECASE)
_CSEQ = re.compile(r"0*(\d{1,10})[ \t]+([A-Za-z]{1,32})")
_BRANCH = re.compile(r";[ \t]*branch[ \t]*=[ \t]*([^;, \t]{1,256})", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONGEST_VIA = 1024
"""Characters; what is longer is not what we sent with an address or two added."""
_SHORT = {"v": "via", "i": "call-id", "l": "content-length", "k": "supported", "f": "from", "t": "to"}
"""Compact forms of the names that we read (section 7.3.3)."""


class Request(NamedTuple):
    """A request, and what an answer to it is known by."""

    text: bytes
    branch: str
    call_id: str
    method: str = "OPTIONS"
    number: int = 1


class Answer(NamedTuple):
    """A message of the peer's: its status, and what it says besides."""

    status: int
    """0: it is no answer but a request of the peer's own."""
    phrase: str
    headers: Headers
    length: int | None
    """Bytes of the body, as the peer has it."""


def question(
    uri: str,
    transport: Transport,
    local: tuple[str, int],
    *,
    caller: str | None = None,
    max_forwards: int = 70,
) -> Request:
    """Return a question for the abilities of *uri* (section 11), from our address and port *local*.

    *caller* is the URI that we give as ours; without one it is made of *local*.
    """
    here = f"{bracketed(local[0])}:{local[1]}"
    branch = _MAGIC + secrets.token_hex(12)
    call_id = secrets.token_hex(16)
    means = "" if transport == "udp" else f";transport={transport}"
    lines = (
        f"OPTIONS {uri} SIP/2.0",
        f"Via: SIP/2.0/{transport.upper()} {here};branch={branch};rport",
        f"Max-Forwards: {max_forwards}",
        f"From: <{caller or f'sip:monitor@{bracketed(local[0])}'}>;tag={secrets.token_hex(8)}",
        f"To: <{uri}>",
        f"Call-ID: {call_id}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:monitor@{here}{means}>",
        "Accept: application/sdp",
        f"User-Agent: {USER_AGENT}",
        "Content-Length: 0",
    )
    return Request("\r\n".join((*lines, "", "")).encode(), branch, call_id)


def bracketed(host: str) -> str:
    """Return *host* as it stands in a URI: IPv6 in brackets, and without its zone."""
    plain = host.partition("%")[0]
    return f"[{plain}]" if ":" in plain else plain


def parse(head: bytes) -> Answer:
    """Read a message up to and with its empty line. Raises BadMessageError."""
    first, headers = read(head)
    status = _STATUS.fullmatch(first)
    if status is None and not _REQUEST.fullmatch(first):
        raise BadMessageError(f"{clean(first, 80)!r} is no first line of SIP")
    for short, name in _SHORT.items():
        if short in headers:
            headers.setdefault(name, []).extend(headers.pop(short))
    code, phrase = (int(status[1]), status[2] or "") if status else (0, "")
    return Answer(code, phrase.strip(), headers, length(headers))


def parse_datagram(data: bytes) -> Answer:
    """Read a whole datagram; what follows its end is nothing (section 18.3). Raises BadMessageError."""
    head, mark, body = data.partition(b"\r\n\r\n")
    answer = parse(head + mark)
    if len(body) < (answer.length or 0):
        raise BadMessageError("the message breaks off in its body")
    return answer


def belongs(answer: Answer, request: Request) -> bool:
    """Say whether *answer* is one to *request*, and meant for us alone (sections 8.1.3.3, 17.1.3)."""
    value = ",".join(answer.headers.get("via", ()))
    vias = _QUOTED.sub("", value).split(",") if len(value) <= _LONGEST_VIA else ()
    if len(vias) != 1 or (branch := _BRANCH.search(vias[0])) is None:
        return False
    counted = [_CSEQ.fullmatch(value) for value in answer.headers.get("cseq", ())]
    if len(counted) != 1 or (cseq := counted[0]) is None:
        return False
    return (
        branch[1].lower() == request.branch.lower()
        and (int(cseq[1]), cseq[2]) == (request.number, request.method)
        and answer.headers.get("call-id") == [request.call_id]
    )
