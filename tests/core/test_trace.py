"""trace: where a way ends, by what answered before and what answers now; hostile words change nothing."""

from dataclasses import replace

import pytest

from monitor.core.ending import Ending
from monitor.core.incident import Incident, Stage
from monitor.core.inventory import Name
from monitor.core.trace import (
    HOPS,
    MOST,
    SLACK,
    Trace,
    came,
    compare,
    concerns,
    ending_facts,
    ending_told,
    joined,
    trace_news,
    where,
)
from monitor.core.world import Event

CIRCUIT = "dan/city/primary"
CITY = Name("市中心", "the city")


def trace(*hops, reached=False, at=100.0):
    return Trace(CIRCUIT, "city", at, "10.0.0.9", hops, reached, "echo_reply" if reached else "silence")


WELL = trace("A", "B", "", "C", "10.0.0.9", reached=True, at=10.0)


@pytest.mark.parametrize(
    ("before", "after", "last", "gone"),
    [
        pytest.param(WELL, ("A", "B"), "B", "C", id="the-silent-hop-between-is-not-to-blame"),
        pytest.param(WELL, ("A",), "A", "B", id="right-behind-the-first"),
        pytest.param(WELL, (), "", "A", id="not-even-the-first"),
        pytest.param(WELL, ("A", "B", "", "C"), "C", "10.0.0.9", id="before-the-target"),
        pytest.param(WELL, ("A", "", "", ""), "A", "B", id="silence-behind-is-nothing"),
        pytest.param(WELL, ("A", "X"), "X", "B", id="by-another-way-than-before"),
        pytest.param(WELL, ("", "B"), "B", "C", id="a-hop-gone-silent-is-passed"),
        pytest.param(None, ("A", "B"), "B", "", id="not-known-how-it-was"),
        pytest.param(None, (), "", "", id="nothing-known-at-all"),
        pytest.param(trace("A", "B", reached=True), ("A", "B"), "B", "", id="nothing-was-behind-it"),
    ],
)
def test_the_way_ends_behind_the_last_that_answers_and_before_the_next_that_did(before, after, last, gone):
    ending = compare(before, trace(*after))

    assert (ending.last, ending.gone) == (last, gone)
    assert ending.was == (before.hops if before else ())
    assert not ending.reached


def test_a_way_that_is_whole_again_ends_nowhere():
    ending = compare(WELL, trace("A", "10.0.0.9", reached=True))

    assert (ending.reached, ending.last, ending.gone) == (True, "", "")


def incident(**more):
    known = {"stage": Stage.CONFIRMED, "since": 100.0, "confidence": 0.9}
    return Incident("20261124-091407", CIRCUIT, (CIRCUIT,), **known | more)


@pytest.mark.parametrize(
    ("at", "circuit", "more", "is_part"),
    [
        (101.0, CIRCUIT, {}, True),
        (101.0, "dan/city/backup", {}, False),
        (100.0 - SLACK, CIRCUIT, {}, True),
        (99.0 - SLACK, CIRCUIT, {}, False),
        (101.0, CIRCUIT, {"stage": Stage.CLOSED}, False),
        (101.0, CIRCUIT, {"stage": Stage.RECOVERING, "recovering_at": 110.0}, True),
        (999.0, CIRCUIT, {"stage": Stage.RECOVERING, "recovering_at": 110.0}, False),
    ],
)
def test_an_ending_is_part_of_the_incident_that_touches_its_circuit_at_that_time(at, circuit, more, is_part):
    ending = Ending(circuit, "city", at, "10.0.0.9", reached=False, how="silence")

    assert concerns(ending, incident(**more), {CIRCUIT, "dan"}) is is_part


def test_each_end_has_one_ending_the_latest():
    city, county = compare(WELL, trace("A")), replace(compare(WELL, trace("C")), vantage="dan")
    later = compare(WELL, trace("A", "B", at=120.0))
    known = joined(joined(joined(incident(), city), county), later)

    assert known.endings == (county, later)
    assert joined(known, city).endings == (county, later)


def test_an_incident_keeps_a_bounded_number_of_them():
    known = incident()
    for number in range(MOST + 5):
        known = joined(known, replace(compare(None, trace("A")), circuit=f"dan/{number}/primary"))

    assert len(known.endings) == MOST


@pytest.mark.parametrize(
    ("after", "zh", "en"),
    [
        (("A", "B"), "市中心看断点在 B 之后、C 之前", "seen from the city the way ends between B and C"),
        ((), "市中心看第一跳即无应答", "seen from the city not even the first hop answers"),
    ],
)
def test_it_is_said_in_both_languages(after, zh, en):
    ending = compare(WELL, trace(*after))

    assert (where(ending, CITY, "zh"), where(ending, CITY, "en")) == (zh, en)
    assert came(ending, "zh") == "上次经由 A → B → * → C → 10.0.0.9"


def test_a_long_way_is_told_by_its_ends():
    ending = compare(trace(*(f"H{number}" for number in range(30)), reached=True), trace())

    assert came(ending, "en") == (
        "last time by way of H0 → H1 → H2 → H3 → H4 → … → H25 → H26 → H27 → H28 → H29"
    )


def test_what_was_not_known_before_is_not_said():
    ending = compare(None, trace("A", "B"))

    assert where(ending, CITY, "zh") == "市中心看断点在 B 之后"
    assert came(ending, "en") == ""
    assert where(ending, None, "en") == "seen from city the way ends behind B"


WORD = compare(
    trace("10.0.0.1", "10.0.0.2", "", "fd00::3", reached=True, at=10.0), trace("10.0.0.1", "", at=100.5)
)


def event(**data):
    told = {**trace_news(WORD, Name("主用电路", "primary circuit"), CITY, ["20261124-091407"]), **data}
    return Event("city", "b1", 7, 100.5, "trace", CIRCUIT, told)


def test_what_one_vantage_tells_another_reads_by_its_own_clock():
    assert ending_told(event()) == WORD
    assert ending_told(event(), offset=5.0) == replace(WORD, at=95.5, was_at=5.0)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"hops": None},
        {"hops": ["10.0.0.1"] * (HOPS + 1)},
        {"hops": [1]},
        {"hops": ["<b>"]},
        {"was": {"10.0.0.1": 1}},
        {"last": "A" * 46},
        {"last": None},
        {"gone": "10.0.0.1\n"},
        {"target": 7},
        {"how": "Any words"},
        {"how": None},
        {"reached": "no"},
    ],
)
def test_what_makes_no_sense_is_not_read(spoilt):
    assert ending_told(event(**spoilt)) is None


def test_an_event_says_all_of_it():
    news = event().data

    assert ending_facts(WORD).items() <= news.items()
    assert news["incidents"] == ["20261124-091407"]
    assert news["sentence"]["zh"].startswith(
        "主用电路；市中心看断点在 10.0.0.1 之后、10.0.0.2 之前；上次经由 "
    )
