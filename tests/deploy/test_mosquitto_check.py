"""deploy/mosquitto/check: no mistake reaches a running broker, which may take it for a permission."""

import asyncio
import re
import signal
import ssl
import subprocess

import pytest

from monitor.kit.mqtt import Message, Refused, Tls
from tests.deploy.mosquitto_ground import SHIPPED, Deployed, authority, knock
from tests.kit.mqtt_ground import broker as at
from tests.kit.mqtt_ground import held
from tests.mosquitto import needs_mosquitto

pytestmark = [pytest.mark.server, needs_mosquitto]

CHECK = SHIPPED / "check"
CONF = "conf.d/command-monitor.conf"
ACL = "command-monitor.acl"
OTHERS = "command/v1/vantage/yun/daemon"


@pytest.fixture(scope="module")
def vouching(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("pki") / "authority", "dan")


@pytest.fixture
async def broker(vouching, tmp_path):
    it = Deployed(tmp_path, ())
    it.install(vouching)
    await it.start()
    yield it
    it.kill()


def check(broker):
    main = broker.folder / "mosquitto.conf"
    return subprocess.run(["sh", CHECK, main], check=False, capture_output=True, text=True, timeout=30)


def harm(broker, name, text):
    """Replace a file by *text*, add to it what begins with +, or take it away."""
    file = broker.etc / name
    if text is None:
        file.unlink()
    elif text.startswith("+"):
        file.write_text(f"{file.read_text()}\n{text[1:]}\n")
    else:
        file.write_text(text)


def test_the_shipped_files_pass_and_the_running_broker_is_not_disturbed(broker):
    ended = check(broker)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert broker.process.poll() is None
    assert "Reloading" not in broker.log()


def test_the_shipped_files_are_taken_without_a_word_of_complaint(broker):
    broker.stop()
    before, running, _ = broker.log().partition("running")
    complaints = [
        line for line in before.splitlines() if re.search("error|warning|unable", line, re.IGNORECASE)
    ]

    assert running
    assert [line for line in complaints if "should not be run as root" not in line] == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (CONF, "+no_such_option true", "no_such_option"),
        (CONF, "+topic x", "bridge"),
        (ACL, None, "acl_file"),
        (ACL, "user city\nallow everything\n", "acl_file"),
        ("certs/crl.pem", None, "revocation"),
        ("certs/crl.pem", "garbage", "revocation"),
        ("certs/ca.pem", "garbage", "CA certificates"),
        ("certs/cert.pem", None, "server certificate"),
        ("certs/key.pem", "garbage", "key file"),
    ],
)
def test_a_mistake_fails_the_check_and_the_start(vouching, tmp_path, name, text, words):
    broker = Deployed(tmp_path, ())
    broker.install(vouching)
    harm(broker, name, text)
    with pytest.raises(RuntimeError, match=f"Error(?s:.)*{words}"):
        asyncio.run(broker.start())
    ended = check(broker)

    assert ended.returncode == 1
    assert words in ended.stderr
    assert "not reloaded" in ended.stderr


def test_a_list_of_revocations_that_has_run_out_starts_but_shuts_everybody_out_and_fails_the_check(
    vouching, tmp_path
):
    broker = Deployed(tmp_path, ())
    broker.install(vouching)
    dates = ("-crl_lastupdate", "20250101000000Z", "-crl_nextupdate", "20260101000000Z")
    vouching.openssl("ca", "-gencrl", *dates, "-out", broker.etc / "certs" / "crl.pem")
    asyncio.run(broker.start())
    context = ssl.create_default_context(cafile=vouching.ca)
    context.load_cert_chain(vouching.of("dan").cert, vouching.of("dan").key)
    try:
        welcome = knock(broker.port, context, "will", "")
        ended = check(broker)
    finally:
        broker.kill()

    assert not welcome
    assert ended.returncode == 1
    assert "crl.pem ran out on Jan  1" in ended.stderr


async def test_without_the_check_a_reload_with_a_broken_acl_opens_the_broker_to_all_with_a_certificate(
    broker, vouching
):
    async with held(at(broker.port, tls=Tls(**vouching.tls("dan")))) as dan:
        session = await dan.session()
        with pytest.raises(Refused):
            await session.publish(Message(OTHERS, b"1"))
        harm(broker, ACL, None)
        refused = check(broker).returncode
        broker.send(signal.SIGHUP)
        async with asyncio.timeout(10):
            while "Error opening acl file" not in broker.log():
                await asyncio.sleep(0.02)
        await session.publish(Message(OTHERS, b"1"))

    assert refused == 1


def test_systemd_checks_before_it_reloads():
    unit = (SHIPPED / "mosquitto.service.d" / "command-monitor.conf").read_text()

    assert re.findall(r"^ExecReload=(.*)$", unit, re.MULTILINE) == [
        "",
        "/usr/local/sbin/mosquitto-check",
        "/bin/kill -HUP $MAINPID",
    ]
