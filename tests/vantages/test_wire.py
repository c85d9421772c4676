"""wire: whatever comes is either a message as published or a ValueError with a short reason."""

import json
import math

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.detection import Verdict
from monitor.vantages.topics import belief_topic, beliefs_filter, check_of, daemon_topic
from monitor.vantages.wire import (
    DEPTH,
    ENTRIES,
    LAST,
    LONGEST,
    STRING,
    Ack,
    BeliefWord,
    Chunk,
    DaemonWord,
    Entry,
    parse,
)

STAMP = {"vantage": "danjiangkou", "boot": "1c0ffee1", "session": 2, "n": 7, "sent_at": 1795548965.25}
ENTRY = {
    "boot": "1c0ffee1",
    "seq": 4,
    "at": 1795548960.5,
    "kind": "belief",
    "subject": "danjiangkou/province/primary/icmp",
    "data": {"was": "up", "now": "down", "since": 1795548959.25, "suspected": False, "names": ["主用", None]},
}
DAEMON = STAMP | {
    "state": "online",
    "reason": "",
    "valid_for": 30.0,
    "version": "0.1.0",
    "log": "b0d1",
    "end": 12,
    "acknowledged": 9,
    "backlog": 2,
}
BELIEF = STAMP | {
    "check": "danjiangkou/province/primary/icmp",
    "subject": "danjiangkou/province/primary",
    "verdict": "down",
    "suspected": False,
    "reason": "timeout",
    "since": 1795548959.25,
    "valid_for": 30.0,
    "rtt": None,
    "loss": 0.25,
}
CHUNK = STAMP | {"log": "b0d1", "after": 9, "upto": 12, "entries": [ENTRY]}
ACK = {"collector": "shiyan", "at": 1795548966.5, "log": "b0d1", "position": 12, "gap": False}
MESSAGES = [
    pytest.param(DaemonWord, DAEMON, id="daemon"),
    pytest.param(BeliefWord, BELIEF, id="belief"),
    pytest.param(Chunk, CHUNK, id="log"),
    pytest.param(Ack, ACK, id="ack"),
]


def written(told) -> bytes:
    return json.dumps(told).encode()


def with_data(**data) -> bytes:
    return written(CHUNK | {"entries": [ENTRY | {"data": data}]})


@pytest.mark.parametrize(("model", "told"), MESSAGES)
def test_what_is_written_is_read_again(model, told):
    read = parse(model, written(told))

    assert parse(model, read.payload()) == read
    assert json.loads(read.payload()) == told


@pytest.mark.parametrize(("model", "told"), MESSAGES)
def test_each_key_is_needed_and_no_other_is_taken(model, told):
    for key in told:
        with pytest.raises(ValueError, match=key):
            parse(model, written({k: v for k, v in told.items() if k != key}))
    with pytest.raises(ValueError, match="surprise"):
        parse(model, written(told | {"surprise": 1}))


@pytest.mark.parametrize(("model", "told"), MESSAGES)
def test_each_number_is_finite_and_of_its_kind(model, told):
    numbers = [key for key, value in told.items() if isinstance(value, int | float)]

    for key in numbers:
        for value in (math.nan, math.inf, -math.inf, "1", -1, 10**30, [1]):
            with pytest.raises(ValueError, match=key):
                parse(model, written(told | {key: value}))


@pytest.mark.parametrize(("model", "told"), MESSAGES)
def test_each_text_is_bounded(model, told):
    texts = [key for key, value in told.items() if isinstance(value, str)]

    for key in texts:
        with pytest.raises(ValueError, match=key):
            parse(model, written(told | {key: "x" * 300}))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\xff\xfe", id="not-text"),
        pytest.param(b'"danjiangkou"', id="not-an-object"),
        pytest.param(b"[" * 200_000, id="endless-depth"),
        pytest.param(b'{"a":' * 100_000, id="endless-depth-of-objects"),
        pytest.param(b"9" * 10_000, id="a-number-of-ten-thousand-digits"),
        pytest.param(written(CHUNK)[:-1], id="cut-short"),
        pytest.param(written(CHUNK) + b"{}", id="two-at-once"),
        pytest.param(written(CHUNK).decode().encode("utf-16"), id="utf-16"),
        pytest.param(written(CHUNK).replace(b"danjiangkou", b"danjiangk\xff\xff"), id="bad-utf-8"),
        pytest.param(written(CHUNK).replace(b'"was"', b'"w\\ud800s"'), id="half-a-surrogate"),
        pytest.param(b" " * (LONGEST + 1), id="too-long"),
        pytest.param(with_data(x=math.nan), id="nan-within-data"),
        pytest.param(with_data(x=[{"y": math.inf}]), id="infinity-deep-within-data"),
        pytest.param(with_data(x=2**63), id="a-whole-number-beyond-64-bits"),
        pytest.param(with_data(x=json.loads("[" * (DEPTH + 1) + "]" * (DEPTH + 1))), id="data-too-deep"),
        pytest.param(with_data(x=[0] * 1001), id="data-too-large"),
        pytest.param(with_data(**{"x" * 65: 1}), id="a-key-too-long"),
        pytest.param(with_data(**{"": 1}), id="an-empty-key"),
        pytest.param(with_data(**{"a\u202eb": 1}), id="a-key-that-turns-the-line-round"),
        pytest.param(written(CHUNK | {"entries": [ENTRY] * (ENTRIES + 1)}), id="too-many-entries"),
        pytest.param(written(CHUNK | {"upto": 8}), id="positions-that-go-back"),
        pytest.param(written(CHUNK | {"upto": 9}), id="entries-without-positions"),
        pytest.param(written(CHUNK | {"entries": [ENTRY | {"subject": "a/+/b"}]}), id="a-wildcard"),
        pytest.param(written(CHUNK | {"entries": [ENTRY | {"subject": "a//b"}]}), id="an-empty-level"),
        pytest.param(written(CHUNK | {"entries": [ENTRY | {"subject": "a/b\n"}]}), id="a-line-break"),
        pytest.param(written(CHUNK | {"vantage": "Danjiangkou"}), id="no-id"),
        pytest.param(written(CHUNK | {"n": True}), id="truth-for-a-number"),
        pytest.param(written(CHUNK | {"n": 7.0}), id="a-fraction-for-a-count"),
    ],
)
def test_what_is_wrong_is_told_in_one_short_printable_line(payload):
    with pytest.raises(ValueError, match=r".") as caught:
        parse(Chunk, payload)

    assert type(caught.value) is ValueError
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 200


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(payload):
    with pytest.raises(ValueError, match=r"."):
        parse(Chunk, payload)


SIMPLE = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(SIMPLE, lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=30)


@given(ANYTHING)
def test_any_data_is_either_tamed_or_refused(value):
    try:
        read = parse(Chunk, with_data(x=value))
    except ValueError:
        return

    assert parse(Chunk, read.payload()) == read
    assert all(text.isprintable() for text in _texts(read.entries[0].data))


def _texts(value):
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for key, item in value.items():
                yield key
                yield from _texts(item)


def test_hostile_text_is_made_fit_for_people():
    chunk = parse(Chunk, with_data(detail="\x1b[31mred\x00\u202edenrut\r\nnext", long="x" * 5000))
    belief = parse(BeliefWord, written(BELIEF | {"reason": "a\x07b"}))

    assert chunk.entries[0].data["detail"] == "[31mred denrut next"
    assert len(chunk.entries[0].data["long"]) == STRING
    assert belief.reason == "a b"


def test_the_reason_does_not_carry_what_the_sender_wrote_unseen():
    with pytest.raises(ValueError, match="Extra inputs") as caught:
        parse(Ack, written(ACK | {"\x1b]0;owned\x07" + "x" * 5000: 1}))

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 200


def test_a_will_comes_after_everything_else_of_its_session():
    assert parse(DaemonWord, written(DAEMON | {"n": LAST})).n == LAST
    with pytest.raises(ValueError, match="n:"):
        parse(DaemonWord, written(DAEMON | {"n": LAST + 1}))


def test_a_chunk_may_say_that_nothing_of_ours_lies_between_two_positions():
    assert parse(Chunk, written(CHUNK | {"entries": []})).entries == ()
    assert parse(Chunk, written(CHUNK | {"entries": [], "upto": 9})).upto == 9


def test_messages_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        parse(Ack, written(ACK)).position = 99


def test_the_verdicts_are_those_of_the_core():
    for verdict in Verdict:
        assert parse(BeliefWord, written(BELIEF | {"verdict": str(verdict)})).verdict == verdict
    with pytest.raises(ValueError, match="verdict"):
        parse(BeliefWord, written(BELIEF | {"verdict": "fine"}))


def test_a_check_has_a_topic_of_its_own_and_can_be_read_from_it():
    topic = belief_topic("command/v1", "danjiangkou", "danjiangkou/province/primary/icmp")

    assert topic == "command/v1/vantage/danjiangkou/belief/danjiangkou/province/primary/icmp"
    assert check_of("command/v1", "danjiangkou", topic) == "danjiangkou/province/primary/icmp"


@pytest.mark.parametrize(
    "topic",
    [
        beliefs_filter("command/v1", "yunxi"),
        "command/v1/vantage/danjiangkou/belief",
        "command/v1/vantage/danjiangkou/belief/",
        daemon_topic("command/v1", "danjiangkou"),
        "command/v1/vantage/danjiangkou2/belief/a/b",
        "",
    ],
)
def test_no_other_topic_has_a_check(topic):
    assert check_of("command/v1", "danjiangkou", topic) is None


@pytest.mark.parametrize("check", ["a/+/b", "a/#", "", "a//b", "a\nb"])
def test_a_check_that_cannot_stand_in_a_topic_has_none(check):
    with pytest.raises(ValueError, match="topic"):
        belief_topic("command/v1", "danjiangkou", check)


@pytest.mark.parametrize(("model", "told"), MESSAGES)
def test_the_schemas_describe_what_is_sent(model, told):
    validator = jsonschema.Draft202012Validator(model.model_json_schema(mode="serialization"))

    assert list(validator.iter_errors(told)) == []
    assert list(validator.iter_errors(told | {"surprise": 1}))


def test_every_field_of_every_message_is_explained():
    for model in (DaemonWord, BeliefWord, Entry, Chunk, Ack):
        unsaid = {name for name, known in model.model_fields.items() if not known.description}

        assert unsaid == set(), model
