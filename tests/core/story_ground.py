"""A city whose incidents are told: three centers and the municipal one, all looked at as in real life.

`broken` lets components break: what the looks then show is diagnosed, and what is found becomes incidents.
"""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from monitor.core.diagnosis import diagnose
from monitor.core.diagnosis.consequences import predict
from monitor.core.incident import Incident, Other, Stage
from monitor.core.inventory import (
    Bearer,
    Carrier,
    Center,
    Circuit,
    Device,
    Inventory,
    Level,
    Link,
    Look,
    Name,
    Network,
    Risk,
    RiskKind,
    Role,
    Vantage,
)
from monitor.core.storytelling import Storyteller
from monitor.core.topology import topology_of

ZONE = timezone(timedelta(hours=8))
AT = datetime(2026, 11, 24, 9, 14, 7, tzinfo=ZONE).timestamp()
PING = Look("ping", "icmp", None, 1.0, 1.0)
SHUT = Name("指挥系统网页打不开", "The command system's pages do not open")
WEB = Look("http", "http", None, 10.0, 5.0, SHUT)
NAMES = {
    "danjiangkou": Name("丹江口", "Danjiangkou"),
    "yunyang": Name("郧阳", "Yunyang"),
    "fangxian": Name("房县", "Fangxian"),
    "zhushan": Name("竹山", "Zhushan"),
}
CARRIERS = {
    "telecom": Carrier("telecom", Name("中国电信", "China Telecom"), "0719-555-0101"),
    "mobile": Carrier("mobile", Name("中国移动", "China Mobile"), "0719-555-0102"),
}
ROUTER = ("router", Name("路由器", "router"), (PING,))
VIDEO = ("video", Name("视频终端", "video terminal"), (PING,))
SERVER = ("server", Name("指挥服务器", "command server"), (PING, WEB))


def circuit(center, network, role):
    carrier = "telecom" if role is Role.PRIMARY else "mobile"
    number = f"{center[:2].upper()}-{network[0].upper()}-{'A' if role is Role.PRIMARY else 'B'}"
    return Circuit(
        center,
        network,
        role,
        "192.0.2.1",
        carrier=carrier,
        number=number,
        bearer=Bearer.SATELLITE if number == "DA-P-B" else Bearer.FIBRE,
        near_look=PING,
        far_look=PING,
        anchor_look=replace(PING, name="anchor"),
    )


def center(key, name, networks=("city", "province"), equipment=(ROUTER, VIDEO, SERVER)):
    links = tuple(Link(key, n, tuple(circuit(key, n, role) for role in Role)) for n in networks)
    devices = (Device(key, k, own, "192.0.2.2", looks=looks) for k, own, looks in equipment)
    return Center(key, name, Level.COUNTY, links, tuple(devices))


def city(*risks):
    """Return the inventory; *risks* are what is shared by several and declared."""
    return Inventory(
        Name("十堰市", "Shiyan"),
        networks={
            "city": Network("city", Name("市网", "city network"), "192.0.2.9", PING),
            "province": Network("province", Name("省网", "provincial network"), "192.0.2.9", PING),
        },
        carriers=CARRIERS,
        centers={
            "municipal": center("municipal", Name("市中心", "municipal center"), ("province",)),
            **{key: center(key, name) for key, name in NAMES.items()},
        },
        vantages={
            "city": Vantage("city", Name("市中心", "city"), "municipal", ("city", "province")),
            "province": Vantage("province", Name("省中心", "province"), networks=("province",)),
            "danjiangkou": Vantage("danjiangkou", NAMES["danjiangkou"], "danjiangkou"),
            "crossing": Vantage("crossing", Name("枢纽", "crossing"), networks=("city", "province")),
        },
        risks={risk.id: risk for risk in risks},
    )


BRIDGE = Risk(
    "bridge",
    RiskKind.DUCT,
    Name("汉江大桥管道", "Hanjiang bridge duct"),
    ("danjiangkou/city/primary", "danjiangkou/province/primary"),
)
SUBSTATION = Risk("south", RiskKind.FEED, Name("城南供电线路", "southern feed"), ("danjiangkou", "fangxian"))


class Ground:
    """One city, and what happens in it."""

    def __init__(self, *risks, vantage="city"):
        self.inventory = city(*risks)
        self.topology = topology_of(self.inventory, vantage)
        self.storyteller = Storyteller(self.topology, self.inventory, ZONE)

    def incidents(self, *components):
        """Return a confirmed incident for everything that is found to be broken if *components* are."""
        found = diagnose(self.topology, predict(self.topology, components).evidence())
        return [
            Incident(
                f"20261124-09140{number}",
                cause.component,
                cause.group,
                Stage.CONFIRMED,
                AT,
                cause.confidence,
                cause.explains,
                cause.against,
                tuple(
                    Other(rival.causes, rival.confidence, rival.behind)
                    for rival in found.rivals
                    if cause.component in rival.instead_of
                ),
                confirmed_at=AT + 3.2,
            )
            for number, cause in enumerate(found.causes, 7)
        ]

    def stories(self, *incidents):
        """Return the stories of *incidents*, which are all that is broken."""
        broken = tuple(one.component for one in incidents if one.stage is not Stage.RECOVERING)
        return [*self.storyteller.stories(incidents, broken).values()]

    def told(self, incidents):
        """Return the stories of *incidents* by id, as the engine asks for them again and again."""
        broken = tuple(one.component for one in incidents)
        return self.storyteller.stories(incidents, broken)

    @staticmethod
    def changed(incident, **facts):
        return replace(incident, **facts)

    def story(self, *components, **facts):
        """Return the story of the first incident if *components* are broken, with other *facts*."""
        first, *others = self.incidents(*components)
        return self.stories(replace(first, **facts), *others)[0]
