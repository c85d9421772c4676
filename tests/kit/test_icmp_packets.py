"""icmp, the pure part: what is read of a packet, and what a stamp of the kernel means."""

import errno
import itertools
import os
import socket
import struct

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from monitor.kit.icmp import OURS, THEIRS, Miss, packets, way_to
from monitor.kit.icmp.clock import Clock
from monitor.kit.icmp.deadlines import Deadlines
from monitor.kit.icmp.reasons import ERROR_TYPES4, ERROR_TYPES6, refused, told
from tests.fuzzing import fuzz, thoroughly

NUMBERS = st.integers(0, 2**64 - 1)
WORDS = st.integers(0, 2**16 - 1)
US, PEER = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")
US6, PEER6 = (socket.inet_pton(socket.AF_INET6, text) for text in ("fd00::1", "fd00::2"))


def one_complement_sum(data):
    """Sum 16-bit words as RFC 1071 writes it down."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def request(echo=packets.ECHO4, ident=7, sequence=9, tag=11, nonce=13):
    return packets.pack_echo(echo, 0, 0, ident, sequence, tag, nonce)


def ip4(payload, *, options=b"", protocol=1, fragment=0):
    first = 0x45 + len(options) // 4
    length = 20 + len(options) + len(payload)
    return (
        struct.pack("!BBHHHBBH4s4s", first, 0, length, 1, fragment, 64, protocol, 0, US, PEER)
        + options
        + payload
    )


def ip6(payload, *, next_header=58):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), next_header, 64, US6, PEER6) + payload


def error(quoted, kind=3, code=1, info=0):
    return struct.pack("!BBHI", kind, code, 0, info) + quoted


@seed(1)
@given(ident=WORDS, sequence=WORDS, tag=NUMBERS, nonce=NUMBERS, padding=st.integers(0, 99))
def test_the_checksum_is_right_for_every_packet(ident, sequence, tag, nonce, padding):
    base = packets.checksum_base(packets.ECHO4, ident, tag)
    checksum = 0xFFFF - (base + sequence + nonce) % 0xFFFF
    packet = packets.pack_echo(packets.ECHO4, 0, checksum, ident, sequence, tag, nonce) + bytes(padding * 2)

    assert one_complement_sum(packet) == 0xFFFF


@seed(1)
@given(ident=WORDS, sequence=WORDS, tag=NUMBERS, nonce=NUMBERS)
def test_a_reply_gives_back_what_was_sent(ident, sequence, tag, nonce):
    reply = packets.pack_echo(packets.REPLY4, 0, 0, ident, sequence, tag, nonce) + b"padding"

    assert packets.reply_of(reply) == (0, ident, sequence, tag, nonce)
    assert packets.reply_after_ip_of(ip4(reply)) == (0, ident, sequence, tag, nonce)


def test_options_in_the_ip_header_are_passed_over():
    assert packets.without_ip(ip4(request(), options=bytes(12))) == request()


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(ip4(request())[:20], id="only-an-ip-header"),
        pytest.param(ip4(request(), protocol=17), id="another-protocol"),
        pytest.param(b"\x65" + ip4(request())[1:], id="another-version"),
        pytest.param(b"\x44" + ip4(request())[1:], id="a-header-too-short-to-be-one"),
        pytest.param(b"\x4f" + ip4(request())[1:40], id="a-header-longer-than-the-packet"),
    ],
)
def test_what_is_no_icmp_in_ipv4_is_none(packet):
    assert packets.without_ip(packet) is None


def test_an_error_names_the_request_it_is_about():
    quote = packets.quoted4(error(ip4(request(), options=bytes(8)), 3, 4, info=1400))

    assert quote == packets.Quote(3, 4, 1400, US, PEER, 7, 9, 11, 13)


def test_a_router_that_quotes_only_eight_bytes_is_understood():
    quote = packets.quoted4(error(ip4(request()[:8]), 11, 0))

    assert (quote.ident, quote.sequence, quote.tag, quote.nonce) == (7, 9, None, None)


@pytest.mark.parametrize(
    "wrap", [ip6, lambda inner: ip6(struct.pack("!BBHI", 58, 0, 1, 5) + inner, next_header=44)]
)
def test_an_ipv6_error_names_it_too_also_behind_a_fragment_header(wrap):
    quote = packets.quoted6(error(wrap(request(packets.ECHO6)), 2, 0, info=1280))

    assert quote == packets.Quote(2, 0, 1280, US6, PEER6, 7, 9, 11, 13)


@pytest.mark.parametrize(
    "quoted",
    [
        pytest.param(ip4(request(packets.REPLY4)), id="a-reply"),
        pytest.param(ip4(request(), protocol=6), id="a-tcp-segment"),
        pytest.param(ip4(request(), fragment=100), id="a-later-fragment"),
        pytest.param(ip4(request()[:7]), id="less-than-a-header"),
    ],
)
def test_an_error_about_anything_else_is_none(quoted):
    assert packets.quoted4(error(quoted)) is None


@thoroughly
def test_no_bytes_whatever_break_the_reading(cases):
    def promise(data):
        message = data.ljust(8, b"\0")
        packets.without_ip(data)
        for quoted in (packets.quoted4, packets.quoted6):
            quoted(message)
            quoted(error(data))

    fuzz(cases, promise, st.binary(max_size=200))


WHOLE = ((error(ip4(request())), packets.quoted4), (error(ip6(request(128))), packets.quoted6))
damage = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6)


@thoroughly
def test_nor_does_a_damaged_error(cases):
    def promise(which, end, changes):
        whole, quoted = which
        damaged = bytearray(whole[: 8 + end % (len(whole) - 7)])
        for at, instead in changes:
            damaged[at % len(damaged)] = instead
        quoted(bytes(damaged))

    fuzz(cases, promise, st.sampled_from(WHOLE), st.integers(0, 2000), damage)


def test_every_icmp_error_has_a_word_with_a_meaning():
    names = {told(kind, code, v6=False) for kind in ERROR_TYPES4 for code in range(16)}
    names |= {told(kind, code, v6=True) for kind in ERROR_TYPES6 for code in range(8)}

    assert names - {None} == set(THEIRS) - {"timeout"}


@pytest.mark.parametrize(("kind", "code"), [(5, 1), (4, 0), (3, 99), (0, 0), (8, 0)])
def test_redirects_quenches_and_unheard_of_codes_end_no_look(kind, code):
    assert told(kind, code, v6=False) is None


@pytest.mark.parametrize("number", [*errno.errorcode, 9999])
def test_every_error_of_sending_is_our_own_trouble(number):
    miss = refused(OSError(number, os.strerror(number)), homeless=False)

    assert miss.ours
    assert miss.reason in OURS


def test_an_invalid_argument_means_the_source_if_that_has_gone():
    gone = OSError(errno.EINVAL, "Invalid argument")

    assert refused(gone, homeless=True).reason == "no_local_address"
    assert refused(gone, homeless=False).reason == "no_route"


@pytest.mark.parametrize(
    "host", ["name", "", "127.1", "224.0.0.1", "ff02::1", "0.0.0.0", "::", "10.0.0.1 ", "1.2.3.4/24"]
)
def test_what_is_not_the_address_of_one_host_is_refused(host):
    with pytest.raises(ValueError, match=r"address|host"):
        way_to(host)


def test_a_link_local_address_is_bound_to_its_zone():
    host, way = way_to("FE80::1%eth7")

    assert (host, way.interface) == ("fe80::1", "eth7")


def test_an_ipv4_address_in_ipv6_clothes_is_ipv4():
    host, way = way_to("::ffff:10.0.0.1")

    assert (host, way.family) == ("10.0.0.1", socket.AF_INET)


def test_source_and_host_must_be_of_one_family():
    with pytest.raises(ValueError, match="cannot be the source"):
        way_to("10.0.0.1", "fd00::1")


class Hands:
    """Two clocks that are set by hand, nanoseconds."""

    def __init__(self):
        self.wall, self.steady = 1_700_000_000_000_000_000, 50_000_000_000
        self.clock = Clock(lambda: self.wall, lambda: self.steady)

    def pass_by(self, seconds):
        self.wall += round(seconds * 1e9)
        self.steady += round(seconds * 1e9)


@pytest.mark.parametrize("step", [3600, -3600, 0.5, -0.5, 10 * 365 * 86400])
def test_a_wall_clock_that_is_set_falsifies_no_round_trip(step):
    hands = Hands()
    sent = hands.steady * 1e-9
    hands.pass_by(0.02)
    before = hands.wall
    hands.wall += round(step * 1e9)
    hands.pass_by(0.01)
    after = hands.wall
    hands.clock.refresh()

    assert hands.clock.since(sent, before) == pytest.approx(0.02, abs=1e-6)
    assert hands.clock.since(sent, after) == pytest.approx(0.03, abs=1e-6)


def test_a_stamp_that_makes_no_sense_counts_as_just_now():
    hands = Hands()
    sent = hands.steady * 1e-9
    hands.pass_by(0.04)

    assert hands.clock.since(sent, 5) == pytest.approx(0.04, abs=1e-6)


def test_a_reading_that_was_interrupted_does_not_shift_the_clock():
    hands = Hands()
    right = hands.clock.offset
    readings = iter([0, 400_000, 400_000, 800_000, 800_000, 1_200_000, 1_200_000, 1_600_000])
    clock = hands.clock
    clock._steady = lambda: hands.steady + next(readings)
    clock.refresh()

    assert clock.offset == right


def test_deadlines_come_in_their_order_and_once():
    deadlines = Deadlines()
    for number, nonce in ((30, 3), (10, 1), (20, 2), (10, 11)):
        deadlines.slot(number).append(nonce)

    assert list(deadlines.overdue(0.25)) == [1, 11, 2]
    assert list(deadlines.overdue(0.25)) == []
    assert list(deadlines.overdue(9.0)) == [3]


def test_what_takes_long_to_give_up_is_given_up_a_slice_of_time_at_a_time():
    readings = itertools.count(0.0, 0.002)
    deadlines = Deadlines(clock=lambda: next(readings))
    deadlines.slot(10).extend([1, 2, 3, 4])
    deadlines.slot(11).append(5)

    assert list(deadlines.overdue(0.2)) == [1, 2, 3]
    assert deadlines.behind
    assert list(deadlines.overdue(0.2)) == [4, 5]
    assert not deadlines.behind


def test_a_miss_is_a_value():
    assert Miss("timeout", "x") == Miss("timeout", "x", ours=False, by_peer=False)
