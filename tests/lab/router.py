"""A county's router that answers SNMP in place of a daemon: a real snmpd in the namespace of the router.

It tells the state of the router's interfaces as the kernel has it, sends a trap when one changes, from the
port that leads to the city, and tells the results of tests that the router runs itself: of the ways over its
province's circuits, see `disman`.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.lab import plan
from tests.lab.lab import Lab
from tests.lab.programs import Program, until
from tests.lab.topology import DAEMON, Wire, place, subnet, wires
from tests.snmpd import AUTH, COMMUNITY, PRIVACY, PROGRAM

IF = ".1.3.6.1.2.1.2.2.1"
"""ifEntry of IF-MIB; no MIB is loaded."""
TRAPS = 162
OWNER = "admin"
CONFIGURATION = f"""\
agentaddress udp:{{address}}:161
createUser duty SHA-256 "{AUTH}" AES "{PRIVACY}"
createUser itself SHA-256 "{AUTH}" AES "{PRIVACY}"
rouser duty priv
rouser itself noauth
iquerySecName itself
notificationEvent up .1.3.6.1.6.3.1.1.5.4 {IF}.1 {IF}.7 {IF}.8
notificationEvent down .1.3.6.1.6.3.1.1.5.3 {IF}.1 {IF}.7 {IF}.8
monitor -r 1 -e up "up" {IF}.8 != 2
monitor -r 1 -e down "down" {IF}.8 == 2
trap2sink {DAEMON}:{TRAPS} {COMMUNITY}
pass_persist .1.3.6.1.2.1.80.1.3.1 {{tests}}
"""


class Router(Program):
    """The agent of one center's router."""

    def __init__(self, lab: Lab, center: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.center = center
        self.address = f"{subnet(center)}.1"
        """An address of its own, which is reached over either of the city's circuits."""
        self._folder = folder
        tests = " ".join(f"{wire.role},{wire.near},{wire.far}" for wire in provincial(center))
        file, state = folder / "snmpd.conf", folder / "state"
        here = Path(__file__).parents[2]
        words = f"/usr/bin/env PYTHONPATH={here} {sys.executable} -m tests.lab.disman {OWNER} {tests}"
        file.write_text(CONFIGURATION.format(address=self.address, tests=words))
        command = ("env", f"SNMP_PERSISTENT_DIR={state}", "MIBS=", str(PROGRAM), "-f", "-Lo", "-r", "-C")
        super().__init__(
            lab, place(center), (*command, "-c", str(file), "-p", str(folder / "pid")), folder / "log"
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        super().start()
        until(lambda: "NET-SNMP version" in self.log.read_text(errors="replace"), what="snmpd answers")

    def device(self) -> dict[str, Any]:
        """Return how the city looks at the router, and asks it about its circuits to the province.

        For the results of its tests it is asked often, for the states of its ports every five minutes.
        """
        looks: dict[str, Any] = {"agent": {"get": "1.3.6.1.2.1.1.3.0"}}
        for wire in provincial(self.center):
            about = {"about": f"{wire.network}/{wire.role}"}
            looks[f"{wire.role}-port"] = {"ifname": wire.near_port, "period": 300, "deadline": 2} | about
            looks[f"{wire.role}-test"] = {"test": f"{OWNER}/{wire.role}"} | about
        asked = {"kind": "snmp", "user": "duty", **self._secrets()}
        return {"address": self.address, "looks": {name: asked | look for name, look in looks.items()}}

    def community(self) -> str:
        """Return the file of the community in which it sends traps."""
        return self._secret("community", COMMUNITY)

    def _secrets(self) -> dict[str, str]:
        return {"auth_file": self._secret("auth", AUTH), "privacy_file": self._secret("privacy", PRIVACY)}

    def _secret(self, name: str, words: str) -> str:
        file = self._folder / name
        file.write_text(f"{words}\n")
        return str(file)


def provincial(center: str) -> Iterator[Wire]:
    """Give the circuits of a center to the province."""
    return (wire for wire in wires(center) if wire.network == "province")


def darken(wire: Wire) -> None:
    """Take the light from a circuit at the network's end: the county's port goes down."""
    _ip(wire.router, [f"link set dev {wire.far_port} down"])


def light(wire: Wire) -> None:
    """Give it its light again, and the router the routes that it forgot."""
    _ip(wire.router, plan.switched_on(wire.router))


def _ip(namespace: str, lines: Iterable[str]) -> None:
    command = ["ip", "-n", namespace, "-batch", "-"]
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True, capture_output=True)
