"""An event of the log in one sentence, for whoever reads the log itself."""

from collections.abc import Mapping

from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.core.world import Event, Json


def account(event: Event, language: str) -> str:
    """Tell one event in one sentence; clean it before you show it: other vantages wrote what they liked."""
    words = WORDS[language]
    said = event.data.get("sentence")
    if isinstance(said, Mapping) and isinstance(said.get(language), str):
        return str(said[language])
    if event.kind == "daemon" or "now" not in event.data:
        return _of_a_daemon(event, words)
    return _of_a_change(event, words)


def _of_a_change(event: Event, words: Words) -> str:
    """Say what a check or a subject was, and is."""
    data = event.data
    was, now = (_word(words.health, data.get(key)) for key in ("was", "now"))
    doubt = f"{words.comma}{words.label['suspected']}" if data.get("suspected") else ""
    change = f"{was} → {now}" if was != now else now
    reason, detail = _word(words.reason, data.get("reason")), data.get("detail")
    why = ": ".join(text for text in (reason, detail) if isinstance(text, str) and text not in ("", "ok"))
    return f"{event.subject} {change}{doubt}" + (f" ({why})" if why else "")


def _of_a_daemon(event: Event, words: Words) -> str:
    """Say what happened to a daemon, and what else is known of it."""
    data = dict(event.data)
    what = str(data.pop("what", event.kind))
    told = words.label.get(f"what_{what}", what)
    facts = [_told(key, value, words) for key, value in data.items() if value not in (None, "", [])]
    who = f"{words.label['vantage']} {event.subject}:" if event.kind == "daemon" else event.subject
    return f"{who} {told}" + (f" ({words.comma.join(facts)})" if facts else "")


def _told(key: str, value: Json, words: Words) -> str:
    """Say one fact; what has no words of its own keeps its key."""
    if isinstance(value, bool):
        known = words.fact.get(f"{key}_{value}".lower())
        return known if known is not None else f"{key}={_fact(value)}"
    said = _word(words.reason, value) if key == "reason" else _fact(value)
    return words.fact[key].format(value=said) if key in words.fact else f"{key}={said}"


def _word(words: Mapping[str, str], value: Json) -> str:
    return words.get(value, value) if isinstance(value, str) else ""


def _fact(value: Json) -> str:
    if isinstance(value, list):
        return " ".join(_fact(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
