"""stamp: packets as the RFCs have them, directions told apart by number, a reflector hard to misuse."""

import asyncio
import ipaddress
import shutil
import socket
import struct
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.vitals import Vitals
from monitor.kit.stamp import Reflector, Seen, packets, reflector, tally, variation
from tests.kit.stamp_ground import ALL, reflecting

NOW = 1_790_000_000_123_456_789


# Packets.


def test_a_stamp_is_the_time_since_1900_with_a_fraction_of_32_bits():
    stamp = packets.stamp(NOW)

    assert stamp >> 32 == 1_790_000_000 + 2_208_988_800
    assert (stamp & 0xFFFFFFFF) / (1 << 32) == pytest.approx(0.123456789, abs=1e-9)


def test_the_time_between_stamps_outlives_the_era():
    assert packets.elapsed(packets.stamp(0), packets.stamp(1_500_000_000)) == pytest.approx(1.5)
    assert packets.elapsed((1 << 64) - (1 << 31), 1 << 31) == 1.0
    assert packets.elapsed(1 << 32, 0) == -1.0


@pytest.mark.parametrize("length", [52, 56, 60, 100, 1472])
def test_a_question_has_the_length_asked_for(length):
    assert len(packets.question(0, 0, 46, length)) == length


def test_an_answer_is_as_long_as_its_question_and_says_all_of_it():
    asked = packets.question(7, packets.stamp(NOW), 46, 200)
    told, dscp = packets.answer(asked, 3, packets.stamp(NOW + 5), packets.stamp(NOW + 9), 61, 0x28)
    answer = packets.read_answer(told)

    assert len(told) == len(asked)
    assert dscp == 46
    assert (answer.sequence, answer.our_sequence, answer.ttl, answer.dscp) == (3, 7, 61, 10)
    assert answer.our_stamp == packets.stamp(NOW)
    assert (answer.received, answer.sent) == (packets.stamp(NOW + 5), packets.stamp(NOW + 9))


def test_a_packet_without_a_wish_is_answered_with_its_own_code_point():
    asked = packets.question(0, 0, 46)[: packets.BASE]

    assert packets.answer(asked, 0, 0, 0, 64, 34 << 2 | 1)[1] == 34


def test_what_is_not_understood_goes_back_as_it_came_and_marked():
    strange = struct.pack(">BBH", 0, 200, 4) + b"abcd"
    asked = packets.question(0, 0, 0)[: packets.BASE] + strange
    told, _ = packets.answer(asked, 0, 0, 0, 64, 0)

    assert told[packets.BASE :] == b"\x80" + strange[1:]


def test_a_tlv_that_is_longer_than_the_packet_is_marked_as_malformed():
    asked = packets.question(0, 0, 0)[: packets.BASE] + struct.pack(">BBH", 0x80, 4, 5000) + b"ab"
    told, _ = packets.answer(asked, 0, 0, 0, 64, 0)

    assert told[packets.BASE] == 0x40


@pytest.mark.parametrize("length", [0, 13, 14, 43])
def test_a_question_shorter_than_the_answer_would_be_is_not_answered(length):
    with pytest.raises(ValueError, match="no test packet"):
        packets.answer(bytes(length), 0, 0, 0, 64, 0)


fuzzed = settings(max_examples=500, deadline=None, derandomize=True)
tlvs = st.lists(
    st.builds(
        lambda flags, kind, length, body: struct.pack(">BBH", flags, kind, length) + body,
        st.integers(0, 255), st.sampled_from([0, 1, 4, 5, 255]),
        st.integers(0, 12) | st.just(65535), st.binary(max_size=8),
    ),
    max_size=6,
).map(b"".join)  # fmt: skip
questions = st.binary(max_size=90) | st.builds(
    lambda head, rest: head + rest, st.binary(min_size=44, max_size=44), tlvs
)


def held(asked):
    packets.read_answer(asked)
    if len(asked) < packets.BASE:
        return
    told, dscp = packets.answer(asked, 1, 2, 3, 64, 0xB8)
    said = packets.read_answer(told)

    assert len(told) == len(asked)
    assert 0 <= dscp <= 63
    assert said.our_sequence.to_bytes(4) + said.our_stamp.to_bytes(8) == asked[:12]
    assert said.dscp is None or said.dscp == 46


@fuzzed
@given(questions)
def test_no_packet_breaks_either_side(asked):
    held(asked)


@pytest.mark.long
@settings(fuzzed, max_examples=10_000)
@given(questions)
def test_no_packet_at_all_breaks_either_side(asked):
    held(asked)


# What follows from the answers.


def seen(*pairs):
    return [Seen(ours, theirs, 0.001, 0.0, 0.0) for ours, theirs in pairs]


@pytest.mark.parametrize(
    ("sent", "answers", "there", "back", "more"),
    [
        pytest.param(4, [(0, 0), (1, 1), (2, 2), (3, 3)], 0, 0, {}, id="all-well"),
        pytest.param(4, [(0, 0), (2, 1), (3, 2)], 1, 0, {}, id="one-lost-on-the-way-there"),
        pytest.param(4, [(0, 0), (2, 2), (3, 3)], 0, 1, {}, id="one-lost-on-the-way-back"),
        pytest.param(5, [(0, 0), (2, 1), (4, 3)], 1, 1, {}, id="one-on-each-way"),
        pytest.param(4, [(2, 0), (3, 1)], 2, 0, {}, id="the-first-two-on-the-way-there"),
        pytest.param(4, [(2, 2), (3, 3)], 0, 2, {}, id="the-first-two-on-the-way-back"),
        pytest.param(4, [(0, 0), (1, 1)], 0, 0, {"asked": 2}, id="of-the-last-nobody-knows"),
        pytest.param(3, [(0, 0), (2, 1), (1, 2)], 0, 0, {"reordered": 1}, id="out-of-order-there"),
        pytest.param(3, [(0, 0), (2, 2), (1, 1)], 0, 0, {"reordered": 1}, id="out-of-order-back"),
        pytest.param(3, [(0, 0), (1, 1), (1, 1), (2, 2)], 0, 0, {"doubles": 1}, id="doubled-on-the-way-back"),
        pytest.param(
            3, [(0, 0), (1, 1), (1, 2), (2, 3)], 0, 0, {"doubles": 1}, id="doubled-on-the-way-there"
        ),
        pytest.param(3, [(0, 70), (1, 71), (2, 72)], 0, 0, {}, id="counts-from-elsewhere"),
        pytest.param(3, [(0, 5), (1, 9), (2, 4)], 0, 0, {}, id="counts-nonsense"),
        pytest.param(3, [], 0, 0, {"asked": 0}, id="nothing"),
    ],
)
def test_the_reflector_s_count_tells_where_packets_were_lost(sent, answers, there, back, more):
    told = tally(sent, seen(*answers))

    assert (told.asked - told.reached, told.reached - told.received) == (there, back)
    assert told.loss == (sent - len({ours for ours, _ in answers})) / sent
    assert {key: getattr(told, key) for key in more} == more


fates = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@fuzzed
@given(fates)
def test_up_to_the_last_answer_the_directions_are_exact(burst):
    """Each packet's fate: lost there, or lost back, or answered."""
    answers, number = [], 0
    for ours, (arrives, returns) in enumerate(burst):
        if arrives and returns:
            answers.append((ours, number))
        number += arrives
    told = tally(len(burst), seen(*answers))
    asked = burst[: told.asked]

    assert told.reached == sum(arrives for arrives, _ in asked)
    assert told.received == len(answers)
    assert 0 <= told.loss_out <= 1
    assert 0 <= told.loss_back <= 1


@fuzzed
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 0xFFFFFFFF)), max_size=80))
def test_no_numbers_make_a_share_that_is_none(answers):
    told = tally(20, seen(*answers))

    assert told.received <= told.reached <= told.asked <= told.sent
    assert all(0 <= share <= 1 for share in (told.loss, told.loss_out, told.loss_back))


def test_variation_is_the_95th_percentile_less_the_least():
    assert variation([0.01] * 19 + [0.5]) == 0.0
    assert variation([0.01] * 18 + [0.03, 0.5]) == pytest.approx(0.02)
    assert variation([]) == 0.0


# The reflector.


@pytest.fixture
def asker():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's own
        yield sock


async def answers(sock, port, *questions, to="127.0.0.1", patience=0.1):
    loop = asyncio.get_running_loop()
    for question in questions:
        await loop.sock_sendto(sock, question, (to, port))
    heard = []
    try:
        async with asyncio.timeout(patience):
            while len(heard) < len(questions):
                heard.append(await loop.sock_recv(sock, 9999))
    except TimeoutError:
        pass
    return heard


async def test_each_session_is_counted_for_itself(asker):
    async with reflecting() as one:
        first = await answers(asker, one.port, *[packets.question(n, 0, 0) for n in (4, 9)])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
            another.setblocking(False)  # noqa: FBT003 - the standard library's own
            second = await answers(another, one.port, packets.question(0, 0, 0))

    told = [packets.read_answer(data) for data in first + second]
    assert [(answer.our_sequence, answer.sequence) for answer in told] == [(4, 0), (9, 1), (0, 0)]


async def test_no_answer_is_longer_than_its_question(asker):
    async with reflecting() as one:
        for length in (44, 45, 52, 60, 1400):
            question = packets.question(0, 0, 0, 1400)[:length]
            (answer,) = await answers(asker, one.port, question)

            assert len(answer) == length


@pytest.mark.parametrize("question", [b"", b"x", bytes(14), bytes(43)], ids=len)
async def test_a_short_packet_is_not_answered(asker, question):
    counts = Vitals()
    async with reflecting(counts=counts) as one:
        assert await answers(asker, one.port, question) == []
    assert (counts.reflected, counts.ignored) == (0, 1)


async def test_a_stranger_is_not_answered(asker):
    counts = Vitals()
    async with reflecting(allow=[ipaddress.ip_network("127.0.0.2/32")], counts=counts) as one:
        assert await answers(asker, one.port, packets.question(0, 0, 0)) == []
    assert (counts.reflected, counts.ignored) == (0, 1)


async def test_a_sender_has_an_allowance_and_cannot_use_another_s():
    questions = [packets.question(n, 0, 0) for n in range(50)]
    async with reflecting(rate=5) as one:
        heard = []
        for source in ("127.0.0.1", "127.0.0.2"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)  # noqa: FBT003 - the standard library's own
                sock.bind((source, 0))
                heard.append(len(await answers(sock, one.port, *questions)))

    assert all(10 <= count <= 12 for count in heard)  # those of two seconds, and what came in meanwhile


async def test_what_could_be_another_reflector_is_not_answered_lest_they_talk_for_ever():
    counts = Vitals()
    async with reflecting(counts=counts) as one:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
            forger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                forger.bind(("127.0.0.9", reflector._PORT))
            except PermissionError:
                pytest.skip("may not use a port below 1024")
            forger.setblocking(False)  # noqa: FBT003 - the standard library's own
            assert await answers(forger, one.port, packets.question(0, 0, 0)) == []
    assert (counts.reflected, counts.ignored) == (0, 1)


async def test_what_it_remembers_is_bounded(monkeypatch):
    monkeypatch.setattr(reflector, "SESSIONS", 8)
    one = Reflector("127.0.0.1", 0, ALL, 100.0, Vitals())
    for port in range(1000, 1100):
        one._may_ask((f"127.0.0.{port % 100}", port))
        one._next("127.0.0.1", port)

    assert (len(one._sessions), len(one._allowances)) == (8, 8)
    assert one._next("127.0.0.1", 1099) == 1


async def test_it_answers_from_the_address_that_was_asked(asker):
    async with reflecting("0.0.0.0") as one:
        asker.connect(("127.0.0.77", one.port))
        asker.send(packets.question(0, 0, 0))
        async with asyncio.timeout(5):
            answer = await asyncio.get_running_loop().sock_recv(asker, 999)

    assert packets.read_answer(answer).our_sequence == 0


async def test_an_address_that_is_not_ours_is_an_error():
    with pytest.raises(OSError, match="Cannot assign"):
        await Reflector("192.0.2.77", 0, ALL, 1.0, Vitals()).run()


# Another's reading of our packets.

FIELDS = (
    "seq_number",
    "sender_seq_number",
    "sender_ttl",
    "error_estimate.multiplier",
    "error_estimate.scale",
)


@pytest.mark.server
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_wireshark_reads_an_answer_as_we_mean_it(tmp_path):
    asked = packets.question(7, packets.stamp(NOW), 0)
    told, _ = packets.answer(
        asked, 3, packets.stamp(NOW + 2_000_000_000), packets.stamp(NOW + 3_000_000_000), 61, 0
    )
    capture = tmp_path / "answer.pcap"
    capture.write_bytes(captured(told))
    names = [f"twamp.test.{name}" for name in (*FIELDS, "timestamp", "receive_timestamp", "sender_timestamp")]
    read = subprocess.run(
        ["tshark", "-r", capture, "-d", "udp.port==862,twamp.test", "-T", "fields", "-E", "occurrence=l",
         *(part for name in names for part in ("-e", name))],
        check=True, capture_output=True, text=True,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    ).stdout.rstrip("\n").split("\t")  # fmt: skip

    assert read[:5] == ["3", "7", "61", "1", "26"]
    assert [stamp[-18:-10] for stamp in map(seconds, read[5:])] == ["14:13:23", "14:13:22", "14:13:20"]


def seconds(stamp):
    """Return a stamp of Wireshark without its zone, to the nanosecond."""
    return stamp.removesuffix(" UTC")


def captured(payload):
    """Return a capture file with one UDP packet to port 862 (pcap, link type 101: raw IP)."""
    udp = struct.pack(">HHHH", 40_000, 862, 8 + len(payload), 0) + payload
    ip = (
        struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        + udp
    )
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    return head + struct.pack("<IIII", 1_790_000_000, 0, len(ip), len(ip)) + ip
