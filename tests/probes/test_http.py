"""http: one page over one new connection; whether it is right, where the time went, and whose fault it is."""

import gzip
import zlib

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.kit.http_client import MOST, inflate, not_for_peers
from monitor.probes.http import Options, probe
from tests.probes.peers import closed_port, peer, resets, says

PHASES = {"resolve", "connect", "tls", "first_byte", "transfer", "total"}


def answers(body=b"all is well", status="200 OK", headers=""):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
    return says(lambda _: head + body)


async def look(behave, page="/", **options):
    async with peer(behave) as one:
        return await probe(Options(url=f"http://127.0.0.1:{one.port}{page}", **options))


async def test_a_good_page_is_well_and_every_phase_is_timed():
    finding = await look(answers())

    assert finding.outcome is Outcome.OK
    assert finding.values.keys() >= PHASES | {"rtt"}
    assert all(finding.values[phase] >= 0 for phase in PHASES)
    assert (finding.values["status"], finding.values["size"]) == (200, 11)
    parts = sum(finding.values[phase] for phase in PHASES - {"total"})
    assert parts <= finding.values["total"]


@pytest.mark.parametrize(
    ("status", "accepted", "reason"),
    [
        ("200 OK", "2xx", "ok"),
        ("503 Busy", "2xx", "status"),
        ("503 Busy", "2xx,503", "ok"),
        ("301 Moved", [200, "3xx"], "ok"),
        ("204 No Content", 200, "status"),
    ],
)
async def test_the_status_decides_and_any_status_proves_the_way(status, accepted, reason):
    finding = await look(answers(b"", status), status=accepted)

    assert (finding.reason, finding.path_up) == (reason, True)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"body": "is well"}, "ok"),
        ({"body": "all*well"}, "ok"),
        ({"body": "ill"}, "body"),
        ({"body_not": "error"}, "ok"),
        ({"body_not": "well"}, "body"),
        ({"expect_headers": {"server": "hub*7"}}, "ok"),
        ({"expect_headers": {"Server": "hub-8"}}, "header"),
        ({"expect_headers": {"X-None": ""}}, "header"),
    ],
)
async def test_text_and_headers_decide(wanted, reason):
    finding = await look(answers(headers="Server: hub-7\r\n"), **wanted)

    assert finding.reason == reason


async def test_what_the_server_says_is_quoted_harmlessly():
    finding = await look(answers(b"\x1b[2J\r\nJan 1 root: FAKE \xe2\x80\xae" * 50), body="fine")

    assert len(finding.detail) <= 200
    assert finding.detail.isprintable()


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        pytest.param(b"", {"closed"}, id="hung-up"),
        pytest.param(b"220 smtp ready\r\n\r\n", {"bad_response"}, id="another-protocol"),
        pytest.param(b"hello", {"bad_response", "closed"}, id="http-0.9"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000, {"bad_response"}, id="a-header-of-1-mb"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello", {"cut_short"}, id="cut-short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", {"bad_response"}, id="a-bad-length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            {"bad_response", "cut_short"},
            id="a-bad-chunk",
        ),
    ],
)
async def test_what_is_no_good_http_has_a_word_of_its_own(words, reasons):
    finding = await look(says(lambda _: words))

    assert finding.reason in reasons
    assert finding.path_up


async def test_a_reset_is_told():
    finding = await look(resets)

    assert finding.reason in {"reset", "closed"}


async def test_a_closed_port_is_a_refusal_that_proves_the_way():
    finding = await probe(Options(url=f"http://127.0.0.1:{closed_port()}/"))

    assert (finding.reason, finding.path_up) == ("refused", True)


async def test_our_own_trouble_is_unknown(tmp_path):
    source = await probe(Options(url="http://127.0.0.1:9/", source="192.0.2.77"))
    authorities = await probe(Options(url="https://127.0.0.1:9/", ca_file=str(tmp_path / "none.pem")))
    secret = await probe(Options(url="http://127.0.0.1:9/", authorization_file=str(tmp_path / "none")))
    name = await probe(Options(url="http://a..b/"))

    assert {finding.outcome for finding in (source, authorities, secret, name)} == {Outcome.UNKNOWN}
    assert [finding.reason for finding in (source, authorities, secret, name)] == [
        "no_local_address",
        "no_ca_file",
        "no_secret_file",
        "name_resolution",
    ]


async def test_no_more_than_64_kib_are_read_or_unpacked():
    bomb = gzip.compress(b"\0" * 50_000_000)
    finding = await look(answers(bomb, headers="Content-Encoding: gzip\r\n"))

    assert finding.reason == "ok"
    assert finding.values["size"] == MOST


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_packed_text_is_read_as_text(pack):
    assert inflate(pack(b"all is well"), "GZIP" if pack is gzip.compress else "deflate") == b"all is well"


def test_what_only_says_that_it_is_packed_is_read_as_it_is():
    assert inflate(b"plain", "gzip") == b"plain"
    assert inflate(b"plain", "br") == b"plain"


def sends_to(location, status="302 Found"):
    return answers(b"", status, headers=f"Location: {location}\r\n")


def by_page(table):
    def answer(asked):
        page = asked.split(b" ")[1].decode()
        status, headers, body = table[page]
        return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()

    return says(answer)


async def test_a_redirect_is_not_followed_unless_you_say_so():
    pages = by_page({"/": ("302 Found", "Location: /end\r\n", ""), "/end": ("200 OK", "", "arrived")})

    assert (await look(pages)).reason == "status"
    assert (await look(pages, redirects=1, body="arrived")).reason == "ok"


async def test_a_round_trip_of_redirects_ends():
    finding = await look(sends_to("/"), redirects=3)

    assert (finding.reason, finding.path_up) == ("too_many_redirects", True)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "data:text/plain,x",
        "FILE:///x",
        "http://user:word@127.0.0.1/",
        "http://[::1",
        "http://a:99999/",
        "",
        "http://x y/",
    ],
)
async def test_nobody_sends_us_to_what_is_no_page(location):
    finding = await look(sends_to(location), redirects=1)

    assert finding.reason in {"redirect_refused", "bad_response"}


@pytest.mark.parametrize(
    ("address", "forbidden"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("169.254.169.254", True),
        ("fe80::1", True),
        ("0.0.0.0", True),
        ("::", True),
        ("224.0.0.1", True),
        ("10.1.2.3", False),
        ("2001:db8::7", False),
    ],
)
def test_some_addresses_are_not_a_peers_business(address, forbidden):
    assert not_for_peers(address) is forbidden


async def test_secrets_and_headers_stay_at_home_when_we_are_sent_elsewhere(tmp_path):
    (tmp_path / "secret").write_text("Bearer canary\n")
    heard = []

    def ends(asked):
        heard.append(asked)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async with peer(says(ends)) as elsewhere:
        finding = await look(
            sends_to(f"http://127.0.0.1:{elsewhere.port}/"),
            redirects=1,
            headers={"X-Key": "canary"},
            authorization_file=str(tmp_path / "secret"),
        )

    assert finding.reason == "ok"
    assert b"canary" not in heard[0]


async def test_the_secret_is_sent_to_whom_it_belongs(tmp_path):
    (tmp_path / "secret").write_text("Bearer canary\n")
    finding = await look(
        says(
            lambda asked: b"HTTP/1.1 %s\r\n\r\n" % (b"200 OK" if b"Bearer canary\r\n" in asked else b"401 No")
        ),
        authorization_file=str(tmp_path / "secret"),
    )

    assert finding.reason == "ok"


async def test_a_secret_of_several_lines_is_not_sent(tmp_path):
    (tmp_path / "secret").write_text("Bearer x\r\nX-Evil: y\n")
    finding = await look(answers(), authorization_file=str(tmp_path / "secret"))

    assert finding.reason == "no_secret_file"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"url": "ftp://x/"}, "http://"),
        ({"url": "file:///etc/passwd"}, "http://"),
        ({"url": "FILE:///etc/passwd"}, "http://"),
        ({"url": "10.1.2.3"}, "http://"),
        ({"url": "http://u:p@x/"}, "authorization_file"),
        ({"url": "http://x:99999/"}, "url"),
        ({"status": "ok"}, "statuses look like"),
        ({"status": "2xx\n3xx"}, "statuses look like"),
        ({"redirects": 4}, "less than or equal"),
        ({"headers": {"X": "a\r\nY: b"}}, "not a header"),
        ({"headers": {"X Y": "a"}}, "not a header"),
        ({"headers": {"Cookie": "a"}}, "secret"),
        ({"headers": {"Authorization": "a"}}, "secret"),
        ({"headers": {"Content-Length": "1"}}, "protocol"),
        ({"source": "::1"}, "one family"),
        ({"metod": "GET"}, "metod"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"url": "http://127.0.0.1/", **given})


@pytest.mark.server
async def test_a_real_server_is_well_over_https(nginx, authority):
    finding = await probe(
        Options(url=nginx.url("/", "good"), ca_file=str(authority.file), body="all is well")
    )

    assert finding.outcome is Outcome.OK
    assert finding.values["tls_expiry"] == nginx.issued["good"].expiry
    assert finding.values["tls_chain"] == 2
    assert finding.values["tls"] > 0
    assert "TLSv1.3" in finding.detail


@pytest.mark.server
@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ("expired", "certificate_expired"),
        ("other", "certificate_wrong_name"),
        ("self", "certificate_self_signed"),
    ],
)
async def test_a_bad_certificate_of_a_real_server_is_told_with_its_expiry(
    nginx, authority, certificate, reason
):
    finding = await probe(Options(url=nginx.url("/", certificate), ca_file=str(authority.file)))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)
    assert finding.values["tls_expiry"] == nginx.issued[certificate].expiry


@pytest.mark.server
async def test_whoever_does_not_verify_is_told_so(nginx):
    finding = await probe(Options(url=nginx.url("/", "self"), verify=False))

    assert finding.outcome is Outcome.OK
    assert "not verified" in finding.detail


@pytest.mark.server
async def test_too_few_days_left_are_a_failure(nginx, authority):
    finding = await probe(Options(url=nginx.url("/", "good"), ca_file=str(authority.file), min_days=15))

    assert finding.reason == "certificate_expiring"


@pytest.mark.server
async def test_the_name_asked_for_is_the_name_that_counts(nginx, authority):
    finding = await probe(
        Options(url=nginx.url("/", "other"), ca_file=str(authority.file), server_name="other.test")
    )

    assert finding.outcome is Outcome.OK


@pytest.mark.server
@pytest.mark.parametrize(
    ("page", "options", "reason"),
    [
        ("/busy", {}, "status"),
        ("/there", {"redirects": 1, "body": "all is well"}, "ok"),
        ("/round", {"redirects": 3}, "too_many_redirects"),
        ("/big", {"body": "all is well"}, "ok"),
        ("/gbk", {"body": "指挥中心"}, "ok"),
        ("/zipped", {"headers": {"Accept-Encoding": "gzip"}, "body": "all is well"}, "ok"),
        ("/who", {"source": "127.0.0.9", "body": "127.0.0.9"}, "ok"),
        ("/who", {"method": "POST", "send": "x", "headers": {"X-Unit": "hub"}, "body": "POST hub"}, "ok"),
        ("/", {"method": "HEAD"}, "ok"),
    ],
)
async def test_a_real_server_is_judged_by_what_it_says(nginx, page, options, reason):
    finding = await probe(Options(url=nginx.url(page), **options))

    assert (finding.reason, finding.path_up) == (reason, True)


@pytest.mark.server
async def test_plain_http_spoken_to_a_tls_port_and_the_other_way_round(nginx):
    to_tls = await probe(Options(url=nginx.url("/", "good").replace("https", "http")))
    to_plain = await probe(Options(url=nginx.url("/").replace("http", "https")))

    assert (to_tls.reason, to_plain.reason) == ("status", "not_tls")


@pytest.mark.server
async def test_nobody_sends_us_from_https_back_to_plain_http(nginx, authority):
    finding = await probe(
        Options(url=nginx.url("/plain", "good"), ca_file=str(authority.file), redirects=1, status="200")
    )

    assert (finding.reason, finding.path_up) == ("redirect_refused", True)
    assert "back to plain" in finding.detail
