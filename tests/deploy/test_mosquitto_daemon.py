"""deploy/mosquitto: daemons work over the shipped files, and say in words when they are shut out."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.mosquitto_ground import Authority, Deployed, authority, deployed
from tests.lab.ledger import compare, entries
from tests.listener import Listener, listening
from tests.mosquitto import needs_mosquitto
from tests.system.daemon import Daemon, broker_at, daemon
from tests.system.ear import needs_sub
from tests.system.lives import DETECTION
from tests.system.town import town

pytestmark = [pytest.mark.server, needs_mosquitto, needs_sub]

ROOT = "command/v1"
REPORT = "report/city"
FOR_CONSUMERS = {"status", "event", "daemon"}
"""Trees from which a reader hears something while nothing is broken."""


@dataclass
class Site:
    """A broker with the shipped files, a city daemon beside it, a county daemon, and the duty room."""

    folder: Path
    vouching: Authority
    broker: Deployed
    city: Daemon
    county: Daemon
    duty: Listener

    def carry(self, name):
        """Carry what was issued to *name* to its machine."""
        carried(self.folder, self.vouching, name)

    async def agent_is(self, **wanted):
        """Wait until the city says all of this of the county's daemon."""

        async def said():
            agents = (await self.city.status())["agents"]
            return agents and wanted.items() <= agents[0].items()

        await self.city.until(said)

    async def gathered(self, after=0):
        """Wait until the city has all that the county has recorded, and more than *after* of it."""

        async def complete():
            own = entries(self.county.folder / "state" / "log-dan.db", "dan")
            copies = entries(self.city.folder / "state" / "log-city.db", "dan")
            return (own, copies) if len(own) == len(copies) > after else None

        return await self.city.until(complete)

    @property
    def read(self):
        """The trees from which the duty room has heard something."""
        return {heard.topic.split("/")[2] for heard in self.duty.heard}

    async def condition(self):
        """Return trouble and failures of everything that talks to the broker."""
        both = [(await one.status())["vitals"]["outputs"] for one in (self.county, self.city)]
        ours = (REPORT, "mqtt", "collect")
        return {n: (o["trouble"], o["failed"]) for outputs in both for n, o in outputs.items() if n in ours}

    async def trouble(self, one, name):
        """Return what a daemon says is wrong with one of its outputs."""
        return (await one.status())["vitals"]["outputs"][name]["trouble"]

    async def silent_about_certificates(self):
        return await self.trouble(self.county, REPORT) == ""

    async def report_says(self, words):
        async def said():
            return words in await self.trouble(self.county, REPORT)

        await self.county.until(said)


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
    """Run all of it until everybody knows of each other and all is up."""
    for name in ("broker", "city", "dan"):
        (folder / name).mkdir()
    flags = {"ca": "--cafile", "cert": "--cert", "key": "--key"}
    options = [part for key, path in vouching.tls("duty").items() for part in (flags[key], path)]
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        built = await enter(town(folder, counties=["dan"]))
        broker = await enter(deployed(folder / "broker", vouching))
        duty = await enter(listening(broker.port, f"{ROOT}/#", options=(*options, "-i", "duty")))
        mqtt = broker_at(broker.inner, keepalive=1, tls=carried(folder, vouching, "city"))
        city = await enter(daemon(folder / "city", built.file, mqtt=mqtt, collect=True, detection=DETECTION))
        reports = {"city": broker_at(broker.port, keepalive=1, tls=carried(folder, vouching, "dan"))}
        county = await enter(
            daemon(folder / "dan", built.file, vantage="dan", reports=reports, detection=DETECTION)
        )
        it = Site(folder, vouching, broker, city, county, duty)
        await it.agent_is(presence="online", backlog=0)
        yield it


async def test_all_works_over_the_shipped_files_until_the_county_is_revoked_and_again_with_a_new_certificate(
    tmp_path, vouching
):
    async with site(tmp_path, vouching) as it:
        await it.city.all_are("up")
        await it.gathered()
        await it.duty.until(lambda _: f"{ROOT}/status/dan/circuit/city/primary" in it.duty.retained())
        await it.duty.until(lambda _: it.read >= FOR_CONSUMERS)
        working = await it.condition()

        vouching.do("-y", "revoke", "dan")
        it.broker.carry(vouching)
        it.broker.stop()
        await it.broker.start()
        await it.report_says("the broker says that our certificate is revoked")
        await it.agent_is(presence="silent")
        away = it.county.told("report.away")
        before = len(entries(it.city.folder / "state" / "log-city.db", "dan"))
        await it.county.end()
        await it.county.start()
        await it.report_says("the broker says that our certificate is revoked")

        vouching.do("issue", "vantage", "dan")
        it.carry("dan")
        await it.agent_is(presence="online", backlog=0)
        found = await it.gathered(after=before)

    assert working == {REPORT: ("", 0), "mqtt": ("", 0), "collect": ("", 0)}
    assert it.read <= FOR_CONSUMERS | {"network", "incident"}
    assert any("revoked" in record["reason"] for record in away)
    assert compare(*found).blemishes == ()


@pytest.mark.long
async def test_a_renewed_certificate_is_in_use_within_a_minute_without_a_restart(tmp_path, vouching):
    vouching.do("-n", "20", "renew", "dan")
    async with site(tmp_path, vouching) as it:
        await it.report_says("our own certificate runs out in 20 days")
        vouching.do("renew", "dan")
        it.carry("dan")
        await it.county.until(it.silent_about_certificates, patience=60)
        await it.agent_is(presence="online", backlog=0)
        away = it.county.told("report.away")
        log = entries(it.city.folder / "state" / "log-city.db", "city")
        told = [event.data["what"] for event in log if event.kind == "daemon"]

    assert [one["reason"] for one in away] == [
        "other certificates were put in place: connecting anew with them"
    ]
    assert "agent_silent" not in told
