"""deploy/mosquitto: daemons work over the shipped files, and say in words when they are shut out."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.daemons import REPORT, Pair, both
from tests.deploy.mosquitto_ground import Authority, Deployed, authority, deployed
from tests.lab.ledger import compare, entries
from tests.listener import Listener, listening
from tests.mosquitto import needs_mosquitto
from tests.system.ear import needs_sub

pytestmark = [pytest.mark.server, needs_mosquitto, needs_sub]

ROOT = "command/v1"
FOR_CONSUMERS = {"status", "event", "daemon"}
"""Trees from which a reader hears something while nothing is broken."""


@dataclass
class Site:
    """A broker with the shipped files, two daemons, and the duty room."""

    folder: Path
    vouching: Authority
    broker: Deployed
    pair: Pair
    duty: Listener

    def carry(self, name):
        """Carry what was issued to *name* to its machine."""
        carried(self.folder, self.vouching, name)

    @property
    def read(self):
        """The trees from which the duty room has heard something."""
        return {heard.topic.split("/")[2] for heard in self.duty.heard}


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    it = authority(tmp_path_factory.mktemp("pki") / "authority", "city", "dan")
    it.do("issue", "reader", "duty")
    return it


@pytest.fixture
def vouching(pki, tmp_path):
    """Return an authority of the test's own."""
    return Authority(shutil.copytree(pki.folder, tmp_path / "authority"))


def carried(folder, vouching, name):
    """Carry what was issued to *name* to its machine; return the section `tls` of its settings."""
    place = folder / f"tls-{name}"
    shutil.copytree(vouching.folder / "issued" / name, place, dirs_exist_ok=True)
    return {what: str(place / f"{what}.pem") for what in ("ca", "cert", "key")}


@contextlib.asynccontextmanager
async def site(folder, vouching):
    """Run all of it."""
    (folder / "broker").mkdir()
    tls = {name: carried(folder, vouching, name) for name in ("city", "dan", "duty")}
    flags = {"ca": "--cafile", "cert": "--cert", "key": "--key"}
    options = [part for key, path in tls["duty"].items() for part in (flags[key], path)]
    async with (
        deployed(folder / "broker", vouching) as broker,
        listening(broker.port, f"{ROOT}/#", options=(*options, "-i", "duty")) as duty,
        both(
            folder,
            mqtt={"port": broker.inner, "tls": tls["city"]},
            report={"port": broker.port, "tls": tls["dan"]},
        ) as pair,
    ):
        yield Site(folder, vouching, broker, pair, duty)


async def test_all_works_over_the_shipped_files_until_the_county_is_revoked_and_again_with_a_new_certificate(
    tmp_path, vouching
):
    async with site(tmp_path, vouching) as it:
        pair = it.pair
        await it.duty.until(lambda _: f"{ROOT}/status/dan/circuit/city/primary" in it.duty.retained())
        await it.duty.until(lambda _: it.read >= FOR_CONSUMERS)
        working = await pair.condition()

        vouching.do("-y", "revoke", "dan")
        it.broker.carry(vouching)
        it.broker.stop()
        await it.broker.start()
        await pair.report_says("the broker says that our certificate is revoked")
        await pair.agent_is(presence="silent")
        away = pair.county.told("report.away")
        before = len(pair.copies())
        await pair.county.end()
        await pair.county.start()
        await pair.report_says("the broker says that our certificate is revoked")

        vouching.do("issue", "vantage", "dan")
        it.carry("dan")
        await pair.agent_is(presence="online", backlog=0)
        found = await pair.gathered(after=before)

    assert working == {REPORT: ("", 0), "mqtt": ("", 0), "collect": ("", 0)}
    assert it.read <= FOR_CONSUMERS | {"network", "incident"}
    assert any("revoked" in record["reason"] for record in away)
    assert compare(*found).blemishes == ()


@pytest.mark.long
async def test_a_renewed_certificate_is_in_use_within_a_minute_without_a_restart(tmp_path, vouching):
    vouching.do("-n", "20", "renew", "dan")
    async with site(tmp_path, vouching) as it:
        pair = it.pair
        await pair.report_says("our own certificate runs out in 20 days")
        vouching.do("renew", "dan")
        it.carry("dan")
        await pair.report_says("")
        await pair.agent_is(presence="online", backlog=0)
        away = pair.county.told("report.away")
        log = entries(pair.city.folder / "state" / "log-city.db", "city")
        told = [event.data["what"] for event in log if event.kind == "daemon"]

    words = "other certificates were put in place: connecting anew with them"
    assert [one["reason"] for one in away] == [words]
    assert "agent_silent" not in told
