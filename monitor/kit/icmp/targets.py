"""What is known of an address before the first ping."""

import ipaddress
import socket

from monitor.kit.icmp.channel import Channel
from monitor.kit.icmp.packets import SIZE_MAX, SIZE_MIN
from monitor.kit.icmp.sockets import Way

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target:
    """A prepared address, and how its pings fare."""

    __slots__ = ("address", "channel", "host", "lane", "misses", "padding", "way")

    def __init__(self, host: str, way: Way, channel: Channel, size: int) -> None:
        if not SIZE_MIN <= size <= SIZE_MAX:
            raise ValueError(f"a payload of {size} bytes is not within {SIZE_MIN} to {SIZE_MAX}")
        self.host = host
        """Canonical literal address."""
        self.way = way
        self.channel = channel
        self.address: tuple[str, int] = (host, 0)
        self.padding = bytes(size - SIZE_MIN)
        self.misses = 0
        """Looks in a row that were not answered."""
        self.lane = 0


def way_to(
    host: str,
    source: str | None = None,
    interface: str | None = None,
    ttl: int | None = None,
    dscp: int = 0,
) -> tuple[str, Way]:
    """Return the canonical address and the way to it.

    Raises ValueError if *host* is not the literal address of one host, or *source* cannot go with it.
    """
    address, zone = _literal(host)
    if address.is_multicast or address.is_unspecified:
        raise ValueError(f"{host} is not the address of one host")
    origin = _literal(source)[0] if source is not None else None
    if origin is not None and origin.version != address.version:
        raise ValueError(f"{source} cannot be the source of pings to {host}")
    family = socket.AF_INET if isinstance(address, ipaddress.IPv4Address) else socket.AF_INET6
    return str(address), Way(family, str(origin) if origin else None, interface or zone, ttl, dscp)


def _literal(host: str) -> tuple[_Address, str | None]:
    """Return an address without its zone, and the zone; IPv4 in IPv6's clothes is IPv4."""
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv4Address):
        return address, None
    return address.ipv4_mapped or ipaddress.IPv6Address(address.packed), address.scope_id
