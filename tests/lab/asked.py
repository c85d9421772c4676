"""The city's daemon, which sees nothing of the province's network, and the two routers that it asks about it.

It asks for the states of their ports, rarely, and for the results of their own tests, often. Traps say when
a port has changed.
"""

import re
import time
from urllib.request import urlopen

import yaml

from tests.lab.inventory import inventory
from tests.lab.levels import Daemon
from tests.lab.netns import inside
from tests.lab.programs import until
from tests.lab.router import TRAPS, Router, light, provincial
from tests.lab.topology import CITY

COUNTIES = ("yunyang", "zhuxi")
PRIMARY, BACKUP = "yunyang/province/primary", "yunyang/province/backup"
PORT = 9770
SETTINGS = {
    "vantage": "city",
    "store": {"reserve_mib": 1},
    "detection": {"hold": 2},
    "log": {"format": "json"},
}


class Asked:
    """The city's daemon, and the routers that it asks."""

    def __init__(self, lab, folder, device_period=2.0):
        self.lab = lab
        self.routers = {center: Router(lab, center, folder / center) for center in COUNTIES}
        city = yaml.safe_load(inventory(device_period=device_period))
        city["vantages"] = {"city": {"networks": ["city"]}}
        for center, router in self.routers.items():
            city["centers"][center]["devices"]["router"] = router.device()
        file = folder / "city.yaml"
        file.write_text(yaml.safe_dump(city, allow_unicode=True), encoding="utf-8")
        traps = {"listen": "0.0.0.0", "port": TRAPS, "community_file": self.routers[COUNTIES[0]].community()}
        more = {
            "inventory": str(file),
            "state_dir": str(folder / "state"),
            "traps": traps,
            "http": {"port": PORT},
        }
        self.daemon = Daemon(lab, CITY, folder / "daemon", SETTINGS | more)
        self.mark = 0

    def start(self):
        for program in (*self.routers.values(), self.daemon):
            program.start()
        until(self.well, 60, "all is well", 0.2)

    def end(self):
        for program in (self.daemon, *self.routers.values()):
            program.kill()

    def mend(self, patience=90):
        """Undo whatever was done, and wait until all is well again."""
        self.lab.restore()
        for center in COUNTIES:
            for found in provincial(center):
                light(found)
        for router in self.routers.values():
            if not router.running:
                router.start()
        until(self.well, patience, "all is well again", 0.2)

    def metric(self, name):
        """Return the samples of a metric; none while the daemon does not answer."""
        try:
            page = inside(CITY, _page)
        except OSError:
            return []
        return [float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE)]

    def well(self):
        """Tell whether every check but those of ports not looked at yet is well, and nothing is open."""
        beliefs = self.metric("command_monitor_check_belief")
        ports = 2 * len(self.routers)
        return beliefs and max(beliefs) == 0 and beliefs.count(0) >= len(beliefs) - ports and not self.open()

    def incidents(self):
        return [entry for entry in self.daemon.own(self.mark) if entry.kind == "incident"]

    def open(self):
        latest = {entry.data["incident"]: entry.data["stage"] for entry in self.incidents()}
        return [name for name, stage in latest.items() if stage != "closed"]

    def confirmed(self):
        """Return the event by which each incident was confirmed, in their order."""
        first = {}
        for entry in self.incidents():
            if entry.data["stage"] == "confirmed":
                first.setdefault(entry.data["incident"], entry)
        return list(first.values())

    def named(self):
        """Return what the incidents were called after when they were first confirmed."""
        return sorted(entry.data["component"] for entry in self.confirmed())

    def names(self, *components):
        """Wait until so many are confirmed, and a while longer; return what they are called after."""
        until(lambda: len(self.named()) >= len(components), 40, "it is told", 0.1)
        time.sleep(4)
        return self.named()

    def told(self, check):
        """Return why a check is believed to be as it is, each time that this has changed."""
        events = self.daemon.own(self.mark)
        return [entry.data["reason"] for entry in events if entry.kind == "belief" and entry.subject == check]


def _page():
    with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=5) as answer:
        return answer.read().decode()
