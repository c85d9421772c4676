"""rtsp: whether a camera speaks, whether it lets us in, and whether there is a picture."""

import re

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.probes.rtsp import Options, probe
from tests.probes.callees import camera
from tests.probes.peers import closed_port, peer, resets, says

PICTURE = (
    b"v=0\r\no=- 1 1 IN IP4 10.1.2.3\r\ns=cam\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
)
SOUND = PICTURE.replace(b"m=video", b"m=audio").replace(b"H264", b"PCMA")


def number(asked):
    return re.search(rb"CSeq: \d+\r\n", asked)[0]


def answer(asked, status="200 OK", body=b"", more=""):
    head = f"RTSP/1.0 {status}\r\n{more}Content-Length: {len(body)}\r\n".encode()
    return head + number(asked) + b"\r\n" + body


def films(*answers):
    """Behave so: give these answers, each a function of what was asked, one after the other."""

    async def behave(one, reader, writer):
        one.heard = []
        for made in answers:
            one.heard.append(await reader.readuntil(b"\r\n\r\n"))
            await one.say(writer, made(one.heard[-1]))
        await reader.read()

    return behave


async def look(behave, path="/ch1", **options):
    async with peer(behave) as one:
        return await probe(Options(url=f"rtsp://127.0.0.1:{one.port}{path}", **options))


def shows(body, more="Server: Cam 7\r\n"):
    return films(lambda asked: answer(asked, body=body, more=more))


def refuses(status, more=""):
    return films(lambda asked: answer(asked, status, more=more))


@pytest.fixture
def credential_file(tmp_path):
    file = tmp_path / "credential"
    file.write_text('duty:s3cret: \\"x\n')
    return str(file)


async def test_a_stream_with_a_picture_is_well_and_says_what_it_is_made_of():
    finding = await look(shows(PICTURE + SOUND.partition(b"t=0 0\r\n")[2]))

    assert finding.outcome is Outcome.OK
    assert finding.detail == "RTSP 200 OK, video H264, audio PCMA, server Cam 7"
    assert finding.values["status"] == 200
    assert 0 < finding.values["rtt"] < finding.values["answer"] < 1


@pytest.mark.parametrize(
    ("behave", "options", "reason"),
    [
        pytest.param(shows(SOUND), {}, "no_media", id="no-picture"),
        pytest.param(shows(SOUND), {"media": "audio"}, "ok", id="sound-is-enough"),
        pytest.param(shows(PICTURE.partition(b"m=")[0]), {"media": "any"}, "ok", id="anything-is"),
        pytest.param(shows(b""), {}, "bad_description", id="no-description"),
        pytest.param(shows(b"<html>"), {}, "bad_description", id="a-page"),
        pytest.param(refuses("401 Unauthorized"), {}, "unauthorized", id="wants-a-name"),
        pytest.param(refuses("403 Forbidden"), {}, "forbidden", id="not-for-us"),
        pytest.param(refuses("404 Not Found"), {}, "not_found", id="no-such-stream"),
        pytest.param(refuses("453 Not Enough Bandwidth"), {}, "no_bandwidth", id="no-room"),
        pytest.param(refuses("302 Found", "Location: rtsp://b/\r\n"), {}, "status", id="moved"),
        pytest.param(refuses("500 Sorry"), {}, "status", id="ill"),
        pytest.param(refuses("200 OK"), {"method": "OPTIONS"}, "ok", id="only-whether-it-speaks"),
        pytest.param(says(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"), {}, "bad_response", id="http"),
        pytest.param(says(lambda _: b"RTSP/1.0 20"), {}, "bad_response", id="hangs-up-in-the-middle"),
        pytest.param(says(lambda _: b""), {}, "closed", id="hangs-up"),
        pytest.param(
            films(lambda asked: answer(asked, body=b"x" * 70_000)), {}, "bad_response", id="far-too-long"
        ),
    ],
)
async def test_every_answer_has_its_word_and_proves_the_way(behave, options, reason):
    finding = await look(behave, **options)

    assert (finding.reason, finding.path_up) == (reason, True), finding.detail


async def test_a_reset_and_a_closed_port_have_theirs():
    reset = await look(resets)
    refused = await probe(Options(url=f"rtsp://127.0.0.1:{closed_port()}/"))

    assert reset.reason in {"reset", "closed"}
    assert (refused.reason, refused.path_up) == ("refused", True)


async def test_where_we_are_sent_on_to_is_told_and_not_followed():
    finding = await look(refuses("302 Found", "Location: rtsp://10.9.9.9/\r\n"))

    assert finding.detail == "RTSP 302 Found, to rtsp://10.9.9.9/"


async def test_the_answers_to_others_and_the_servers_own_questions_are_passed_over():
    def chatty(asked):
        other = answer(b"CSeq: 77\r\n", "404 Not Found", b"12345")
        return b"SET_PARAMETER rtsp://x RTSP/1.0\r\nCSeq: 1\r\n\r\n" + other + answer(asked, body=PICTURE)

    assert (await look(films(chatty))).outcome is Outcome.OK


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", None])
async def test_who_we_are_is_told_without_the_password(credential_file, algorithm):
    named = f", algorithm={algorithm}" if algorithm else ""
    challenge = f'WWW-Authenticate: Digest realm="county", nonce="abc", qop="auth"{named}\r\n'
    behave = films(
        lambda asked: answer(
            asked, "401 Unauthorized", more=challenge + "WWW-Authenticate: Basic realm=x\r\n"
        ),
        lambda asked: answer(asked, body=PICTURE),
    )
    async with peer(behave) as one:
        finding = await probe(
            Options(url=f"rtsp://127.0.0.1:{one.port}/", credential_file=credential_file, basic=True)
        )

    assert finding.outcome is Outcome.OK
    assert b"Authorization" not in one.heard[0]
    assert b'Authorization: Digest username="duty", realm="county", nonce="abc"' in one.heard[1]
    assert b"s3cret" not in one.heard[1]
    assert b"CSeq: 2" in one.heard[1]


async def test_a_password_that_is_not_believed_is_said_so(credential_file):
    challenge = 'WWW-Authenticate: Digest realm="county", nonce="abc"\r\n'
    behave = films(*[lambda asked: answer(asked, "401 Unauthorized", more=challenge)] * 2)
    finding = await look(behave, credential_file=credential_file)

    assert finding.reason == "unauthorized"
    assert finding.detail == "RTSP 401 Unauthorized, user or password are not accepted"


async def test_a_password_is_not_sent_in_the_clear_unless_that_is_allowed(credential_file):
    behave = films(lambda asked: answer(asked, "401 No", more="WWW-Authenticate: Basic realm=x\r\n"))
    async with peer(behave) as one:
        url = f"rtsp://127.0.0.1:{one.port}/"
        finding = await probe(Options(url=url, credential_file=credential_file))

    assert finding.reason == "unauthorized"
    assert "it offers basic, which is not answered" in finding.detail
    assert len(one.heard) == 1


async def test_under_tls_the_certificate_is_judged_first(authority):
    issued = authority.issue()
    async with peer(shows(PICTURE), ssl=issued.server()) as one:
        url = f"rtsps://127.0.0.1:{one.port}/"
        good = await probe(Options(url=url, ca_file=str(authority.file)))
        unknown = await probe(Options(url=url))

    assert good.outcome is Outcome.OK
    assert (unknown.reason, unknown.path_up) == ("certificate_unknown_ca", True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param({"source": "192.0.2.77"}, "no_local_address", id="a-source-that-is-not-ours"),
        pytest.param({"interface": "cmt-none0"}, "no_interface", id="an-interface-that-is-not-there"),
        pytest.param({"credential_file": "/none"}, "no_secret_file", id="no-file"),
        pytest.param({"credential_file": "/dev/null"}, "no_secret_file", id="no-credential-in-it"),
    ],
)
async def test_our_own_trouble_is_unknown(options, reason):
    finding = await probe(Options(url="rtsp://127.0.0.1:9/", **options))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"url": "http://a/"}, "must begin with rtsp"),
        ({"url": "rtsp:///ch1"}, "name a host"),
        ({"url": "rtsp://a/b c"}, "must begin with rtsp"),
        ({"url": "rtsp://duty:secret@a/"}, "credential_file"),
        ({"source": "::1"}, "one family"),
        ({"media": "picture"}, "media"),
        ({"methods": "PLAY"}, "methods"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"url": "rtsp://127.0.0.1/", **given})


# GStreamer's server.


@pytest.fixture(scope="module")
def gstreamer():
    """Start a real server, once for this file; give its ports."""
    with camera() as ports:
        if ports is None:
            pytest.skip("GStreamer's RTSP server is not installed")
        yield ports


@pytest.mark.server
@pytest.mark.parametrize(
    ("door", "path", "options", "reason", "detail"),
    [
        pytest.param("open", "/picture", {}, "ok", "video JPEG, audio PCMU", id="a-picture"),
        pytest.param("open", "/sound", {}, "no_media", "audio PCMU", id="only-sound"),
        pytest.param("open", "/none", {}, "not_found", "404", id="no-such-stream"),
        pytest.param("open", "/picture", {"method": "OPTIONS"}, "ok", "DESCRIBE", id="speaks"),
        pytest.param("digest", "/picture", {}, "unauthorized", "no credential", id="wants-a-name"),
    ],
)
async def test_gstreamer_is_understood(gstreamer, door, path, options, reason, detail):
    finding = await probe(Options(url=f"rtsp://127.0.0.1:{gstreamer[door]}{path}", **options))

    assert (finding.reason, finding.path_up) == (reason, True), finding.detail
    assert detail in finding.detail


@pytest.mark.server
@pytest.mark.parametrize("door", ["digest", "basic"])
async def test_gstreamer_lets_us_in_with_the_right_password_only(gstreamer, door, credential_file, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("duty:guess")
    told = {"url": f"rtsp://127.0.0.1:{gstreamer[door]}/picture", "basic": True}
    let_in = await probe(Options(**told, credential_file=credential_file))
    kept_out = await probe(Options(**told, credential_file=str(wrong)))

    assert let_in.outcome is Outcome.OK, let_in.detail
    assert kept_out.reason == "unauthorized"
    assert "not accepted" in kept_out.detail
