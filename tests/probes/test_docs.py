"""docs: the page about probes agrees with the probes."""

import re

import pytest
import yaml

from monitor.probes import load_kinds
from tests.probes import reference

TEXT = reference.DOCUMENT.read_text(encoding="utf-8")


def test_every_kind_has_its_place():
    assert sorted(reference.named(TEXT)) == sorted(["any", *load_kinds()])


def test_the_tables_are_current():
    assert reference.renewed(TEXT) == TEXT, "run: python -m tests.probes.reference"


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_the_examples_are_accepted(block):
    for look in yaml.safe_load(block)["looks"].values():
        kind = load_kinds()[look.pop("kind")]
        look.pop("period", None)
        filled = {} if "url" in kind.options.model_fields else {"host": "10.1.2.3"}

        assert kind.options(**filled, **look)


def test_the_calls_shown_are_calls_of_the_verb():
    calls = re.findall(r"^    command-monitor probe (\w+) (\S+)(.*)$", TEXT, re.MULTILINE)

    assert len(calls) >= 3
    for name, _, rest in calls:
        flags = {flag.lstrip("-").replace("-", "_") for flag in re.findall(r"--[\w-]+", rest)}
        assert flags <= {*load_kinds()[name].options.model_fields, "count", "json", "interval", "timeout"}
