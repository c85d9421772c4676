"""Heads of messages as SIP, RTSP and their kin have them: a first line, headers, an empty line."""

import re

from monitor.kit.text import clean

Headers = dict[str, list[str]]
"""All values of each header, by its name in small letters; hostile text."""

_NAME = re.compile(r"[!%'*+.^_`|~0-9A-Za-z-]{1,64}")
_LENGTH = re.compile(r"[0-9]{1,9}")


class BadMessageError(ValueError):
    """What the peer said is no message of its protocol; the message says why, on one harmless line."""


def read(head: bytes) -> tuple[str, Headers]:
    """Return the first line and the headers of a head, which ends in an empty line.

    Lines that begin with a space go on from the one before. Raises BadMessageError. Takes time in proportion
    to the length, whatever it is.
    """
    if not head.endswith(b"\r\n\r\n"):
        raise BadMessageError("the message breaks off in its head")
    first, *lines = _unfolded(head[:-4].lstrip(b"\r\n").decode("utf-8", "replace"))
    headers: Headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t").lower()
        if not colon or not _NAME.fullmatch(name):
            raise BadMessageError(f"{clean(line, 80)!r} is no header")
        headers.setdefault(name, []).append(value.strip(" \t"))
    return first, headers


def length(headers: Headers) -> int | None:
    """Return how long the body is, None if that is not said. Raises BadMessageError."""
    told = headers.get("content-length")
    if told is None:
        return None
    if len(told) != 1 or not _LENGTH.fullmatch(told[0]):
        raise BadMessageError("the length of the message is not one number")
    return int(told[0])


def told(headers: Headers, name: str, most: int = 60) -> str:
    """Return all values of a header on one harmless line."""
    return clean(", ".join(headers.get(name, ())), most)


def _unfolded(text: str) -> list[str]:
    lines: list[list[str]] = []
    for line in text.split("\r\n"):
        if line[:1] in {" ", "\t"} and len(lines) > 1:
            lines[-1].append(line.strip(" \t"))
        else:
            lines.append([line])
    return [" ".join(parts) for parts in lines]
