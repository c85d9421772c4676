"""The daemon as a process answers the test packets of others; that it cannot yet stops nothing else."""

import socket

from monitor.core.observation import Outcome
from monitor.probes.stamp import Options, probe
from tests.system.daemon import daemon
from tests.system.town import town


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def test_a_daemon_that_may_reflects_for_others_while_it_looks(tmp_path):
    port = free_port()
    reflector = {"listen": ["127.0.0.1"], "port": port, "allow": ["127.0.0.0/8"]}
    async with town(tmp_path) as built, daemon(tmp_path, built.file, reflector=reflector) as one:
        await one.all_are("up")
        finding = await probe(Options(host="127.0.0.1", port=port, packets=50, spacing=0.005))
        reflected = await one.metric("command_monitor_reflected_total")
        code = await one.end()

    assert reflected == 50.0
    assert (finding.outcome, finding.values["loss_out"], finding.values["loss_back"]) == (
        Outcome.OK,
        0.0,
        0.0,
    )
    assert code == 0


async def test_an_address_that_is_not_there_yet_is_told_once_and_stops_nothing(tmp_path):
    reflector = {"listen": ["192.0.2.77"], "port": 8620, "allow": ["127.0.0.0/8"]}
    async with town(tmp_path) as built, daemon(tmp_path, built.file, reflector=reflector) as one:
        await one.all_are("up")
        told = await one.tells("listener.deaf", listener="reflector", port=8620)

        assert "Cannot assign" in told["error"]
        assert len(one.told("listener.deaf")) == 1
        assert await one.end() == 0
