"""mqtt: a broker lets us in, sends a message round and says how old another is; refusals are told apart."""

import asyncio
import contextlib
import json
import socket
import subprocess
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.kit.moments import said_at
from monitor.kit.mqtt import Broker, Lost, Message, MqttError, Visit
from monitor.kit.sockets import Target
from monitor.kit.tcp import connect
from monitor.probes.mqtt import Options, probe
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.probes.children import program
from tests.probes.peers import peer, says

pytestmark = [pytest.mark.server, needs_mosquitto]
VERSIONS = ["5", "3.1.1"]


async def looked(port, **options):
    async with asyncio.timeout(10):
        return await probe(Options(host="127.0.0.1", port=port, **options))


@pytest.mark.parametrize("protocol", VERSIONS)
async def test_a_message_goes_round(tmp_path, protocol):
    async with mosquitto(tmp_path) as broker:
        finding = await looked(broker.port, topic="look/a", protocol=protocol)

    assert (finding.outcome, finding.detail) == (Outcome.OK, f"MQTT {protocol}")
    assert set(finding.values) == {"rtt", "welcome", "round_trip"}


@pytest.mark.parametrize("protocol", VERSIONS)
async def test_a_look_leaves_nothing_at_the_broker(tmp_path, protocol):
    async with mosquitto(tmp_path, "allow_anonymous true", "log_type all") as broker:
        await looked(broker.port, topic="look/a", protocol=protocol)
        kept = await looked(broker.port, retained="look/a", wait=0.2, protocol=protocol)

    assert kept.reason == "no_retained"
    assert ", c1, " in broker.log(), "the session was to be a clean one"
    assert ", c0, " not in broker.log()


def make_user(users):
    users.touch(mode=0o600)
    subprocess.run([program("mosquitto_passwd"), "-b", users, "monitor", "se cret"], check=True)


@contextlib.asynccontextmanager
async def guarded(folder):
    """Run a broker that lets in `monitor` alone, to topics below `look/`; give the password file, too."""
    users, acl, password = folder / "users", folder / "acl", folder / "password"
    make_user(users)
    acl.write_text("user monitor\ntopic readwrite look/#\n")
    password.write_text("se cret\n")
    lines = ("allow_anonymous false", f"password_file {users}", f"acl_file {acl}")
    async with mosquitto(folder, *lines) as broker:
        yield broker, str(password)


@pytest.mark.parametrize("protocol", VERSIONS)
async def test_who_may_is_let_in(tmp_path, protocol):
    async with guarded(tmp_path) as (broker, file):
        told = {"username": "monitor", "password_file": file, "topic": "look/a", "protocol": protocol}
        finding = await looked(broker.port, **told)

    assert finding.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        pytest.param({"protocol": "3.1.1"}, "not_authorized", id="nobody-3.1.1"),
        pytest.param({}, "not_authorized", id="nobody"),
        pytest.param({"username": "thief"}, "not_authorized", id="a-stranger"),
    ],
)
async def test_who_may_not_is_told_so(tmp_path, told, reason):
    async with guarded(tmp_path) as (broker, _):
        finding = await looked(broker.port, **told)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)


async def test_the_password_is_never_told(tmp_path):
    async with guarded(tmp_path) as (broker, file):
        (tmp_path / "password").write_text("wrong-canary")
        finding = await looked(broker.port, username="monitor", password_file=file)

    assert (finding.reason, finding.path_up) == ("not_authorized", True)
    assert "canary" not in str(finding)


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [pytest.param("5", "topic_refused", id="said-so"), pytest.param("3.1.1", "no_echo", id="without-a-word")],
)
async def test_a_topic_that_is_not_ours_is_a_failure(tmp_path, protocol, reason):
    async with guarded(tmp_path) as (broker, file):
        told = {"username": "monitor", "password_file": file, "topic": "siren/all", "wait": 0.3}
        finding = await looked(broker.port, protocol=protocol, **told)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)


async def keep(port, topic, payload):
    """Have a broker keep a message."""
    visit = Visit(Broker("127.0.0.1", port, "keeper", fresh=True))
    with contextlib.suppress(Lost):
        await visit.begin(await connect(Target("127.0.0.1", port)))
        done = asyncio.get_running_loop().create_future()
        visit._client.send(Message(topic, payload, retain=True), done.set_result)
        assert await done is None
        visit.leave()


@pytest.mark.parametrize(
    ("age", "outcome", "reason"),
    [
        pytest.param(5, Outcome.OK, "ok", id="young"),
        pytest.param(100, Outcome.OK, "age", id="poor"),
        pytest.param(1000, Outcome.FAILED, "age", id="old"),
    ],
)
async def test_the_age_of_a_retained_message_is_judged(tmp_path, age, outcome, reason):
    async with mosquitto(tmp_path) as broker:
        await keep(broker.port, "status/a", json.dumps({"at": time.time() - age}).encode())
        finding = await looked(broker.port, retained="status/a", warn_age=60, max_age=300)

    assert (finding.outcome, finding.reason, finding.path_up) == (outcome, reason, True)
    assert finding.values["age"] == pytest.approx(age, abs=5)


async def test_a_message_without_a_time_is_a_failure_if_its_age_is_asked_for(tmp_path):
    async with mosquitto(tmp_path) as broker:
        await keep(broker.port, "status/a", b'{"at": "soon\x1b[2J"}')
        there = await looked(broker.port, retained="status/a")
        aged = await looked(broker.port, retained="status/a", max_age=60)

    assert there.outcome is Outcome.OK
    assert (aged.outcome, aged.reason, aged.path_up) == (Outcome.FAILED, "bad_payload", True)
    assert aged.detail.isprintable()


async def test_tls_and_our_own_certificate(tmp_path, authority):
    server, client = authority.issue(), authority.issue("monitor")
    lines = [f"cafile {authority.file}", f"certfile {server.cert_file}", f"keyfile {server.key_file}"]
    lines += ["require_certificate true", "allow_anonymous true"]
    ours = {"cert_file": str(client.cert_file), "key_file": str(client.key_file)}
    async with mosquitto(tmp_path, *lines) as broker:
        good = await looked(broker.port, tls=True, ca_file=str(authority.file), topic="look/a", **ours)
        nobody = await looked(broker.port, tls=True, ca_file=str(authority.file))
        stranger = await looked(broker.port, tls=True, **ours)
        plain = await looked(broker.port)

    assert good.outcome is Outcome.OK
    assert good.values["tls"] > 0
    assert (nobody.reason, "wants a certificate" in nobody.detail) == ("lost", True)
    assert (stranger.reason, stranger.path_up) == ("certificate_unknown_ca", True)
    assert plain.reason in {"lost", "reset"}


async def test_files_that_cannot_be_read_are_our_own_trouble(tmp_path):
    password = await looked(9, username="x", password_file=str(tmp_path / "none"))
    ca = await looked(9, tls=True, ca_file=str(tmp_path / "none"))

    assert (password.outcome, password.reason) == (Outcome.UNKNOWN, "no_secret_file")
    assert (ca.outcome, ca.reason) == (Outcome.UNKNOWN, "no_ca_file")


# Brokers that err or lie.


def connack(code, properties=b"\0"):
    return bytes([0x20, 2 + len(properties), 0, code]) + properties


@pytest.mark.parametrize(
    ("protocol", "answer", "reason"),
    [
        pytest.param("5", connack(0), "ok", id="let-in"),
        pytest.param("5", connack(0x84), "protocol_version", id="version"),
        pytest.param("5", connack(0x85), "bad_client_id", id="client-id"),
        pytest.param("5", connack(0x86), "bad_login", id="login"),
        pytest.param("5", connack(0x87), "not_authorized", id="not-authorized"),
        pytest.param("5", connack(0x88), "unavailable", id="unavailable"),
        pytest.param("5", connack(0x89), "unavailable", id="busy"),
        pytest.param("5", connack(0x8A), "not_authorized", id="banned"),
        pytest.param("5", connack(0x9C), "moved", id="moved"),
        pytest.param("5", connack(0x95), "connect_refused", id="another"),
        pytest.param("3.1.1", b"\x20\2\0\0", "ok", id="old-let-in"),
        pytest.param("3.1.1", b"\x20\2\0\1", "lost", id="even-older"),
        pytest.param("3.1.1", b"\x20\2\0\2", "bad_client_id", id="old-client-id"),
        pytest.param("3.1.1", b"\x20\2\0\3", "unavailable", id="old-unavailable"),
        pytest.param("3.1.1", b"\x20\2\0\4", "bad_login", id="old-login"),
        pytest.param("3.1.1", b"\x20\2\0\5", "not_authorized", id="old-not-authorized"),
        pytest.param("5", b"", "lost", id="hung-up"),
        pytest.param("5", b"\x20", "lost", id="cut-short"),
        pytest.param("5", connack(0x01), "protocol_version", id="of-an-old-broker"),
        pytest.param("5", b"HTTP/1.1 400 Bad Request\r\n\r\n", "lost", id="another-protocol"),
        pytest.param("5", b"\x20\xff\xff\xff\x7f" + b"x" * 1000, "lost", id="a-huge-packet"),
    ],
)
async def test_what_the_broker_answers_is_told_apart(protocol, answer, reason):
    async with peer(says(lambda _: answer)) as one:
        finding = await looked(one.port, protocol=protocol)

    assert (finding.reason, finding.path_up) == (reason, True)


async def test_a_broker_that_talks_without_end_is_not_listened_to():
    async def behave(one, reader, writer):
        await reader.read(4096)
        await one.say(writer, connack(0))
        while True:
            await one.say(writer, b"\x30\x07\0\4look" + b"\0" + b"\xd0\0" * 500)

    async with peer(behave) as one:
        finding = await looked(one.port, topic="look")
        sent = one.sent

    assert (finding.reason, finding.detail) == ("lost", "the broker says too much")
    assert sent < 8_000_000


# Whatever comes.

PIECES = [
    connack(0), connack(0x87), connack(0, b"\3\x21\0\x14"), b"\x20\2\0\0", b"\x90\4\0\1\0\1", b"\x90\3\0\1\1",
    b"\x40\2\0\2", b"\x40\4\0\2\x87\0", b"\x30\x07\0\4look\0", b"\x32\x0a\0\4look\0\1\0x", b"\x36\x05\0\3a/b",
    b"\xd0\0", b"\xe0\2\x8e\0", b"\xf0\0", b"\xff\xff\xff\xff\x7f", b"\0\0", b"\x30\0",
    b"\x31\x06\0\4\xff\xfe\xfd\xfc",
    b"\x32\x04\0\xffab", b"\x20\x05\0\0\2\x27\0",
]  # fmt: skip
talk = st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=12).map(b"".join)


async def held(words, protocol):
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)  # noqa: FBT003 - the standard library's own
        theirs.sendall(words)
        theirs.shutdown(socket.SHUT_WR)
        visit = Visit(Broker("127.0.0.1", 1, "look", protocol=protocol, fresh=True))
        with contextlib.suppress(MqttError):
            async with asyncio.timeout(5):
                welcome = await visit.begin(ours)
                assert 0 <= welcome.code <= 0xFF
                if not welcome.code:
                    await visit.echo("look")
        visit.leave()


@settings(max_examples=500, deadline=None, derandomize=True)
@given(words=talk, protocol=st.sampled_from(VERSIONS))
async def test_nothing_that_is_said_breaks_a_visit(words, protocol):
    await held(words, protocol)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, derandomize=True)
@given(words=talk, protocol=st.sampled_from(VERSIONS))
async def test_nothing_of_ten_thousand_breaks_a_visit(words, protocol):
    await held(words, protocol)


NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "at"),
    [
        pytest.param(json.dumps({"at": NOON.timestamp()}), NOON.timestamp(), id="unix-time"),
        pytest.param(json.dumps({"at": NOON.isoformat()}), NOON.timestamp(), id="iso-8601"),
        pytest.param('{"at": "2026-11-28T20:00:00+08:00"}', NOON.timestamp(), id="with-its-offset"),
        pytest.param("1795867200.5", 1795867200.5, id="the-number-alone"),
        pytest.param('{"at": "2026-11-28T12:00:00"}', None, id="no-offset"),
        pytest.param('{"at": true}', None, id="no-time"),
        pytest.param('{"at": NaN}', None, id="no-number"),
        pytest.param('{"at": 1' + "0" * 400 + "}", None, id="a-number-too-far"),
        pytest.param('{"at": 1' + "0" * 5000 + "}", None, id="a-number-too-long"),
        pytest.param("[" * 100_000, None, id="too-deep"),
        pytest.param("{}", None, id="no-such-key"),
        pytest.param("\xff\x00", None, id="no-json"),
    ],
)
def test_the_time_that_a_message_says_is_understood(payload, at):
    assert said_at(payload.encode(), "at") == at


@given(payload=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_payload_breaks_the_reading_of_its_time(payload):
    assert said_at(payload, "at") is None or isinstance(said_at(payload, "at"), float)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"password_file": "x"}, "needs username"),
        ({"ca_file": "x"}, "tls is needed"),
        ({"tls": True, "cert_file": "x"}, "need each other"),
        ({"max_age": 5}, "retained is needed"),
        ({"topic": "a/#"}, "one topic"),
        ({"retained": "a//b"}, "one topic"),
        ({"protocol": 4}, "protocol"),
        ({"password": "x"}, "password"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", **given})
