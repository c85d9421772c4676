"""modbus: questions as they must be, and answers that are one, a refusal or nothing."""

import struct

import pytest
from hypothesis import strategies as st

from monitor.kit.modbus import (
    FUNCTIONS,
    REFUSALS,
    BadFrameError,
    Question,
    RefusedError,
    data,
    header,
    number,
    request,
    words,
)
from tests.fuzzing import fuzz, thoroughly


@pytest.mark.parametrize(
    ("question", "sent"),
    [
        (Question("holding", 107, 3, 17), "00 05 00 00 00 06 11 03 00 6b 00 03"),
        (Question("coil", 19, 19), "00 05 00 00 00 06 01 01 00 13 00 13"),
        (Question("discrete", 196, 22), "00 05 00 00 00 06 01 02 00 c4 00 16"),
        (Question("input", 8), "00 05 00 00 00 06 01 04 00 08 00 01"),
    ],
)
def test_the_examples_of_the_specification_come_out(question, sent):
    assert request(question, 5).hex(" ") == sent


def test_no_function_writes():
    assert set(FUNCTIONS.values()) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("answer", "question", "held"),
    [
        ("03 06 02 2b 00 00 00 64", Question("holding", 107, 3), "02 2b 00 00 00 64"),
        ("01 03 cd 6b 05", Question("coil", 19, 19), "cd 6b 05"),
        ("04 02 00 0a", Question("input", 8), "00 0a"),
    ],
)
def test_what_an_answer_holds(answer, question, held):
    assert data(bytes.fromhex(answer), question).hex(" ") == held


@pytest.mark.parametrize("code", [*REFUSALS, 77])
def test_each_refusal_has_its_word(code):
    with pytest.raises(RefusedError, match=f"exception {code}") as caught:
        data(bytes([0x83, code]), Question("holding", 0))

    assert caught.value.word == REFUSALS.get(code, ("exception",))[0]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("03 04 00 01 00 02", id="too-many-registers"),
        pytest.param("03 02 00", id="cut-short"),
        pytest.param("03 02 00 01 00", id="too-long"),
        pytest.param("04 02 00 01", id="another-function"),
        pytest.param("83 02 00", id="a-refusal-too-long"),
        pytest.param("81 02", id="a-refusal-of-another-function"),
    ],
)
def test_what_is_no_answer_is_told(answer):
    with pytest.raises(BadFrameError, match="no answer to function 3"):
        data(bytes.fromhex(answer), Question("holding", 0))


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("00 01 00 01 00 06 01", id="another-protocol"),
        pytest.param("00 01 00 00 00 02 01", id="too-short"),
        pytest.param("00 01 00 00 00 ff 01", id="too-long"),
        pytest.param("48 54 54 50 2f 31 2e", id="http"),
    ],
)
def test_what_is_no_header_is_told(head):
    with pytest.raises(BadFrameError, match="no header"):
        header(bytes.fromhex(head))


@pytest.mark.parametrize(
    ("kind", "registers", "order", "value"),
    [
        ("uint16", "ff ff", "high", 65_535),
        ("int16", "ff ff", "high", -1),
        ("int32", "ff ff ff fe", "high", -2),
        ("int32", "ff fe ff ff", "low", -2),
        ("uint32", "00 01 00 00", "high", 65_536),
        ("uint32", "00 00 00 01", "low", 65_536),
        ("float32", "41 ac 00 00", "high", 21.5),
        ("float32", "00 00 41 ac", "low", 21.5),
    ],
)
def test_registers_mean_numbers(kind, registers, order, value):
    held = bytes.fromhex(registers)

    assert number(held, kind, order) == value
    assert len(held) == 2 * words(kind)


tables = st.sampled_from(sorted(FUNCTIONS))


@thoroughly
def test_no_frame_does_anything_but_answer_refuse_or_be_told(cases):
    def promise(head, answer, table, size):
        question = Question(table, 0, size)
        try:
            length = header(head)[1]
            held = data(answer, question)
        except (BadFrameError, RefusedError) as error:
            assert str(error).isprintable()  # noqa: PT017 - either will do
        else:
            assert 2 <= length < 254
            assert len(held) in {2 * size, -(-size // 8)}

    heads = st.binary(min_size=7, max_size=7) | st.integers(0, 300).map(
        lambda n: struct.pack(">HHHB", 1, 0, n, 1)
    )
    answers = st.binary(min_size=2, max_size=12) | st.binary(max_size=4).map(
        lambda held: bytes([3, len(held)]) + held
    )
    fuzz(cases, promise, heads, answers.filter(lambda answer: len(answer) >= 2), tables, st.integers(1, 4))
