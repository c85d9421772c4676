"""deploy/mosquitto: what a reload and a restart bring into force: revocations, another authority."""

import asyncio
import signal
import ssl

import pytest

from monitor.kit.mqtt import Message, Tls
from tests.deploy.mosquitto_ground import Authority, authority, deployed, knock
from tests.kit.mqtt_ground import broker as at
from tests.kit.mqtt_ground import held
from tests.mosquitto import needs_mosquitto

pytestmark = [pytest.mark.server, needs_mosquitto]

OWN = "command/v1/vantage/dan/daemon"


@pytest.fixture
def vouching(tmp_path):
    return authority(tmp_path / "authority", "dan")


def who(vouching, name, ca=None):
    """Return how *name* proves who it is, and whom it trusts."""
    pair = vouching.of(name)
    context = ssl.create_default_context(cafile=ca or vouching.ca)
    context.load_cert_chain(pair.cert, pair.key)
    return context


async def reload(broker):
    """Have it reload; it does nothing else until that is done."""
    before = broker.log().count("Reloading config")
    broker.send(signal.SIGHUP)
    async with asyncio.timeout(10):
        while broker.log().count("Reloading config") == before:
            await asyncio.sleep(0.01)


async def test_after_a_reload_a_revoked_certificate_is_refused_and_a_restart_ends_what_stands(
    tmp_path, vouching
):
    vouching.do("issue", "vantage", "yun")
    async with deployed(tmp_path / "broker", vouching) as broker:
        kept = {n: (vouching.folder / "issued" / "dan" / f"{n}.pem").read_bytes() for n in ("cert", "key")}
        async with held(at(broker.port, tls=Tls(**vouching.tls("dan")))) as dan:
            session = await dan.session()
            vouching.do("-y", "revoke", "dan")
            vouching.of("dan").cert.parent.mkdir()
            for name, content in kept.items():
                (vouching.folder / "issued" / "dan" / f"{name}.pem").write_bytes(content)
            broker.carry(vouching)
            await reload(broker)
            refused = not await asyncio.to_thread(knock, broker.port, who(vouching, "dan"), "will", "")
            others = await asyncio.to_thread(knock, broker.port, who(vouching, "yun"), "will", "")
            await session.publish(Message(OWN, b"still here"))
            stands = list(dan.troubles)

            broker.stop()
            await broker.start()
            told = await dan.trouble("revoked")

    assert (refused, others, stands) == (True, True, [])
    assert told == "the broker says that our certificate is revoked"


async def test_an_authority_is_changed_without_anybody_being_shut_out_before_the_end(tmp_path, vouching):
    new = Authority(tmp_path / "new")
    new.do("init", "Test authority 2036")
    new.do("issue", "broker", "broker", "127.0.0.1")
    new.do("issue", "vantage", "dan")
    both = tmp_path / "both.pem"
    both.write_bytes(vouching.ca.read_bytes() + new.ca.read_bytes())
    clients = {
        "old": who(vouching, "dan"),
        "old, trusts both": who(vouching, "dan", both),
        "new, trusts both": who(new, "dan", both),
        "new": who(new, "dan"),
    }

    async def let_in():
        tried = {
            n: await asyncio.to_thread(knock, broker.port, one, "will", "") for n, one in clients.items()
        }
        return [name for name, welcome in tried.items() if welcome]

    async with deployed(tmp_path / "broker", vouching) as broker:
        certs = broker.etc / "certs"
        stages = [await let_in()]
        (certs / "ca.pem").write_bytes(both.read_bytes())
        crls = [(one.folder / "crl.pem").read_bytes() for one in (vouching, new)]
        (certs / "crl.pem").write_bytes(b"".join(crls))
        await reload(broker)
        stages.append(await let_in())
        for name in ("cert.pem", "key.pem"):
            (certs / name).write_bytes((new.folder / "issued" / "broker" / name).read_bytes())
        await reload(broker)
        stages.append(await let_in())
        broker.carry(new)
        await reload(broker)
        stages.append(await let_in())

    assert stages == [
        ["old", "old, trusts both"],
        ["old", "old, trusts both", "new, trusts both"],
        ["old, trusts both", "new, trusts both", "new"],
        ["new, trusts both", "new"],
    ]
