"""deploy/mosquitto/certificates: what it makes is good and private, and what is dangerous is refused."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.deploy.mosquitto_ground import NAME, SCRIPT, Authority

SHELLCHECK = shutil.which("shellcheck")

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
    pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not installed"),
]


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """Make an authority with one vantage, for tests that change nothing."""
    it = Authority(tmp_path_factory.mktemp("settled") / "authority")
    it.do("init", NAME)
    it.do("issue", "vantage", "dan")
    return it


@pytest.fixture
def pki(settled, tmp_path):
    """Return an authority of the test's own, with one vantage."""
    return Authority(shutil.copytree(settled.folder, tmp_path / "authority"))


def read(path: Path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def name_of(certificate):
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def contents(folder: Path):
    """Return every file of a folder with what is in it, the lock aside."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "lock"}


def rows(pki):
    """Return the table of `list`, by row."""
    return [line.split() for line in pki.do("list").splitlines()[1:]]


def good(pki, name, purpose="sslclient"):
    """Let openssl judge a certificate, with the list of revocations."""
    return subprocess.run(
        ["openssl", "verify", "-x509_strict", "-crl_check", "-purpose", purpose, "-CAfile", pki.ca,
         "-CRLfile", pki.folder / "crl.pem", pki.of(name).cert],
        check=False, capture_output=True,
    ).returncode == 0  # fmt: skip


def test_a_vantage_can_be_a_client_and_a_broker_can_be_a_server_and_neither_the_other(pki):
    pki.do("issue", "broker", "shiyan", "10.42.0.5", "broker.shiyan.example", "fd00::5")
    broker, vantage = read(pki.of("shiyan").cert), read(pki.of("dan").cert)
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uses = [one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value for one in (broker, vantage)]

    assert [name_of(broker), name_of(vantage)] == ["shiyan", "dan"]
    assert [list(use) for use in uses] == [
        [ExtendedKeyUsageOID.SERVER_AUTH],
        [ExtendedKeyUsageOID.CLIENT_AUTH],
    ]
    assert [str(name.value) for name in names] == ["10.42.0.5", "broker.shiyan.example", "fd00::5"]
    assert all(isinstance(one.public_key().curve, ec.SECP256R1) for one in (broker, vantage))
    assert good(pki, "dan")
    assert not good(pki, "dan", "sslserver")
    assert good(pki, "shiyan", "sslserver")
    assert not good(pki, "shiyan")


def test_keys_belong_to_their_certificates_and_nobody_else_can_read_anything(pki):
    key = subprocess.run(
        ["openssl", "pkey", "-in", pki.of("dan").key, "-pubout"], check=True, capture_output=True
    ).stdout
    certified = subprocess.run(
        ["openssl", "x509", "-in", pki.of("dan").cert, "-noout", "-pubkey"], check=True, capture_output=True
    ).stdout
    everything = [pki.folder, *pki.folder.rglob("*")]

    assert key == certified
    assert [path for path in everything if path.stat().st_mode & 0o077] == []


def test_what_is_done_already_is_not_done_again(pki):
    pki.do("issue", "broker", "shiyan", "fd00::5")
    before = contents(pki.folder)
    pki.do("init", NAME)
    pki.do("issue", "vantage", "dan")
    pki.do("issue", "broker", "shiyan", "fd00::5")

    assert contents(pki.folder) == before


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("init", "Another authority"), "has the authority"),
        (("issue", "vantage", "Dan"), "small letters"),
        (("issue", "vantage", "+"), "small letters"),
        (("issue", "vantage", "#"), "small letters"),
        (("issue", "vantage", "a/b"), "small letters"),
        (("issue", "vantage", "a\nb"), "small letters"),
        (("issue", "vantage", ""), "small letters"),
        (("issue", "vantage", "../dan"), "small letters"),
        (("issue", "vantage", "x" * 33), "more than 32"),
        (("issue", "vantage", "command-monitor-city"), "the program's own"),
        (("issue", "reader", "dan"), "a vantage already"),
        (("issue", "king", "duty"), "no kind"),
        (("issue", "vantage", "yun", "10.42.0.6"), "only a broker"),
        (("issue", "broker", "yun"), "at least one address"),
        (("issue", "broker", "yun", "*.example"), "neither an address nor a name"),
        (("issue", "broker", "yun", "a,IP:10.0.0.1"), "neither an address nor a name"),
        (("-n", "826", "renew", "dan"), "the most"),
        (("-n", "0", "renew", "dan"), "no number of days"),
        (("renew", "yun"), "nothing was ever issued"),
        (("revoke", "dan"), "cannot be undone"),
        (("revoke", "yun"), "nothing was ever issued"),
    ],
)
def test_what_is_dangerous_is_refused_with_a_word_and_changes_nothing(settled, words, why):
    before = contents(settled.folder)
    ended = settled.run(*words)

    assert ended.returncode == 1
    assert why in ended.stderr
    assert contents(settled.folder) == before


def test_it_does_not_work_where_a_broker_or_others_could_read_the_authoritys_key(pki):
    beside = Authority(Path("/etc/mosquitto/authority")).run("init", NAME)
    pki.folder.chmod(0o750)
    open_to_others = pki.run("list")

    assert (beside.returncode, open_to_others.returncode) == (1, 1)
    assert "no place among the files of a broker" in beside.stderr
    assert "chmod 700" in open_to_others.stderr
    assert not Path("/etc/mosquitto/authority").exists()


def test_two_at_once_do_not_harm_each_other(settled):
    with (settled.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ended = settled.run("issue", "vantage", "yun")

    assert "another certificates is at work" in ended.stderr


def test_a_renewed_certificate_has_a_new_key_and_the_one_before_holds_on(pki):
    before, key = read(pki.of("dan").cert), pki.of("dan").key.read_bytes()
    pki.do("-n", "500", "renew", "dan")
    after = read(pki.of("dan").cert)
    signed = (pki.folder / "signed").iterdir()
    old = next(path for path in signed if int(path.stem, 16) == before.serial_number)

    assert pki.of("dan").key.read_bytes() != key
    assert after.not_valid_after_utc > before.not_valid_after_utc
    assert good(pki, "dan")
    assert read(old) == before
    first, second = [row for row in rows(pki) if row[0] == "dan"]
    assert (first[4], second[4]) == ("replaced", "valid")
    assert first[2] in {"396", "397"}
    assert second[2] in {"499", "500"}  # of the second in which it is made a part is still left


def test_a_broker_is_renewed_for_its_addresses_or_for_others(pki):
    def addresses():
        found = read(pki.of("shiyan").cert).extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return [str(one.value) for one in found.value]

    pki.do("issue", "broker", "shiyan", "10.42.0.5", "fd00::5")
    pki.do("renew", "shiyan")
    same = addresses()
    refused = pki.run("issue", "broker", "shiyan", "10.42.0.6")
    pki.do("renew", "shiyan", "10.42.0.6")

    assert same == ["10.42.0.5", "fd00::5"]
    assert "renew shiyan" in refused.stderr
    assert addresses() == ["10.42.0.6"]


def test_revoking_ends_every_certificate_of_a_name_also_those_that_were_replaced(pki):
    pki.do("issue", "broker", "shiyan", "10.42.0.5")
    first = read(pki.of("dan").cert)
    pki.do("renew", "dan")
    second = read(pki.of("dan").cert)
    pki.do("-y", "revoke", "dan")
    revoked = x509.load_pem_x509_crl((pki.folder / "crl.pem").read_bytes())
    carried = (pki.folder / "issued" / "shiyan" / "crl.pem").read_bytes()

    assert {one.serial_number for one in revoked} == {first.serial_number, second.serial_number}
    assert carried == (pki.folder / "crl.pem").read_bytes()
    assert not pki.of("dan").key.exists()
    assert "issue it anew" in pki.run("renew", "dan").stderr
    assert "no valid certificate" in pki.do("revoke", "dan")
    pki.do("issue", "vantage", "dan")
    assert good(pki, "dan")


def test_the_list_of_revocations_lasts_as_long_as_the_authority_because_an_old_one_shuts_everybody_out(pki):
    pki.do("crl")
    crl = x509.load_pem_x509_crl((pki.folder / "crl.pem").read_bytes())
    ends = read(pki.ca).not_valid_after_utc

    assert abs((ends - crl.next_update_utc).days) <= 1


def test_the_list_tells_how_many_days_are_left(pki):
    pki.do("-n", "20", "issue", "vantage", "yun")
    pki.do("issue", "reader", "duty")
    pki.do("-y", "revoke", "duty")
    pki.sign("/OU=vantage/CN=old", ("-startdate", "20250101000000Z", "-enddate", "20260101000000Z"))
    told = {row[0] if row[0] != "-" else row[1]: row for row in rows(pki)}

    assert {name: row[4] for name, row in told.items()} == {
        "CA": "valid", "CRL": "valid", "dan": "valid", "yun": "soon", "duty": "revoked", "old": "expired",
    }  # fmt: skip
    assert (told["yun"][2], told["yun"][1]) == ("19", "vantage")
    assert int(told["old"][2]) < 0
    assert int(told["CA"][2]) in (3649, 3650)


def test_an_authority_that_ends_before_its_certificates_would_signs_nothing(tmp_path):
    pki = Authority(tmp_path / "authority")
    script = SCRIPT.read_text().replace("AUTHORITY_DAYS=3650", "AUTHORITY_DAYS=300")
    short = tmp_path / "certificates"
    short.write_text(script)
    subprocess.run(["sh", short, "-d", pki.folder, "init", NAME], check=True, capture_output=True)
    ended = pki.run("issue", "vantage", "dan")

    assert "change it first" in ended.stderr
    assert not (pki.folder / "issued" / "dan").exists()


def test_with_a_passphrase_the_authoritys_key_is_of_no_use_without_it(tmp_path):
    pki = Authority(tmp_path / "authority")
    known = {"CA_PASSPHRASE": "correct horse"}
    pki.do("init", NAME, **known)
    wrong = pki.run("issue", "vantage", "dan", **dict.fromkeys(known, "wrong horse"))
    nothing = (pki.folder / "issued" / "dan").exists()
    pki.do("issue", "vantage", "dan", **known)

    assert wrong.returncode == 1
    assert "this step changed nothing" in wrong.stderr
    assert not nothing
    assert "ENCRYPTED" in (pki.folder / "ca.key").read_text()
    assert "ENCRYPTED" not in pki.of("dan").key.read_text()


def test_what_was_cut_short_is_done_when_it_is_asked_for_again(pki):
    shutil.rmtree(pki.folder / "issued" / "dan")  # as if the machine had stopped after the signature
    pki.do("issue", "vantage", "dan")

    assert good(pki, "dan")


@pytest.mark.parametrize(
    ("language", "words"), [("zh_CN.UTF-8", "签发证书"), ("en_US.UTF-8", "signing"), ("", "签发证书")]
)
def test_it_says_each_step_in_the_language_of_the_operator(pki, language, words):
    said = pki.run("renew", "dan", language=language).stdout

    assert words in said
    assert str(pki.of("dan").cert.parent) in said


@pytest.mark.parametrize(
    "words", [(), ("issue", "vantage"), ("init",), ("list", "x"), ("burn", "x"), ("-x",)]
)
def test_wrong_usage_is_answered_with_the_usage(settled, words):
    ended = settled.run(*words)

    assert ended.returncode == 2
    assert "issue broker NAME ADDRESS" in ended.stderr


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
def test_the_script_is_sound_posix_shell_and_may_be_run():
    ended = subprocess.run([SHELLCHECK, "-s", "sh", SCRIPT], check=False, capture_output=True, text=True)

    assert ended.stdout == ""
    assert os.access(SCRIPT, os.X_OK)
