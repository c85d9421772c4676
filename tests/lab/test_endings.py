"""A circuit of a carrier is cut behind its first router: the incident says from both ends where the way ends.

                  ┌─ c1 ──✂── c2 ─┐
city ──── mr ─────┤               ├─── dan        primary: by way of the carrier's routers c1 and c2
(daemon, broker)  └───────────────┘   (daemon)    backup: a plain cable; the county reports over it
"""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.kit.icmp_ground import inside, link, namespaces, run, sysctl
from tests.lab.lab import why_not
from tests.lab.programs import until
from tests.lab.watched import MOSQUITTO, ROOT, Ear

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

PRIMARY = "dan/city/primary"
EXPLAIN = ("explain", PRIMARY, "--lang", "zh", "--settings")
BROKER, ANCHOR = "10.1.1.1", "10.1.255.1"
DROPPED = (
    "table inet cut {\nchain arriving {\ntype filter hook prerouting priority raw;\niifname %s drop\n}\n}\n"
)
INVENTORY = {
    "city": {"zh": "十堰市", "en": "Shiyan"},
    "networks": {"city": {"name": {"zh": "市网", "en": "city network"}, "anchor": ANCHOR}},
    "centers": {
        "dan": {
            "name": {"zh": "丹江口市", "en": "Danjiangkou"},
            "level": "county",
            "links": {
                "city": {
                    "primary": {"near": "10.1.4.2", "far": "10.1.2.1", "source": "10.1.4.2"},
                    "backup": {"near": "10.1.5.2", "far": "10.1.5.1", "source": "10.1.5.2"},
                }
            },
        }
    },
    "vantages": {
        "city": {"name": {"zh": "市中心", "en": "the city"}, "networks": ["city"]},
        "dan": {"name": {"zh": "丹江口", "en": "Danjiangkou"}, "center": "dan"},
    },
}


@pytest.fixture(scope="module")
def net():
    """Lend the names of city, mr, c1, c2 and dan, wired and routed."""
    if reason := why_not() or (MOSQUITTO is None and "needs mosquitto"):
        pytest.skip(f"the lab {reason}")
    with namespaces("city", "mr", "c1", "c2", "dan") as names:
        city, mr, c1, c2, dan = names
        cables = [(city, mr), (mr, c1), (c1, c2), (c2, dan), (mr, dan)]
        ports = {pair: link(*pair, f"10.1.{number}") for number, pair in enumerate(cables, 1)}
        for name in (mr, c1, c2, dan):
            with inside(name):
                sysctl("net.ipv4.ip_forward", "1")
        run(f"ip -n {mr} address add {ANCHOR}/32 dev lo")
        for name, routes in {
            city: ["default via 10.1.1.2"],
            mr: ["10.1.3.0/24 via 10.1.2.2", "10.1.4.0/24 via 10.1.2.2"],
            c1: ["10.1.4.0/24 via 10.1.3.2", "default via 10.1.2.1"],
            c2: ["default via 10.1.3.1"],
            dan: ["default via 10.1.5.1", "default via 10.1.4.1 table 101"],
        }.items():
            for route in routes:
                run(f"ip -n {name} route add {route}")
        run(f"ip -n {dan} rule add from 10.1.4.2 lookup 101")
        yield *names, ports[c1, c2]


@contextlib.contextmanager
def program(place, *command, log):
    with Path(log).open("ab") as out:
        child = subprocess.Popen(
            ["ip", "netns", "exec", place, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        yield
    finally:
        child.terminate()
        child.wait(20)


def daemon(place, vantage, folder, more):
    folder.mkdir()
    (folder / "city.yaml").write_text(yaml.safe_dump(INVENTORY, allow_unicode=True), encoding="utf-8")
    settings = {
        "inventory": "city.yaml",
        "vantage": vantage,
        "state_dir": str(folder / "state"),
        "http": {"listen": "127.0.0.1", "port": 9770},
        "log": {"format": "json"},
        "store": {"reserve_mib": 0},
        **more,
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = (sys.executable, "-m", "monitor", "run", "--settings", str(folder / "settings.yaml"))
    return program(place, *command, log=folder / "log")


@contextlib.contextmanager
def watched(net, folder):
    """Run broker and daemons; lend the ear once each end has traced the way over the primary circuit."""
    city, _, c1, c2, dan, _ = net
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener 1883 {BROKER}\nallow_anonymous true\nset_tcp_nodelay true\nuser root\n")
    with contextlib.ExitStack() as stack:
        stack.enter_context(program(city, MOSQUITTO, "-c", str(conf), log=folder / "mosquitto.log"))
        report = {"reports": {"city": {"host": BROKER}}}
        gather = {"mqtt": {"host": BROKER}, "collect": True}
        ear = Ear(namespace=city, host=BROKER)
        until(lambda: opened(ear), what="the broker")
        stack.callback(ear.close)
        stack.enter_context(daemon(city, "city", folder / "city", gather))
        stack.enter_context(daemon(dan, "dan", folder / "dan", report))
        ear.status(PRIMARY, "up", seconds=40)
        until(lambda: min(passed(c1), passed(c2)) >= 4, 40, "traces from both ends")
        yield ear


def opened(ear):
    try:
        ear.open()
    except OSError:
        return False
    return True


def passed(router):
    """Return how many packets have run out of hops at a router: two of each trace that goes through."""
    with inside(router):
        lines = Path("/proc/net/snmp").read_text(encoding="ascii").splitlines()
    keys, values = [line.split() for line in lines if line.startswith("Icmp:")]
    return int(dict(zip(keys, values, strict=True))["OutTimeExcds"])


def cut(net):
    """Let nothing through between c1 and c2 any more, as where a fibre is cut: nobody is told."""
    _, _, c1, c2, _, ports = net
    for name, port in zip((c1, c2), ports, strict=True):
        rules = DROPPED % f'"{port}"'
        subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=rules, text=True, check=True)


def test_the_incident_says_from_both_ends_where_the_way_ends(net, tmp_path):
    with watched(net, tmp_path) as ear:
        mark, settings = ear.now(), str(tmp_path / "city" / "settings.yaml")
        cut(net)
        told = ear.wait(
            lambda m: m.topic.startswith(f"{ROOT}/incident/") and len(m.payload["traces"]) == 2,
            since=mark,
            seconds=40,
        ).payload
        explained = subprocess.run(
            ["ip", "netns", "exec", net[0], sys.executable, "-m", "monitor", *EXPLAIN, settings],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        events = ear.events(since=mark, what="traced")

    ends = {one["vantage"]: (one["last"], one["gone"], one["reached"]) for one in told["traces"]}
    assert (told["component"], told["stage"]) == (PRIMARY, "confirmed")
    assert ends == {
        "city": ("10.1.2.2", "10.1.3.2", False),
        "dan": ("10.1.4.1", "10.1.3.1", False),
    }
    assert "市中心看断点在 10.1.2.2 之后、10.1.3.2 之前" in told["sentence"]["zh"]
    assert "丹江口看断点在 10.1.4.1 之后、10.1.3.1 之前" in told["sentence"]["zh"]
    assert "上次经由10.1.4.1→10.1.3.1→10.1.255.1" in "".join(explained.split())
    assert sorted((one["vantage"], one["subject"]) for one in events) == [("city", PRIMARY), ("dan", PRIMARY)]
