"""mqtt over TLS: who is who is proved both ways, and a rejection is told as one."""

import asyncio
import time
from datetime import timedelta

import pytest

from monitor.kit.mqtt import DAY, Lost, Message, Tls, ends_soon
from monitor.kit.mqtt.tls import load
from tests.authority import Authority
from tests.kit.mqtt_ground import broker, held
from tests.mosquitto import mosquitto, needs_mosquitto


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def secured(authority, **dates):
    """Return the configuration of a broker that wants a certificate from everybody."""
    pair = authority.issue("broker", **dates)
    return (
        f"cafile {authority.file}",
        f"certfile {pair.cert}",
        f"keyfile {pair.key}",
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
        "tls_version tlsv1.3",
    )


def known(server, authority, pair, **more):
    paths = (authority.file, pair.cert, pair.key) if pair else (authority.file,)
    return broker(server.port, tls=Tls(*map(str, paths)), **more)


@pytest.mark.server
@needs_mosquitto
async def test_both_prove_who_they_are(tmp_path, authority):
    async with (
        mosquitto(tmp_path, *secured(authority)) as server,
        held(known(server, authority, authority.issue("city"))) as ours,
    ):
        session = await ours.session()
        for _ in range(50):
            await session.publish(Message("a", b"x" * 30_000))
        days = (ours.connection.certificate_ends - time.time()) / DAY

    assert days == pytest.approx(90, abs=0.01)
    assert "u'city'" in server.log() or "(p5, c0, k2, u'city')" in server.log()


@pytest.mark.server
@needs_mosquitto
@pytest.mark.parametrize(
    ("whose", "words"),
    [
        pytest.param("nobody", "the broker wants a certificate from us", id="none"),
        pytest.param("old", "our certificate has expired", id="expired"),
        pytest.param("foreign", "does not trust the issuer of our certificate", id="another-authority"),
        pytest.param("namesake", "another issuer of the same name", id="another-authority-of-that-name"),
    ],
)
async def test_a_rejected_certificate_is_told_as_such(tmp_path, authority, whose, words):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pair = {
        "nobody": lambda: None,
        "old": lambda: authority.issue("old", ends=timedelta(minutes=-1)),
        "foreign": lambda: Authority(tmp_path, "someone else").issue("foreign"),
        "namesake": lambda: Authority(elsewhere).issue("city"),
    }[whose]()
    async with (
        mosquitto(tmp_path, *secured(authority)) as server,
        held(known(server, authority, pair)) as ours,
    ):
        told = await ours.trouble()

    assert words in told
    assert ours.sessions == []


@pytest.mark.server
@needs_mosquitto
@pytest.mark.parametrize(
    ("dates", "other", "words"),
    [
        pytest.param({}, True, "certificate in certificate chain", id="another-authority"),
        pytest.param({"ends": timedelta(minutes=-1)}, False, "certificate has expired", id="expired"),
        pytest.param(
            {"begins": timedelta(hours=1)}, False, "certificate is not yet valid", id="not-yet-valid"
        ),
    ],
)
async def test_a_broker_whose_certificate_is_not_good_is_not_talked_to(
    tmp_path, authority, dates, other, words
):
    trusted = Authority(tmp_path, "someone else") if other else authority
    async with (
        mosquitto(tmp_path, *secured(authority, **dates)) as server,
        held(known(server, trusted, authority.issue("city"))) as ours,
    ):
        told = await ours.trouble()

    assert told.startswith("TLS handshake: the broker's certificate is not to be trusted")
    assert words in told


@pytest.mark.server
@needs_mosquitto
async def test_a_broker_of_another_name_is_not_talked_to(tmp_path, authority):
    async with mosquitto(tmp_path, *secured(authority)) as server:

        async def resolve(_host):
            return ["127.0.0.1"]

        to = broker(server.port, tls=Tls(str(authority.file)))
        to = type(to)("elsewhere.example", **{f: getattr(to, f) for f in to.__slots__ if f != "host"})
        async with held(to, resolve=resolve) as ours:
            told = await ours.trouble()

    assert "Hostname mismatch" in told


@pytest.mark.server
@needs_mosquitto
async def test_a_port_without_tls_is_told_as_such(tmp_path, authority):
    async with mosquitto(tmp_path) as server, held(known(server, authority, None, timeout=1.0)) as ours:
        told = await ours.trouble()

    assert told.startswith("TLS handshake: ")


@pytest.mark.server
@needs_mosquitto
async def test_a_renewed_certificate_is_used_without_a_restart(tmp_path, authority):
    pair = authority.issue("city", ends=timedelta(minutes=-1))
    async with (
        mosquitto(tmp_path, *secured(authority)) as server,
        held(known(server, authority, pair)) as ours,
    ):
        await ours.trouble("our certificate has expired")
        authority.issue("city")
        session = await ours.session()
        await session.publish(Message("a", b"1"))

    assert session.accepted == 1


SOON = {"look_again": 0.05}


@pytest.mark.server
@needs_mosquitto
async def test_a_certificate_renewed_while_we_are_connected_comes_into_use_and_no_will_is_told(
    tmp_path, authority
):
    pair = authority.issue("city", ends=timedelta(days=5))
    async with (
        mosquitto(tmp_path, *secured(authority)) as server,
        held(known(server, authority, authority.issue("duty"), name="duty")) as duty,
        held(known(server, authority, pair), will=lambda: Message("will", b"dead"), **SOON) as ours,
    ):
        heard = []

        async def hear(delivery):
            heard.append(delivery.topic)
            duty.news.set()

        watching = await duty.session()
        await watching.subscribe("#", hear)
        await ours.session()
        before = ours.connection.certificate_ends
        authority.issue("city")
        session = await ours.session(2)
        await session.publish(Message("alive", b"1"))
        await duty.until(lambda: heard)

    assert heard == ["alive"]
    assert ours.troubles == ["other certificates were put in place: connecting anew with them"]
    assert ours.connection.certificate_ends > before + 80 * DAY


@pytest.mark.server
@needs_mosquitto
async def test_files_that_cannot_be_used_do_not_end_a_connection_that_stands(tmp_path, authority):
    pair, other = authority.issue("city"), authority.issue("other")
    key = pair.key.read_bytes()

    async def doubted(containing):
        async with asyncio.timeout(10):
            while containing not in ours.connection.certificate_doubt:
                await asyncio.sleep(0.01)

    async with (
        mosquitto(tmp_path, *secured(authority)) as server,
        held(known(server, authority, pair), **SOON) as ours,
    ):
        session = await ours.session()
        pair.key.write_bytes(other.key.read_bytes())
        await doubted("other certificates were put in place, but TLS files")
        pair.key.unlink()
        await doubted("No such file")
        authority.issue("city", begins=timedelta(days=-9), ends=timedelta(days=-2))
        await doubted("our own certificate ran out 2 days ago")
        await session.publish(Message("a", b"1"))
        assert ours.troubles == []
        authority.issue("city")
        await ours.session(2)

    assert ours.connection.certificate_doubt == ""
    assert key != pair.key.read_bytes()


def test_files_that_cannot_be_used_are_named(authority):
    pair, other = authority.issue("one"), authority.issue("two")

    with pytest.raises(Lost, match=r"nowhere\.pem"):
        load(Tls("/nowhere.pem"))
    with pytest.raises(Lost, match=r"(?i)key.values.mismatch"):
        load(Tls(str(authority.file), str(pair.cert), str(other.key)))


def test_a_key_with_a_passphrase_is_refused_instead_of_asking_the_terminal(authority):
    pair = authority.issue("one")
    pair.encrypt("secret")

    with pytest.raises(Lost, match="give one without a passphrase"):
        load(Tls(str(authority.file), str(pair.cert), str(pair.key)))


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (31, ""),
        (30, "our own certificate runs out in 30 days"),
        (0.4, "our own certificate runs out in 0 days"),
        (-3, "our own certificate ran out 3 days ago"),
    ],
)
def test_a_certificate_that_runs_out_is_told_of_thirty_days_before(days, words):
    assert ends_soon(1000 * DAY + days * DAY, 1000 * DAY) == words
