"""words: every word that a person may meet exists in every language."""

import re
from dataclasses import fields

import pytest

from monitor.core.agent import Presence
from monitor.core.health import Health
from monitor.core.inventory import Role
from monitor.core.sentence import WORDS
from monitor.engine.runner import REASONS
from monitor.probes import load_kinds

LANGUAGES = list(WORDS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("table", "words"), [("health", Health), ("presence", Presence), ("role", Role)])
def test_every_word_of_the_core_is_translated(language, table, words):
    assert set(getattr(WORDS[language], table)) == set(words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_that_a_look_can_give_is_put_into_words(language):
    reasons = set(REASONS).union(*(kind.reasons for kind in load_kinds().values()))

    assert reasons - set(WORDS[language].reason) == set()


NO_TABLES = ("language", "comma", "colon", "semicolon")


@pytest.mark.parametrize("field", [f.name for f in fields(WORDS["zh"]) if f.name not in NO_TABLES])
def test_both_languages_say_the_same_things_with_the_same_facts(field):
    def facts(language):
        return {
            key: set(re.findall(r"{(\w+)", text)) for key, text in getattr(WORDS[language], field).items()
        }

    assert facts("zh") == facts("en")
