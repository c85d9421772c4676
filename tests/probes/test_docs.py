"""docs: the pages about probes agree with the probes."""

import re

import pytest
import yaml

from monitor.config.looks import OWN_KEYS
from monitor.probes import load_kinds
from tests.probes import reference

KINDS = load_kinds()
INDEX = reference.INDEX.read_text(encoding="utf-8")
PAGES = {name: page.read_text(encoding="utf-8") for name, page in reference.pages().items()}
every_page = pytest.mark.parametrize("text", [pytest.param(t, id=n) for n, t in PAGES.items()])


def examples():
    for name, text in PAGES.items():
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
            for look in yaml.safe_load(block)["looks"].values():
                yield pytest.param(look, id=name)


def test_every_kind_has_its_page():
    assert sorted(PAGES) == sorted(KINDS)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_has_the_shape_of_the_others(name):
    assert PAGES[name].startswith(f"# {name}\n")
    assert reference.named(PAGES[name]) == [("summary", name), ("tables", name)]
    assert f"{{kind: {name}," in PAGES[name] or f"kind: {name}\n" in PAGES[name], "an example is missing"


def test_the_index_is_current():
    assert reference.named(INDEX) == [("index", "kinds"), ("tables", "any")]
    assert reference.renewed(INDEX) == INDEX, "run: python -m tests.probes.reference"


@every_page
def test_what_is_generated_is_current(text):
    assert reference.renewed(text) == text, "run: python -m tests.probes.reference"


@pytest.mark.parametrize("look", list(examples()))
def test_the_examples_are_accepted(look):
    kind = KINDS[look["kind"]]
    told = {key: value for key, value in look.items() if key not in OWN_KEYS}
    filled = {"host": "10.1.2.3"} if "host" in kind.options.model_fields else {}

    assert kind.options(**filled | told)


@every_page
def test_the_calls_shown_are_calls_of_the_verb(text):
    calls = re.findall(r"^    command-monitor probe (\w+) (\S+)(.*)$", INDEX + text, re.MULTILINE)

    assert len(calls) >= 3
    for name, _, rest in calls:
        flags = {flag.lstrip("-").replace("-", "_") for flag in re.findall(r"--[\w-]+", rest)}
        assert flags <= {*KINDS[name].options.model_fields, "count", "json", "interval", "timeout"}
