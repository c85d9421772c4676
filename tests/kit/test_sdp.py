"""sdp: what a description offers, and what is none."""

import pytest
from hypothesis import strategies as st

from monitor.kit.sdp import BadDescriptionError, Media, media
from tests.fuzzing import fuzz, thoroughly

HEAD = b"v=0\r\no=- 1 1 IN IP4 10.1.2.3\r\ns=cam\r\nt=0 0\r\na=control:*\r\n"


def test_each_medium_is_told_with_the_codec_of_its_first_payload():
    offered = media(
        HEAD + b"m=video 0 RTP/AVP 96 97\r\na=rtpmap:97 H265/90000\r\na=rtpmap:96 H264/90000\r\n"
        b"m=audio 49170/2 RTP/SAVP 8\r\n"
        b"m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n"
    )

    assert offered == [
        Media("video", "H264", "RTP/AVP"),
        Media("audio", "PCMA", "RTP/SAVP"),
        Media("application", "vnd.onvif.metadata", "RTP/AVP"),
    ]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n", b"\0"])
def test_bare_line_feeds_and_loose_ends_are_borne(end):
    assert media(HEAD.replace(b"\r\n", b"\n") + b"m=video 0 RTP/AVP 26" + end)[0].codec == "JPEG"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(b"", "not with v=0", id="nothing"),
        pytest.param(b"<html>\x1b[2J", "<html> [2J", id="a-page"),
        pytest.param(b"v=1\n", "not with v=0", id="another-version"),
        pytest.param(HEAD.replace(b"s=", b"x="), "s= is missing", id="no-name"),
        pytest.param(HEAD.replace(b"o=", b"x="), "o= is missing", id="no-origin"),
        pytest.param(HEAD + b"hello\r\n", "no line", id="a-line-that-is-none"),
        pytest.param(HEAD + b"m=video\r\n", "describes no medium", id="a-medium-that-is-none"),
    ],
)
def test_what_is_no_description_is_told_harmlessly(body, complaint):
    with pytest.raises(BadDescriptionError) as caught:
        media(body)

    assert complaint.replace("\x1b", "") in str(caught.value)
    assert str(caught.value).isprintable()


def test_no_description_is_too_rich():
    assert len(media(HEAD + b"m=video 0 RTP/AVP 96\r\n" * 2000)) == 32


PIECES = [
    b"v=0\r\n", b"o=x\r\n", b"s=x\n", b"m=video 0 RTP/AVP 96\r\n", b"m=audio 0",
    b"a=rtpmap:96 H264/90000\r\n", b"a=rtpmap:96 /\r\n", b"\r\n", b"\n", b"=", b"\0", b"\xff",
    b"m=video 99999/9 x y\n",
]  # fmt: skip
noise = st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=14).map(b"".join)


@thoroughly
def test_no_body_does_anything_but_describe_or_not(cases):
    def promise(begun, body):
        try:
            told = [one.kind for one in media(HEAD + body if begun else body)]
        except BadDescriptionError as error:
            told = [str(error)]

        assert "".join(told).isprintable()

    fuzz(cases, promise, st.booleans(), noise)
