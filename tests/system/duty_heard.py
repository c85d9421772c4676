"""What the far ends of the channels were brought, in one form: by HTTP, by mail, as short messages."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.core.alarm import Message
from monitor.core.plain import Json

ENDED = "recovery"
_TAKEN = range(200, 300)


@dataclass(frozen=True)
class Said:
    """What one message says of one alarm."""

    alarm: str
    what: str
    """As the log has it: `alarm`, `escalated`, …, `recovery`; empty: it says so in prose only."""
    code: str = ""
    """What to answer with; empty: it names none."""


@dataclass(frozen=True)
class Brought:
    """One message, each time it came."""

    at: float
    key: str
    said: tuple[Said, ...]
    taken: bool | None = True
    """Whether that was said to whoever brought it; None: he had no answer."""


def by_http(receiver) -> list[Brought]:
    """Return what a receiver of the webhook channel was brought."""
    came = zip(receiver.times, receiver.heard, receiver.given, strict=True)
    return [_from_json(at, body, given) for at, (_, body), given in came]


def _from_json(at: float, body: bytes, given: int) -> Brought:
    told = json.loads(body)
    return Brought(at, told["key"], _said(told["facts"]), given in _TAKEN if given else None)


def by_hand(came: Iterable[tuple[float, Message]]) -> list[Brought]:
    """Return what a channel within the test was brought, and took: time and message."""
    return [Brought(at, one.key, _said(one.facts)) for at, one in came]


def _said(facts: Mapping[str, Json]) -> tuple[Said, ...]:
    return tuple(Said(one["alarm"], one["what"], one["code"]) for one in facts["alarms"])


def by_mail(came: Iterable[tuple[float, object, str]], alarms: Mapping[str, str], keys: Iterable[str]):
    """Return what a mail server was brought: time, mail, and its answer to the text (empty: none).

    *alarms*: ids by code, by which a mail about several names them; *keys*: those of the log, from which the
    Message-IDs are made.
    """
    names = {hashlib.sha256(key.encode()).hexdigest()[:40]: key for key in keys}
    for at, mail, answer in came:
        name = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        said = tuple(_from_text(mail.get_content().replace("\r\n", "\n"), alarms))
        yield Brought(at, names.get(name, name), said, answer.startswith("2") if answer else None)


def _from_text(text: str, alarms: Mapping[str, str]):
    if one := re.search(r"^编号：(\S+)$", text, re.MULTILINE):
        yield Said(one[1], _what(text))
        return
    for line, code in re.findall(r"^(.*)（(\d{4}[a-z]*)）$", text, re.MULTILINE):
        yield Said(alarms.get(code, code), _what(line), code)


def by_modem(came: Iterable[tuple[float, str]], alarms: Mapping[str, str]):
    """Return what a modem was given to send: time and text, by which alone no double shows."""
    for at, text in came:
        code = re.search(r"回(\d{4}[a-z]*)$", text)
        began = code or re.search(r"(\d\d):(\d\d) 起中断", text)
        name = "".join(began.groups()) if began else text
        yield Brought(at, "", (Said(alarms.get(name, name), _what(text), code[1] if code else ""),))


def _what(text: str) -> str:
    return ENDED if "恢复正常" in text else ""
