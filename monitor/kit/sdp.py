"""Descriptions of streams (SDP, RFC 8866, and RFC 4566 before it), as far as they say what is offered."""

import re
from typing import NamedTuple

from monitor.kit.text import clean

_LINE = re.compile(r"[a-z]=.*")
_MEDIA = re.compile(r"m=([a-z]{1,20}) (\d{1,5})(?:/\d{1,5})? (\S{1,40}) (\S{1,40})(?: .*)?")
_MAP = re.compile(r"a=rtpmap:(\d{1,3}) ([^/\s]{1,40})/.*")
_STATIC = {"0": "PCMU", "8": "PCMA", "9": "G722", "26": "JPEG", "32": "MPV", "33": "MP2T", "34": "H263"}
"""Payload types that need no `rtpmap` (RFC 3551, section 6), as cameras use them."""
_MOST = 32


class BadDescriptionError(ValueError):
    """It is no description; the message says why, on one harmless line."""


class Media(NamedTuple):
    """One medium on offer."""

    kind: str
    """`video`, `audio`, `application` …"""
    codec: str
    """`H264`, `H265`, `JPEG`; the number of the payload type if the description does not name it."""
    protocol: str


def media(body: bytes) -> list[Media]:
    """Return what a description offers, at most 32 media.

    Raises BadDescriptionError unless it begins as it must, has an origin and a name, and every line is one.
    """
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n\0").split("\n")
    if lines[0] != "v=0":
        raise BadDescriptionError(f"it begins with {clean(lines[0], 60)!r}, not with v=0")
    for line in lines:
        if not _LINE.fullmatch(line):
            raise BadDescriptionError(f"{clean(line, 60)!r} is no line of a description")
    missing = [kind for kind in ("o=", "s=") if not any(line.startswith(kind) for line in lines)]
    if missing:
        raise BadDescriptionError(f"{missing[0]} is missing")
    return _offered(lines)


def _offered(lines: list[str]) -> list[Media]:
    found: list[Media] = []
    types: list[str] = []
    for line in lines:
        if line.startswith("m="):
            told = _MEDIA.fullmatch(line)
            if told is None:
                raise BadDescriptionError(f"{clean(line, 60)!r} describes no medium")
            if len(found) == _MOST:
                break
            found.append(Media(told[1], _STATIC.get(told[4], told[4]), told[3]))
            types.append(told[4])
        elif found and (named := _MAP.fullmatch(line)) is not None and named[1] == types[-1]:
            found[-1] = found[-1]._replace(codec=clean(named[2], 40))
    return found
