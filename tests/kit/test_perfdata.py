"""perfdata: read as the guidelines have it, brought to base units; nonsense is passed over."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.kit import perfdata
from monitor.kit.perfdata import Measured, measured_in, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", Measured(5.0, "")),
        ("0.026000ms", Measured(2.6e-05, "seconds")),
        ("250us", Measured(2.5e-04, "seconds")),
        ("2s", Measured(2.0, "seconds")),
        ("34%", Measured(0.34, "ratio")),
        ("-3.5", Measured(-3.5, "")),
        ("1e3B", Measured(1000.0, "bytes")),
        ("2KB", Measured(2000.0, "bytes")),
        ("2KiB", Measured(2048.0, "bytes")),
        ("3MB", Measured(3e6, "bytes")),
        ("1GiB", Measured(float(1 << 30), "bytes")),
        ("17c", Measured(17.0, "count")),
        ("21C", Measured(21.0, "count")),
        ("3,5s", Measured(3.5, "seconds")),
        ("400rpm", Measured(400.0, "")),
        ("U", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1.2.3", None),
        ("9" * 200, None),
    ],
)
def test_a_value_is_brought_to_base_units(text, expected):
    found = measured_in(text)

    assert found == (pytest.approx(expected) if expected is None else expected) or (
        found.unit == expected.unit and math.isclose(found.number, expected.number)
    )


@pytest.mark.parametrize(
    ("output", "line", "values"),
    [
        pytest.param("OK", "OK", {}, id="a-line-alone"),
        pytest.param("OK|a=1", "OK", {"a": 1}, id="one-value"),
        pytest.param("OK | a=1;2;3;4;5 b=2 ", "OK", {"a": 1, "b": 2}, id="limits-are-left-away"),
        pytest.param("OK|'free space'=1;; '/'=2", "OK", {"free space": 1, "/": 2}, id="quoted-labels"),
        pytest.param("OK|'it''s'=1", "OK", {"it's": 1}, id="a-quote-in-a-label"),
        pytest.param("OK|a=1\nmore\nand more|b=2\nc=3\n", "OK", {"a": 1, "b": 2, "c": 3}, id="long-output"),
        pytest.param("OK\nmore|b=2", "OK", {"b": 2}, id="values-only-in-the-long-part"),
        pytest.param("OK|a=1 a=2", "OK", {"a": 1}, id="the-first-of-a-label-counts"),
        pytest.param("OK|a=U b=1", "OK", {"b": 1}, id="not-known"),
        pytest.param("OK|nonsense b=1 'open c=2", "OK", {"b": 1, "c": 2}, id="nonsense-is-passed-over"),
        pytest.param("OK|=1 ''=2 ' '=3 b=1", "OK", {"b": 1}, id="no-label"),
        pytest.param("", "", {}, id="nothing"),
    ],
)
def test_an_output_is_a_line_and_values(output, line, values):
    told = read(output)

    assert told.line == line
    assert {label: value.number for label, value in told.values.items()} == values


PIECES = [
    "|",
    "'",
    "''",
    "=",
    ";",
    " ",
    "\n",
    "a",
    "label",
    "1",
    "2.5",
    "-",
    "e9",
    "ms",
    "%",
    "KB",
    "U",
    "\0",
    "é",
]
outputs = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=60).map("".join)


def held(output):
    told = read(output)

    assert "\n" not in told.line
    assert "|" not in told.line
    assert len(told.values) <= perfdata.MOST
    assert all(label.strip() and math.isfinite(value.number) for label, value in told.values.items())


@settings(max_examples=500, deadline=None, derandomize=True)
@given(outputs)
def test_nothing_that_a_plugin_says_breaks_the_reading(output):
    held(output)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, derandomize=True)
@given(outputs)
def test_nothing_at_all_that_a_plugin_says_breaks_the_reading(output):
    held(output)


@given(
    st.dictionaries(st.text("abc '/_%", min_size=1, max_size=12).filter(str.strip), st.integers(-9999, 9999))
)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_what_is_written_as_the_guidelines_have_it_is_read_back(values):
    values = {label.strip(): number for label, number in values.items()}
    written = " ".join(
        f"'{label.replace(chr(39), 2 * chr(39))}'={number}s;1;2" for label, number in values.items()
    )

    assert {k: v.number for k, v in read(f"OK|{written}").values.items()} == values


@pytest.mark.parametrize(
    "data", ["'" * 65_000, " " * 65_000, "' " * 32_000, "'" + "''" * 32_000, "a= " * 21_000, "a=1 " * 16_000]
)
def test_data_made_to_be_slow_is_looked_at_only_so_far(data):
    assert len(read(f"OK|{data}").values) <= 1
