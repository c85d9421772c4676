"""text: whatever a peer says becomes one short printable line."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.kit.text import clean, contains, discreet, unescape


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("all is well", "all is well", id="plain-text-stays"),
        pytest.param("丹江口 指挥中心", "丹江口 指挥中心", id="chinese-stays"),
        pytest.param(b"220 hub-7\r\n", "220 hub-7", id="bytes-are-read"),
        pytest.param(b"\xff\xfe", "��", id="bytes-that-are-no-text-are-shown-as-such"),
        pytest.param("\r\nJan 1 root: FAKE", "Jan 1 root: FAKE", id="no-forged-log-lines"),
        pytest.param("\x1b[2Jgone\x9b0m", "[2Jgone 0m", id="no-terminal-escapes"),
        pytest.param("evil\u202etxt.exe\u2066", "evil txt.exe", id="no-bidirectional-overrides"),
        pytest.param("a\u200b\ufeffb\u2028c", "a b c", id="no-invisible-characters-and-line-breaks"),
        pytest.param("\ud800x", "x", id="no-lone-surrogates"),
    ],
)
def test_only_the_printable_is_shown(said, shown):
    assert clean(said) == shown


def test_long_text_is_cut_and_says_so():
    assert clean("x" * 1000, limit=10) == "xxxxxxxxx…"


def test_text_whose_cut_off_part_was_blank_says_so_too():
    assert clean(b"x" + b"\0" * 10_000).endswith("…")


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=3000), st.binary(max_size=3000)), st.integers(1, 300))
def test_nothing_gets_past(said, limit):
    line = clean(said, limit)

    assert len(line) <= limit
    assert line.encode().decode() == line
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in line)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("HELO hub", b"HELO hub", id="plain"),
        pytest.param(r"QUIT\r\n", b"QUIT\r\n", id="line-ends"),
        pytest.param(r"\x00\xff\\", b"\x00\xff\\", id="bytes-and-a-backslash"),
        pytest.param("指挥", "指挥".encode(), id="chinese-is-utf-8"),
    ],
)
def test_bytes_can_be_written_as_text(written, meant):
    assert unescape(written) == meant


@pytest.mark.parametrize("written", [r"\q", r"\x0", "\\", r"\xzz"])
def test_an_unknown_escape_is_refused(written):
    with pytest.raises(ValueError, match="no escape"):
        unescape(written)


@pytest.mark.parametrize(
    ("said", "hidden", "told"),
    [
        ("no such user zhang@x.cn", ["zhang@x.cn"], "no such user ***"),
        ("to +8613812345678 or 13812345678", [], "to +861******5678 or 138****5678"),
        ("short 10086 stays", [], "short 10086 stays"),
        ("key and key-of-key", ["key", "key-of-key"], "*** and ***"),
        ("nothing", ["", "x"], "nothing"),
        ("two\nlines", [], "two lines"),
    ],
)
def test_words_of_a_peer_hold_neither_a_secret_nor_a_number(said, hidden, told):
    assert discreet(said, hidden) == told


@settings(max_examples=200)
@given(
    before=st.text(max_size=300),
    after=st.text(max_size=5000),
    secret=st.text("abcXYZ0189", min_size=6, max_size=40),
)
def test_wherever_a_secret_stands_no_word_has_it(before, after, secret):
    told = discreet(before + secret + after + secret, [secret])

    assert secret not in told
    assert len(told) <= 200


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("ready", True),
        ("ready*42", True),
        ("42*ready", False),
        ("*", True),
        ("re*ad*y", True),
        ("READY", False),
        ("ready*ready", False),
    ],
)
def test_a_star_stands_for_anything_in_between(pattern, found):
    assert contains("is ready since 42 s", pattern) is found


def test_no_pattern_is_slow_on_any_text():
    assert not contains("a" * 65_536, "a*" * 100 + "b")
