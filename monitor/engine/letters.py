"""Writes what is brought: from notices and their alarms to a message, by templates."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import structlog

from monitor.core.alarm import Message
from monitor.core.alarm.letters import Item, fitted, latest, letter_facts, severity, shortened
from monitor.core.sentence import WORDS
from monitor.core.world import Json
from monitor.kit.templates import BadTemplateError, Templates
from monitor.kit.text import clean

OURS = Path(str(files("monitor.core.words"))) / "letters"
LONGEST_TITLE = 200

log = structlog.get_logger()


class Letters:
    """Writes messages by our templates, or by those of the user where there are such."""

    def __init__(self, own: Path | None = None) -> None:
        """*own*: a folder with `zh/short.txt` and the like, each of which takes the place of ours."""
        self._ours = Templates([OURS])
        self._templates = self._ours if own is None else Templates([own, OURS])

    def write(self, key: str, to: str, language: str, items: Sequence[Item], *, unsure: bool) -> Message:
        """Return the message that brings these notices; *key* names it for ever."""
        said = latest(items)
        facts = letter_facts(said, language)
        title = clean(self._text(f"{language}/title.txt", facts).strip())
        short = fitted(lambda more: clean(self._text(f"{language}/short.txt", more).strip()), facts)
        text = self._text(f"{language}/text.txt", facts).strip() + "\n"
        weight = severity(said)
        told = _facts(said, facts)
        return Message(
            key, to, language, weight, shortened(title, LONGEST_TITLE), short, text, told, unsure=unsure
        )

    def check(self) -> None:
        """Write a message of nothing in particular; raises BadTemplateError for a template of the user's."""
        for language in WORDS:
            for name in ("title", "short", "text"):
                self._templates.write(f"{language}/{name}.txt", SAMPLE)

    def _text(self, name: str, facts: Mapping[str, object]) -> str:
        """Write by the user's template; by ours if theirs turns out to be bad, for a word must be said."""
        try:
            return self._templates.write(name, facts)
        except BadTemplateError as error:
            log.warning("letters.bad_template", template=name, trouble=str(error))
            return self._ours.write(name, facts)


def _facts(items: Sequence[Item], facts: Mapping[str, object]) -> dict[str, Json]:
    alarms: list[Json] = [
        {
            "alarm": item.alarm.id,
            "code": item.alarm.code,
            "what": "recovery" if item.over else str(item.notice.what),
            "severity": str(item.alarm.severity),
            "area": str(item.alarm.area),
            "subject": item.alarm.subject,
            "since": item.alarm.since,
            "closed_at": item.alarm.closed_at,
            "drill": item.alarm.drill,
            "sentence": item.alarm.facts.get("sentence"),
        }
        for item in items
    ]
    return {"answer": str(facts["answer"]), "count": len(items), "alarms": alarms}


SAMPLE: Mapping[str, object] = {
    "drill": False,
    "entries": [],
    "first": {"sentence": ""},
    "lead": "",
    "clauses": [""],
    "names": [""],
    "count": 1,
    "opened": 1,
    "over": 0,
    "severity_words": {},
    "answer": "",
}
"""All that a template may speak of."""
