"""rtsp: heads that are answers, heads that are not, and nothing in between."""

import pytest
from hypothesis import strategies as st

from monitor.kit.head import BadMessageError, length
from monitor.kit.rtsp import parse
from tests.fuzzing import fuzz, thoroughly


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"RTSP/1.0 200 OK\r\n\r\n", 200, id="an-answer"),
        pytest.param(b"RTSP/2.0 401\r\nCSeq: 1\r\n\r\n", 401, id="of-the-new-version-without-a-phrase"),
        pytest.param(b"ANNOUNCE rtsp://x RTSP/1.0\r\n\r\n", 0, id="a-question"),
    ],
)
def test_a_head_is_an_answer_or_a_question(head, status):
    assert parse(head).status == status


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="http"),
        pytest.param(b"RTSP/1.0 600 OK\r\n\r\n", id="no-such-status"),
        pytest.param(b"RTSP/1.0 200 OK\r\n", id="cut-short"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: +1\r\n\r\n", id="a-length-that-is-none"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: \xd9\xa3\r\n\r\n", id="digits-of-another-script"),
        pytest.param(b"$\x00\x00\x10\r\n\r\n", id="media-in-between"),
    ],
)
def test_what_is_neither_is_told(head):
    with pytest.raises(BadMessageError) as caught:
        parse(head)

    assert str(caught.value).isprintable()


PIECES = [
    b"RTSP/1.0 200 OK\r\n", b"RTSP/1.0 401 ", b"OPTIONS * RTSP/1.0\r\n", b"CSeq: 1\r\n", b"\r\n", b"\n",
    b" x\r\n", b"Content-Length: 12\r\n", b"content-length : 99999999999\r\n",
    b"WWW-Authenticate: Digest \r\n", b":", b"\0", b"\xff" * 9, b"X: " + b"y" * 9000 + b"\r\n",
]  # fmt: skip
noise = st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=12).map(b"".join)


@thoroughly
def test_no_head_does_anything_but_be_read_or_not(cases):
    def promise(head):
        try:
            told = parse(head + b"\r\n\r\n")
        except BadMessageError as error:
            assert str(error).isprintable()  # noqa: PT017 - either will do
        else:
            assert 0 <= told.status < 600
            assert (length(told.headers) or 0) < 1_000_000_000

    fuzz(cases, promise, noise)
