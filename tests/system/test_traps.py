"""traps, whole: a router that says that something has happened is asked at once, by the real daemon."""

import asyncio
import json
import shutil
import time

import pytest

from tests.snmpd import COMMUNITY, free_udp_port, needs_snmpd, snmpd
from tests.system.daemon import daemon

pytestmark = [
    pytest.mark.server,
    needs_snmpd,
    pytest.mark.skipif(not shutil.which("snmptrap"), reason="snmptrap is not installed"),
]
PERIOD = 600
UPLINK = "1.3.6.1.2.1.31.1.1.1.1.901"
STATE, OTHER = "1.3.6.1.2.1.2.2.1.8.901", "1.3.6.1.2.1.2.2.1.7.901"


def interface(state):
    return (
        f"override {UPLINK} octet_str GE0/0/1",
        f"override {OTHER} integer 1",
        f"override {STATE} integer {state}",
    )


def written(folder, agent):
    """Write an inventory with one router, asked for its uplink to the province every ten minutes."""
    options = agent.v2c(kind="snmp", ifname="GE0/0/1", about="province/primary", period=PERIOD, deadline=5)
    near = agent.v2c(kind="snmp", get="1.3.6.1.2.1.1.3.0", period=PERIOD, deadline=5)
    router = {"address": options.pop("host"), "shared": True, "looks": {"uplink": options}}
    links = {
        "city": {"primary": {"near": near.pop("host"), "shared": True, "look": near}},
        "province": {"primary": {"near": "127.40.1.1"}},
    }
    inventory = {
        "city": "Shiyan",
        "networks": {"city": None, "province": None},
        "centers": {"dan": {"links": links, "devices": {"router": router}}},
        "vantages": {"city": {"networks": ["city"]}},
    }
    file = folder / "inventory.yaml"
    file.write_text(json.dumps(inventory))
    return file


async def trap(port):
    command = ["snmptrap", "-m", "", "-v2c", "-c", COMMUNITY, f"127.0.0.1:{port}", "", ".1.3.6.1.6.3.1.1.5.3"]
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


async def test_a_link_that_goes_down_is_seen_minutes_before_its_turn(tmp_path):
    with snmpd(tmp_path, *interface(1)) as agent:
        port = free_udp_port()
        traps = {"listen": "127.0.0.1", "port": port, "community_file": agent.secret(COMMUNITY)}
        async with daemon(tmp_path, written(tmp_path, agent), traps=traps) as one:
            await trap(port)
            await one.until(lambda: one.metric("command_monitor_traps_total"))
            agent.stop()
            agent.settings = interface(2)
            agent.start()
            await asyncio.sleep(1.0)  # an address that has had its looks is not heard again for as long
            began = time.monotonic()
            await trap(port)
            down = await one.tells("belief.changed", now="down")

            assert down["reason"] == "oper_down"
            assert time.monotonic() - began < 60
            assert await one.metric("command_monitor_traps_total") == 2
            assert await one.metric("command_monitor_traps_of_strangers_total") == 0
