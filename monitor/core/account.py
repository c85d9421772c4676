"""An event of the log in one sentence, for whoever reads the log itself."""

from collections.abc import Iterator, Mapping

from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.core.world import Event, Json


def account(event: Event, language: str) -> str:
    """Tell one event in one sentence; clean it before you show it: other vantages wrote what they liked."""
    words = WORDS[language]
    if event.kind in ("alarm", "notice"):
        return _of_an_alarm(event, words) if event.kind == "alarm" else _of_a_notice(event, words)
    said = event.data.get("sentence")
    if isinstance(said, Mapping) and isinstance(said.get(language), str):
        return str(said[language])
    if event.kind == "daemon" or "now" not in event.data:
        return _of_a_daemon(event, words)
    return _of_a_change(event, words)


def _of_an_alarm(event: Event, words: Words) -> str:
    """Say what became of an alarm: who was told, who has answered; and what it is about."""
    data, says = event.data, words.alarm
    what = str(data.get("what"))
    told = says["account"].format(code=data.get("code"), what=says.get(f"what_{what}", what))
    people = words.comma.join(_people(data, words))
    sentence = data.get("sentence")
    about = sentence.get(words.language) if isinstance(sentence, Mapping) else data.get("subject")
    return f"{told}{f' ({people})' if people else ''}{words.semicolon}{about}"


def _people(data: Mapping[str, Json], words: Words) -> Iterator[str]:
    """Name who has answered, or who is told over what."""
    answer, told = data.get("answer"), data.get("told")
    if data.get("what") == "answered" and isinstance(answer, Mapping):
        yield f"{answer.get('name') or answer.get('who')}{words.comma}{_via(answer.get('via'), words)}"
    for one in told if isinstance(told, list) else ():
        if isinstance(one, Mapping):
            yield f"{one.get('officer') or words.alarm['place']} {one.get('channel')}"


def _via(via: Json | None, words: Words) -> str:
    return words.audit.get(f"via_{via}", str(via))


def _of_a_notice(event: Event, words: Words) -> str:
    """Say how far a message has got, what its channel says to that, and which alarms it brings."""
    data, says = event.data, words.alarm
    rung, officer = str(data.get("rung")), data.get("officer") or words.alarm["place"]
    told = says["notice_account"].format(
        officer=officer, channel=data.get("channel"), rung=says.get(f"rung_{rung}", rung)
    )
    why = f" ({data['words']})" if data.get("words") else ""
    return f"{told}{why}{words.semicolon}{_fact(data.get('alarms'))}"


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
