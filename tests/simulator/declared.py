"""A small declared city whose addresses nobody answers for, and a way to look at what stands in for it."""

import asyncio

from monitor.core.inventory import (
    Center,
    Circuit,
    Device,
    Inventory,
    Level,
    Link,
    Look,
    Name,
    Network,
    Role,
    Vantage,
)
from monitor.core.observation import failed
from monitor.probes import load_kinds

KINDS = load_kinds()


def look(kind, name=None):
    """Return a declared look; its options are of no use, the simulator must make its own."""
    return Look(name or kind, kind, options=None, period=1.0, deadline=1.0)


def circuit(center, network, role):
    """Return a declared circuit, pinned to an interface that is not there."""
    return Circuit(
        center,
        network,
        role,
        near="192.0.2.1",
        far="192.0.2.2",
        source="192.0.2.3",
        interface="eth7",
        near_look=look("icmp"),
        far_look=look("icmp"),
        anchor_look=look("icmp", "anchor"),
    )


def center(name):
    """Return a declared center with four circuits and a video terminal that is looked at in three ways."""
    links = tuple(
        Link(name, network, tuple(circuit(name, network, role) for role in Role))
        for network in ("city", "province")
    )
    looks = (look("icmp", "ping"), look("tcp", "h323"), look("http", "web"))
    video = Device(name, "video", Name("视频", "video"), "192.0.2.9", looks=looks)
    return Center(name, Name(name, name), Level.COUNTY, links, (video,))


def inventory():
    """Return a city of two centers."""
    return Inventory(
        city=Name("市", "city"),
        networks={
            name: Network(name, Name(name, name), "192.0.2.8", look("icmp")) for name in ("city", "province")
        },
        carriers={},
        centers={name: center(name) for name in ("yunyang", "danjiangkou")},
        vantages={"city": Vantage("city", Name("市", "city"), None, ("city", "province"))},
    )


async def seen(one, deadline=0.25):
    """Look once, as the runner would."""
    try:
        async with asyncio.timeout(deadline):
            return await KINDS[one.kind].probe(one.options)
    except TimeoutError:
        return failed("timeout")
