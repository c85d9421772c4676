"""The simulated city: what is declared answers on loopback, and a fault is silence."""

import asyncio
import ipaddress
import time

import pytest

from monitor.core.observation import Outcome
from monitor.errors import MonitorError
from monitor.simulator.city import City
from monitor.simulator.faults import CUT, DEAF, MUTE, WHOLE, Step, late, loss, outage
from tests.simulator.declared import KINDS, inventory, seen

PRIMARY, BACKUP = "danjiangkou/city/primary", "danjiangkou/city/backup"
VIDEO = "danjiangkou/video"
ENDS = ("near", "far", "anchor")
"""What is looked at over a circuit."""


@pytest.fixture
async def city():
    async with City(inventory(), KINDS) as opened:
        yield opened


def looks(city):
    """Give every look of the city, by the path of its subject and its name."""
    found = {f"network/{key}": network.look for key, network in city.inventory.networks.items()}
    for path, circuit in city.inventory.circuits.items():
        found |= {f"{path}/near": circuit.near_look, f"{path}/far": circuit.far_look}
        found[f"{path}/anchor"] = circuit.anchor_look
    for path, device in city.inventory.devices.items():
        found |= {f"{path}/{look.name}": look for look in device.looks}
    return found


async def silent(city):
    """Look at everything at once, and say which looks came to nothing."""
    asked = looks(city)
    findings = await asyncio.gather(*map(seen, asked.values()))
    return {name for name, finding in zip(asked, findings, strict=True) if finding.outcome is not Outcome.OK}


async def reason(city, name):
    return (await seen(looks(city)[name])).reason


async def test_everything_that_is_declared_answers(city):
    assert await silent(city) == set()


async def test_it_stands_on_loopback_alone_and_no_address_is_used_twice(city):
    declared = city.inventory
    addresses = [network.anchor for network in declared.networks.values()]
    addresses += [end for circuit in declared.circuits.values() for end in (circuit.near, circuit.far)]
    addresses += [device.address for device in declared.devices.values()]

    assert all(ipaddress.ip_address(address).is_loopback for address in addresses)
    assert len(set(addresses)) == len(addresses)


async def test_it_keeps_names_and_rhythm_and_pins_nothing(city):
    circuit = city.inventory.circuits[PRIMARY]

    assert list(city.inventory.circuits) == list(inventory().circuits)
    assert (circuit.near_look.name, circuit.near_look.period) == ("icmp", 1.0)
    assert (circuit.source, circuit.interface) == (None, None)


async def test_a_cut_circuit_is_silent_at_both_ends_and_alone(city):
    city.inflict(BACKUP, CUT)

    assert await silent(city) == {f"{BACKUP}/{look}" for look in ENDS}
    assert await reason(city, f"{BACKUP}/near") == "timeout"


async def test_devices_answer_over_the_backup_while_the_primary_is_cut(city):
    city.inflict(PRIMARY, CUT)

    assert await silent(city) == {f"{PRIMARY}/{look}" for look in ENDS}


async def test_a_device_behind_a_cut_link_gives_no_answer_of_any_kind(city):
    city.inflict("danjiangkou/city", CUT)
    reasons = {name: await reason(city, f"{VIDEO}/{name}") for name in ("ping", "h323", "web")}

    assert reasons == {"ping": "timeout", "h323": "timeout", "web": "timeout"}


async def test_a_center_that_is_cut_off_is_silent_altogether_and_its_neighbour_is_not(city):
    city.inflict("danjiangkou", CUT)
    lost = await silent(city)

    assert lost == {name for name in looks(city) if name.startswith("danjiangkou/")}


async def test_what_is_whole_again_answers_again(city):
    city.inflict("danjiangkou", CUT)
    await silent(city)
    city.restore()

    assert await silent(city) == set()


async def test_a_device_can_be_off_while_its_center_is_not(city):
    city.inflict(VIDEO, CUT)

    assert await silent(city) == {f"{VIDEO}/{name}" for name in ("ping", "h323", "web")}


async def test_a_broken_device_stays_broken_when_its_link_is_mended(city):
    city.inflict(VIDEO, CUT)
    city.inflict("danjiangkou", CUT)
    city.inflict("danjiangkou", WHOLE)

    assert await silent(city) == {f"{VIDEO}/{name}" for name in ("ping", "h323", "web")}


async def test_a_device_at_home_needs_no_circuit():
    async with City(inventory(), KINDS, home="danjiangkou") as city:
        city.inflict("danjiangkou", CUT)

        assert not {name for name in await silent(city) if name.startswith(VIDEO)}


async def test_a_networks_anchor_can_be_cut(city):
    city.inflict("network/province", CUT)

    over = {
        f"{one}/province/{role}/anchor" for one in city.inventory.centers for role in ("primary", "backup")
    }

    assert await silent(city) == {"network/province"} | over


async def test_an_anchor_is_silent_over_a_circuit_while_either_of_them_is_cut(city):
    city.inflict("network/city", CUT)
    city.inflict(PRIMARY, CUT)
    city.inflict("network/city", WHOLE)

    assert await silent(city) == {f"{PRIMARY}/{look}" for look in ENDS}


@pytest.mark.parametrize(("fault", "arrives"), [(DEAF, False), (MUTE, True)])
async def test_one_way_is_silent_whichever_way_it_is(city, fault, arrives):
    city.inflict(PRIMARY, fault)
    echo = city._endpoints[PRIMARY][0]

    assert await reason(city, f"{PRIMARY}/near") == "timeout"
    assert bool(echo.received) is arrives


async def test_loss_is_about_the_share_that_was_asked_for(city):
    city.inflict(PRIMARY, loss(0.3))
    near = looks(city)[f"{PRIMARY}/near"]
    findings = []
    for _ in range(8):  # a socket's buffer does not hold 400 at once
        findings += await asyncio.gather(*(seen(near, 0.1) for _ in range(50)))
    lost = sum(finding.outcome is not Outcome.OK for finding in findings) / len(findings)

    assert 0.2 < lost < 0.4


async def test_a_delayed_answer_is_late_by_as_much(city):
    city.inflict(PRIMARY, late(0.1))
    finding = await seen(looks(city)[f"{PRIMARY}/near"])

    assert finding.values["rtt"] >= 0.1


async def test_a_connection_under_way_falls_silent_with_its_circuit(city):
    options = looks(city)[f"{VIDEO}/h323"].options
    reader, writer = await asyncio.open_connection(options.host, options.port)
    city.inflict("danjiangkou", CUT)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await reader.read(1)
    city.restore()
    async with asyncio.timeout(5):
        said = await reader.read(15)
    writer.close()
    await writer.wait_closed()

    assert said == b"HTTP/1.1 200 OK"


async def test_a_script_is_played_in_order_and_told(city):
    told = []
    steps = outage(PRIMARY, at=0.02, until=0.06)
    began = time.monotonic()
    await city.play((*reversed(steps), Step(0.04, BACKUP, CUT)), lambda *what: told.append(what))

    assert told == [(PRIMARY, CUT), (BACKUP, CUT), (PRIMARY, WHOLE)]
    assert time.monotonic() - began >= 0.06


async def test_a_subject_that_is_not_there_is_named(city):
    with pytest.raises(MonitorError, match="atlantis"):
        city.inflict("atlantis", CUT)


async def test_nothing_answers_once_it_is_closed():
    async with City(inventory(), KINDS) as city:
        asked = looks(city)
    reasons = {(await seen(look)).reason for look in asked.values()}

    assert reasons == {"refused"}


@pytest.mark.parametrize("wrong", [{"towards": 1.1}, {"away": -0.1}, {"delay": 61}])
def test_an_impossible_fault_is_refused(wrong):
    with pytest.raises(ValueError, match="shares are 0 to 1"):
        type(WHOLE)(**wrong)
