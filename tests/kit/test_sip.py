"""sip: what we ask is a question of the protocol, and only what answers it is taken for an answer."""

import re

import pytest
from hypothesis import strategies as st

from monitor.kit.head import BadMessageError, told
from monitor.kit.sip import Answer, belongs, parse, parse_datagram, question
from tests.fuzzing import fuzz, thoroughly

ASKED = question("sip:gw@10.1.2.5", "udp", ("10.9.9.9", 40_000))


def headers_of(text):
    first, *lines = text.decode().removesuffix("\r\n\r\n").split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines)


def reply(*, status="200 OK", via=None, cseq="1 OPTIONS", call_id=None, more=""):
    via = f"SIP/2.0/UDP 10.9.9.9:40000;branch={ASKED.branch};rport=40000" if via is None else via
    lines = [f"SIP/2.0 {status}", f"Via: {via}", f"CSeq: {cseq}", f"Call-ID: {call_id or ASKED.call_id}"]
    return ("\r\n".join(lines) + "\r\n" + more + "\r\n").encode()


def test_a_question_has_all_that_a_request_must_have():
    first, headers = headers_of(ASKED.text)

    assert first == "OPTIONS sip:gw@10.1.2.5 SIP/2.0"
    assert headers["Via"] == f"SIP/2.0/UDP 10.9.9.9:40000;branch={ASKED.branch};rport"
    assert ASKED.branch.startswith("z9hG4bK")
    assert headers["To"] == "<sip:gw@10.1.2.5>"
    assert re.fullmatch(r"<sip:monitor@10\.9\.9\.9>;tag=[0-9a-f]{16}", headers["From"])
    assert (headers["CSeq"], headers["Max-Forwards"]) == ("1 OPTIONS", "70")
    assert headers["Call-ID"] == ASKED.call_id
    assert headers["Contact"] == "<sip:monitor@10.9.9.9:40000>"
    assert headers["Content-Length"] == "0"


def test_addresses_of_ipv6_stand_in_brackets_and_without_their_zone():
    _, headers = headers_of(question("sip:[::1]:5060", "tls", ("fe80::1%eth0", 7)).text)

    assert headers["Via"].startswith("SIP/2.0/TLS [fe80::1]:7;")
    assert headers["Contact"] == "<sip:monitor@[fe80::1]:7;transport=tls>"


def test_no_two_questions_can_be_taken_for_each_other():
    asked = [question("sip:a", "udp", ("10.9.9.9", 1)) for _ in range(50)]

    assert len({one.branch for one in asked}) == len({one.call_id for one in asked}) == 50


def test_an_answer_is_read_with_compact_folded_and_repeated_headers():
    answer = parse(
        b"SIP/2.0 200 All is well\r\nv: one\r\n two\r\nALLOW : INVITE\r\nAllow:BYE\r\nl: 12\r\n"
        b"Server: \xe6\x8c\x87\xe6\x8c\xa5\xff\r\n\r\n"
    )

    assert answer[:2] == (200, "All is well")
    assert answer.headers["via"] == ["one two"]
    assert told(answer.headers, "allow") == "INVITE, BYE"
    assert told(answer.headers, "server") == "指挥\N{REPLACEMENT CHARACTER}"
    assert answer.length == 12


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="http"),
        pytest.param(b"SIP/2.0 99 Low\r\n\r\n", id="no-such-status"),
        pytest.param(b"SIP/2.0 2000 High\r\n\r\n", id="too-many-digits"),
        pytest.param(b"SIP/3.0 200 OK\r\n\r\n", id="another-version"),
        pytest.param(b"SIP/2.0 200 OK\r\nVia: x\r\n", id="cut-short"),
        pytest.param(b"SIP/2.0 200 OK\r\nno colon\r\n\r\n", id="a-line-that-is-no-header"),
        pytest.param(b"SIP/2.0 200 OK\r\nVi a: x\r\n\r\n", id="a-name-that-is-none"),
        pytest.param(b"SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n", id="a-length-below-nothing"),
        pytest.param(b"SIP/2.0 200 OK\r\nl: 1\r\nContent-Length: 2\r\n\r\n", id="two-lengths"),
        pytest.param(b"SIP/2.0 200 OK\r\nl: 3\r\n\r\nab", id="a-body-cut-short"),
        pytest.param(b"\r\n\r\n", id="nothing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff" * 60_000, id="junk"),
    ],
)
def test_what_is_no_message_is_told(message):
    with pytest.raises(BadMessageError) as caught:
        parse_datagram(message)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(reply(), id="ours"),
        pytest.param(reply(cseq="0001  OPTIONS"), id="spaces-and-zeros"),
        pytest.param(reply(via=f"SIP/2.0/UDP h ; branch = {ASKED.branch}"), id="spaces-about-the-branch"),
        pytest.param(
            reply(via=f'SIP/2.0/UDP h;x="a,b;branch=z9hG4bKno";branch={ASKED.branch}'), id="a-quoted-comma"
        ),
    ],
)
def test_an_answer_to_our_question_belongs_to_it(message):
    assert belongs(parse(message), ASKED)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(reply(via="SIP/2.0/UDP h;branch=z9hG4bKother"), id="another-branch"),
        pytest.param(reply(via="SIP/2.0/UDP h"), id="no-branch"),
        pytest.param(reply(via='"' + '\\"' * 30_000), id="quotes-without-end"),
        pytest.param(reply(via=f"SIP/2.0/UDP h;branch={ASKED.branch}, SIP/2.0/UDP i"), id="for-another-too"),
        pytest.param(reply(more=f"Via: SIP/2.0/UDP h;branch={ASKED.branch}\r\n"), id="two-vias"),
        pytest.param(reply(cseq="2 OPTIONS"), id="another-number"),
        pytest.param(reply(cseq="1 INVITE"), id="another-method"),
        pytest.param(reply(cseq="1"), id="no-method"),
        pytest.param(reply(more="CSeq: 1 OPTIONS\r\n"), id="two-numbers"),
        pytest.param(reply(call_id="other"), id="another-call"),
        pytest.param(reply().replace(b"CSeq", b"X-Seq"), id="no-number"),
        pytest.param(reply().replace(b"Via", b"X-Via"), id="no-via"),
    ],
)
def test_the_answers_of_others_do_not(message):
    assert not belongs(parse(message), ASKED)


def test_our_own_words_come_back_are_a_request_and_no_answer():
    assert parse(ASKED.text).status == 0


PIECES = [
    b"SIP/2.0 200 OK\r\n", b"SIP/2.0 100 \r\n", b"OPTIONS sip:x SIP/2.0\r\n", b"SIP/2.0 200", b"\r\n", b"\n",
    b"\r", b"Via: SIP/2.0/UDP h;branch=" + ASKED.branch.encode() + b"\r\n", b'v: "\\', b'"', b",,,,",
    b"CSeq: 1 OPTIONS\r\n", b"CSeq: 99999999999999999999 OPTIONS\r\n",
    b"Call-ID: " + ASKED.call_id.encode() + b"\r\n", b"l: 5\r\n", b" fold\r\n",
    b"Content-Length: 999999999\r\n", b": \r\n", b"\t", b"\0", b"\xff\xfe", b"A: b\r\n" * 400,
    b";branch=" * 300,
]  # fmt: skip
noise = st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), max_size=14).map(b"".join)


def read(data):
    """Return the message, or what is said of one that is none."""
    try:
        return parse_datagram(data)
    except BadMessageError as error:
        return str(error)


def harmless(data):
    made = read(data)
    if isinstance(made, Answer):
        assert belongs(made, ASKED) in {True, False}
        made = told(made.headers, "via")
    assert made.isprintable()


@thoroughly
def test_no_datagram_does_anything_but_belong_or_not(cases):
    fuzz(cases, harmless, noise)


@thoroughly
def test_an_answer_damaged_anywhere_is_ours_or_is_not_and_breaks_nothing(cases):
    whole = reply(more='Server: "a\\"b"\r\nl: 0\r\n')

    def promise(at, junk):
        harmless(whole[:at] + junk + whole[at + len(junk) :])

    fuzz(cases, promise, st.integers(0, len(whole)), st.binary(max_size=8))
