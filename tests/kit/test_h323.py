"""h323: what we send is what the standard's own compiler reads, and what it writes is what we read."""

import shutil
import struct
import subprocess

import pytest
from hypothesis import strategies as st

from monitor.kit.h323 import h225, q931
from monitor.kit.h323.per import Reader, Writer
from monitor.kit.h323.q931 import RELEASE_COMPLETE, SETUP, Message
from monitor.kit.head import BadMessageError
from tests.fuzzing import fuzz, thoroughly
from tests.kit import h323_standard as standard

V4, V6 = ("10.1.2.3", 40_000), ("2001:db8::1%eth0", 5)
CALL = bytes(range(16))
PRIVATE = {"t35CountryCode": 9, "t35Extension": 0, "manufacturerCode": 61}


@pytest.mark.parametrize("gatekeeper", ["", "city-gk", "市网守", "x" * 128])
@pytest.mark.parametrize(
    ("local", "address"),
    [
        (V4, ("ipAddress", {"ip": bytes([10, 1, 2, 3]), "port": 40_000})),
        (V6, ("ip6Address", {"ip": bytes.fromhex("20010db8" + 22 * "0" + "01"), "port": 5})),
    ],
)
@pytest.mark.parametrize("number", [1, 300, 65_535])
def test_a_question_to_a_gatekeeper_is_the_standards_to_the_bit(number, local, address, gatekeeper):
    sent = h225.gatekeeper_request(number, local, gatekeeper)
    kind, told = standard.RAS.read(sent)

    assert (kind, told["requestSeqNum"], told["rasAddress"]) == ("gatekeeperRequest", number, address)
    assert told.get("gatekeeperIdentifier", "") == gatekeeper
    assert told["endpointType"] == {"terminal": {}, "mc": False, "undefinedNode": False}
    assert standard.RAS.write((kind, told)) == sent


@pytest.mark.parametrize(("local", "peer"), [(V4, ("10.1.2.4", 1720)), (V6, ("fe80::2", 1720))])
def test_a_call_begins_as_the_standard_has_it_and_carries_nothing(local, peer):
    (_, pdu), *_ = standard.USER.read(h225.setup(CALL, local, peer)).items()
    kind, told = pdu["h323-message-body"]

    assert kind == "setup"
    assert told["conferenceGoal"] == ("callIndependentSupplementaryService", 0)
    assert told["callIdentifier"] == {"guid": CALL}
    assert told["sourceCallSignalAddress"][1]["port"] == local[1]
    assert told["destCallSignalAddress"][1]["port"] == 1720


def test_a_call_ends_as_the_standard_has_it():
    pdu = standard.USER.read(h225.release_complete(CALL))["h323-uu-pdu"]
    kind, told = pdu["h323-message-body"]

    assert (kind, told["reason"], told["callIdentifier"]) == (
        "releaseComplete",
        ("undefinedReason", 0),
        {"guid": CALL},
    )


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        pytest.param(standard.confirm(5), h225.Answer("gatekeeperConfirm", 5), id="confirmed"),
        pytest.param(
            standard.confirm(65_535, "市-gk"),
            h225.Answer("gatekeeperConfirm", 65_535, "市-gk"),
            id="with-its-name",
        ),
        pytest.param(
            standard.confirm(
                7,
                "g",
                nonStandardData={"nonStandardIdentifier": ("h221NonStandard", PRIVATE), "data": b"x" * 200},
            ),
            h225.Answer("gatekeeperConfirm", 7, "g"),
            id="with-something-private",
        ),
        pytest.param(
            standard.confirm(
                7, "g", nonStandardData={"nonStandardIdentifier": ("object", (1, 2, 3)), "data": b""}
            ),
            h225.Answer("gatekeeperConfirm", 7, "g"),
            id="with-something-private-of-another-kind",
        ),
        pytest.param(
            standard.confirm(8, None, ("ip6Address", {"ip": bytes(16), "port": 1719})),
            h225.Answer("gatekeeperConfirm", 8),
            id="over-ipv6",
        ),
        *[
            pytest.param(standard.reject(9, why), h225.Answer("gatekeeperReject", 9, "", why), id=why)
            for why in (
                "resourceUnavailable",
                "terminalExcluded",
                "securityDenial",
                "neededFeatureNotSupported",
            )
        ],
        pytest.param(
            standard.RAS.write(("unknownMessageResponse", {"requestSeqNum": 9})),
            h225.Answer("unknownMessageResponse", 9),
            id="not-understood",
        ),
        pytest.param(
            standard.RAS.write(("requestInProgress", {"requestSeqNum": 9, "delay": 300})),
            h225.Answer("requestInProgress", 9),
            id="in-progress",
        ),
    ],
)
def test_the_answers_of_a_gatekeeper_are_read(data, answer):
    assert h225.parse_answer(data) == answer


@pytest.mark.parametrize(
    "reason",
    [
        why
        for why in h225.RELEASES
        if why not in {"nonStandardReason", "replaceWithConferenceInvite", "securityError"}
    ],
)
def test_each_reason_to_release_is_read(reason):
    assert h225.parse_user(standard.released(reason)) == ("releaseComplete", reason)


def test_a_call_that_goes_on_has_no_reason():
    alerting = standard.user(
        "alerting", destinationInfo={"mc": False, "undefinedNode": False}, callIdentifier={"guid": CALL}
    )

    assert h225.parse_user(alerting) == ("alerting", "")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(Message(SETUP, 0x1234, answers=False, user=b"abc"), id="setup"),
        pytest.param(Message(RELEASE_COMPLETE, 1, answers=True, cause=17, user=b"x" * 400), id="release"),
    ],
)
def test_a_message_comes_out_of_its_frame_as_it_went_in(message):
    frame = q931.packed(message)

    assert q931.length(frame[:4]) == len(frame) - 4
    assert q931.parse(frame[4:]) == message


def test_a_cause_is_found_behind_its_extension_and_other_elements():
    data = bytes.fromhex("08 02 80 01 5a a1 28 03 41 42 43 08 03 00 80 91")

    assert q931.parse(data) == Message(RELEASE_COMPLETE, 1, answers=True, cause=17)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("", id="nothing"),
        pytest.param("09 02 80 01 5a", id="another-protocol"),
        pytest.param("08 02 80 01 5a 28 09 41", id="an-element-cut-short"),
        pytest.param("08 02 80 01 5a 7e ff ff 05", id="a-length-beyond-the-end"),
    ],
)
def test_what_is_no_message_is_told(data):
    with pytest.raises(BadMessageError) as caught:
        q931.parse(bytes.fromhex(data))

    assert str(caught.value).isprintable()


@pytest.mark.parametrize("head", ["48 54 54 50", "03 00 00 03", "03 00 ff ff", "16 03 03 00"])
def test_what_is_no_frame_is_told(head):
    with pytest.raises(BadMessageError, match="no head of TPKT"):
        q931.length(bytes.fromhex(head))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383])
def test_lengths_are_read_as_they_are_written(size):
    out = Writer()
    out.bits(5, 3)
    out.sized(b"x" * size)
    read = Reader(out.done())

    assert (read.bits(3), len(read.sized())) == (5, size)


def read_all(data):
    """Return what each of our readers makes of *data*, or what it complains of."""
    for reader in (
        h225.parse_answer,
        h225.parse_user,
        q931.parse,
        lambda data: q931.length(data[:4].ljust(4, b"\0")),
    ):
        try:
            yield str(reader(data))
        except BadMessageError as error:
            yield str(error)


def harmless(data):
    assert all(told.isprintable() for told in read_all(data))


@thoroughly
def test_nothing_that_comes_breaks_a_reader(cases):
    fuzz(cases, harmless, st.binary(max_size=80))


@thoroughly
def test_no_damage_to_a_good_message_does_either(cases):
    good = [standard.confirm(5, "gk"), standard.reject(9, "securityDenial"), standard.released("inConf"),
            q931.packed(Message(RELEASE_COMPLETE, 1, answers=True, cause=17, user=b"x"))[4:]]  # fmt: skip

    def promise(whole, at, junk, cut):
        harmless((whole[:at] + junk + whole[at + len(junk) :])[: len(whole) - cut])

    fuzz(cases, promise, st.sampled_from(good), st.integers(0, 40), st.binary(max_size=6), st.integers(0, 12))


# Wireshark's dissectors, which others wrote from the same standard.


def captured(folder, protocol, port, payload):
    """Write a capture with one packet to *port*."""
    if protocol == 17:
        segment = struct.pack(">HHHH", 40_000, port, 8 + len(payload), 0) + payload
    else:
        segment = struct.pack(">HHIIBBHHH", 40_000, port, 1, 1, 0x50, 0x18, 65_535, 0, 0) + payload
    packet = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 1, 0, 64, protocol, 0, b"\x0a\0\0\1", b"\x0a\0\0\2"
    )
    file = folder / "one.pcap"
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)
    whole = packet + segment
    file.write_bytes(head + struct.pack("<IIII", 0, 0, len(whole), len(whole)) + whole)
    return file


@pytest.mark.server
@pytest.mark.parametrize(
    ("protocol", "port", "payload", "told"),
    [
        pytest.param(
            17, 1719, h225.gatekeeper_request(300, V4, "city-gk"), "gatekeeperRequest", id="question"
        ),
        pytest.param(
            6,
            1720,
            q931.packed(Message(SETUP, 7, answers=False, user=h225.setup(CALL, V4, V4))),
            "setup",
            id="begin",
        ),
        pytest.param(
            6,
            1720,
            q931.packed(
                Message(RELEASE_COMPLETE, 7, answers=False, cause=16, user=h225.release_complete(CALL))
            ),
            "releaseComplete",
            id="end",
        ),
    ],
)
def test_wireshark_finds_nothing_malformed(tmp_path, protocol, port, payload, told):
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed")
    file = captured(tmp_path, protocol, port, payload)
    run = subprocess.run([program, "-r", file, "-V"], capture_output=True, text=True, timeout=60, check=True)

    assert f": {told} (" in run.stdout
    assert "malformed" not in run.stdout.lower()
