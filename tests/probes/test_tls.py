"""tls: one handshake, and every fault of a certificate has a word of its own."""

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.kit import tls
from monitor.kit.sockets import Target
from monitor.kit.tls import context
from monitor.probes.tls import Options, probe
from tests.probes.certificates import DAY, Authority, now
from tests.probes.peers import closed_port, never_answers, peer, resets, says


async def look(issued, **options):
    async with peer(never_answers, ssl=issued.server()) as one:
        return await probe(Options(**{"host": "127.0.0.1", "port": one.port, **options}))


async def test_a_good_certificate_is_well_and_says_how_long(authority):
    issued = authority.issue()
    finding = await look(issued, ca_file=str(authority.file))

    assert finding.outcome is Outcome.OK
    assert finding.values["tls_expiry"] == issued.expiry
    assert finding.values["tls_chain"] == 1
    assert finding.values["rtt"] > 0
    assert finding.values["handshake"] > 0
    assert "TLSv1.3" in finding.detail


async def test_the_whole_chain_counts_and_the_first_to_run_out_is_named(authority):
    issued = authority.issue(days=60, middle_days=5)
    finding = await look(issued, ca_file=str(authority.file))

    assert finding.values["tls_chain"] == 2
    assert finding.values["tls_expiry"] == issued.expiry
    assert "4.9 days left" in finding.detail or "5.0 days left" in finding.detail


@pytest.mark.parametrize(
    ("issued", "trusted", "reason"),
    [
        pytest.param({"start": now() - 9 * DAY, "days": -2}, True, "certificate_expired", id="run-out"),
        pytest.param({"start": now() + 2 * DAY}, True, "certificate_not_yet_valid", id="not-yet-valid"),
        pytest.param({"self_signed": True}, True, "certificate_self_signed", id="self-signed"),
        pytest.param({"hosts": ["other.test"]}, True, "certificate_wrong_name", id="another-name"),
        pytest.param({}, False, "certificate_unknown_ca", id="an-authority-that-nobody-knows"),
    ],
)
async def test_each_fault_has_its_word_and_the_expiry_is_read_all_the_same(
    authority, issued, trusted, reason
):
    made = authority.issue(*issued.get("hosts", ()), **{k: v for k, v in issued.items() if k != "hosts"})
    finding = await look(made, **({"ca_file": str(authority.file)} if trusted else {}))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)
    assert finding.values["tls_expiry"] == made.expiry


async def test_the_name_asked_for_is_the_name_that_counts(authority):
    finding = await look(authority.issue("hub.test"), ca_file=str(authority.file), server_name="hub.test")

    assert finding.outcome is Outcome.OK


@pytest.mark.parametrize(("days", "reason"), [(40, "ok"), (20, "certificate_expiring")])
async def test_too_few_days_left_are_a_failure(authority, days, reason):
    finding = await look(authority.issue(days=days), ca_file=str(authority.file), min_days=30)

    assert (finding.reason, finding.path_up) == (reason, True)


async def test_whoever_does_not_verify_is_told_so(authority):
    finding = await look(authority.issue(self_signed=True), verify=False)

    assert finding.outcome is Outcome.OK
    assert "not verified" in finding.detail


@pytest.mark.parametrize(
    ("behave", "reasons"),
    [
        pytest.param(says(b"220 smtp ready\r\n"), {"not_tls"}, id="plain-text"),
        pytest.param(says(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"), {"not_tls"}, id="plain-http"),
        pytest.param(says(lambda _: b""), {"closed"}, id="a-peer-that-hangs-up"),
        pytest.param(resets, {"reset", "closed"}, id="a-peer-that-resets"),
        pytest.param(says(lambda _: b"\x15\x03\x03\x00\x02\x02\x28"), {"handshake_failed"}, id="an-alert"),
        pytest.param(
            says(b"\x16\x03\x03\xff\xff" + b"x" * 70_000), {"not_tls", "handshake_failed"}, id="junk"
        ),
    ],
)
async def test_a_peer_that_does_not_speak_tls_is_told(behave, reasons):
    async with peer(behave) as one:
        finding = await probe(Options(host="127.0.0.1", port=one.port))

    assert finding.reason in reasons
    assert finding.path_up


async def test_a_peer_that_stalls_after_a_refused_certificate_does_not_take_the_verdict(
    authority, monkeypatch
):
    monkeypatch.setattr(tls, "READING", 0.05)
    issued = authority.issue(self_signed=True)
    async with peer(never_answers, ssl=issued.server()) as one, peer(never_answers) as silent:
        target = Target("127.0.0.1", silent.port)
        seen = await tls.read_unverified(target, "hub.test")
        finding = await probe(Options(host="127.0.0.1", port=one.port))

    assert seen is None
    assert finding.reason == "certificate_self_signed"


async def test_a_closed_port_is_refused():
    finding = await probe(Options(host="127.0.0.1", port=closed_port()))

    assert finding.reason == "refused"


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "empty-of-certificates"])
async def test_a_file_of_authorities_that_cannot_be_used_is_our_own_trouble(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    finding = await probe(Options(host="127.0.0.1", port=9, ca_file=str(file)))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "no_ca_file")


def test_a_renewed_file_of_authorities_is_read_anew(authority, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.file.read_bytes())
    first, same = context(str(file)), context(str(file))
    file.write_bytes(Authority(tmp_path, "another one").file.read_bytes())
    renewed = context(str(file))

    assert first is same
    assert renewed is not first


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"min_day": 3}, "min_day"),
        ({"min_days": -1}, "greater than or equal"),
        ({"server_name": "a" * 70}, "server_name"),
        ({"source": "::1"}, "one family"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", **given})
