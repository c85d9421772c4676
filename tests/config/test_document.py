"""document: YAML as a tree with places, read as its writer meant it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.document import LARGEST, MOST, parse, read
from monitor.errors import ConfigError


def complaints(text):
    """Return what is said of the text, nothing if it is read."""
    try:
        parse(text, "f")
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("no", "no", id="no-is-a-word"),
        pytest.param("on", "on", id="on-is-a-word"),
        pytest.param("12:30", "12:30", id="a-time-is-no-number"),
        pytest.param("0719", "0719", id="a-telephone-number-keeps-its-zero"),
        pytest.param("1_000", "1_000", id="underscores-make-text"),
        pytest.param("2026-01-01", "2026-01-01", id="a-date-is-text"),
        pytest.param("1e999", "1e999", id="infinity-is-text"),
        pytest.param(".nan", ".nan", id="not-a-number-is-text"),
        pytest.param("9" * 5000, "9" * 5000, id="endless-digits-are-text"),
        pytest.param("42", 42, id="a-whole-number"),
        pytest.param("-0.5", -0.5, id="a-number"),
        pytest.param("true", True, id="true"),
        pytest.param("'true'", "true", id="quotes-make-text"),
        pytest.param("~", None, id="a-tilde-is-nothing"),
        pytest.param("", None, id="nothing-is-nothing"),
    ],
)
def test_scalars_are_what_they_look_like(text, value):
    found = parse(f"key: {text}", "f").plain()

    assert found == {"key": value}


def test_every_value_knows_its_line_and_path():
    root = parse("a:\n  b:\n    - {c: 1}\n    -\n      d: 2\n", "f")
    node = root.child("a").child("b").child("1").child("d")

    assert (node.value, node.place.line, node.place.key) == (2, 5, "a.b.1.d")


def test_keys_are_text_whatever_they_look_like():
    assert parse("1: a\nno: b\n", "f").plain() == {"1": "a", "no": "b"}


def test_a_file_of_just_one_mebibyte_is_read(tmp_path):
    path = tmp_path / "full.yaml"
    path.write_bytes(b"a: 1 #" + b"x" * (LARGEST - 6))

    assert read(path).plain() == {"a": 1}


def test_a_flood_of_mistakes_is_not_read_to_its_end():
    with pytest.raises(ConfigError) as caught:
        parse("a: &a 1\nb: [" + "*a, " * 100_000 + "]", "f")

    assert len(caught.value.problems) == MOST


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "a:\n" + " " * 90_000 + "b: 1"]
)
def test_no_nest_is_too_deep_to_be_refused(text):
    told = complaints(text)

    assert sum(map(len, told)) < 500


@given(st.text(alphabet=st.sampled_from("ab:-{}[]&*!|>'\"%@`#?, \n\t~<\x00é中\u202e"), max_size=60))
def test_any_text_is_read_or_refused_with_its_place(text):
    assert all(told.startswith("f:") for told in complaints(text))


def test_the_shipped_files_begin_with_the_hint_for_editors():
    config = Path(__file__).parents[2] / "config"
    firsts = {path: path.read_text(encoding="utf-8").partition("\n")[0] for path in config.rglob("*.yaml")}

    for path, first in firsts.items():
        hint, _, schema = first.partition("$schema=")
        assert hint == "# yaml-language-server: "
        assert (path.parent / schema).is_file()
