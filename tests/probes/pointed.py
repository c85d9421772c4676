"""How each kind of probe meets a peer of the tests: one line per kind, in the order of the alphabet.

A kind that meets peers in more than one way has a line for each, named `KIND over WHAT`.
"""

from pathlib import Path

COMMUNITY = Path(__file__).parent / "community"


def at(port, **more):
    return {"host": "127.0.0.1", "port": port, **more}


def http(port):
    return {"url": f"http://127.0.0.1:{port}/", "body": "never said", "redirects": 3}


POINTED = {
    "database": ("stream", lambda port: at(port, protocol="postgres")),
    "database over MySQL": ("stream", lambda port: at(port, protocol="mysql")),
    "database over Redis": ("stream", lambda port: at(port, protocol="redis")),
    "dns": ("datagram", lambda port: at(port, name="city.example")),
    "heartbeat": ("told", lambda _: {"valid_for": 60}),
    "http": ("stream", http),
    "h323": ("datagram", lambda port: at(port, service="gatekeeper")),
    "h323 over TCP": ("stream", lambda port: at(port, depth="setup")),
    "icmp": ("host", lambda _: {"host": "127.0.0.1"}),
    "manual": ("told", lambda _: {"valid_for": 60}),
    "modbus": ("stream", lambda port: at(port, at=0)),
    "plugin": ("host", lambda _: {"host": "127.0.0.1", "program": "/bin/true"}),
    "rtsp": ("stream", lambda port: {"url": f"rtsp://127.0.0.1:{port}/"}),
    "sip": ("datagram", at),
    "sip over TCP": ("stream", lambda port: at(port, transport="tcp")),
    "sip over TLS": ("stream", lambda port: at(port, transport="tls", verify=False)),
    "snmp": (
        "datagram",
        lambda port: at(port, community_file=str(COMMUNITY), get="1.3.6.1.2.1.1.5.0", expect="never said"),
    ),
    "mqtt": ("stream", lambda port: at(port, topic="look")),
    "ntp": ("datagram", at),
    "ssh": ("stream", at),
    "stamp": ("datagram", lambda port: at(port, packets=3, spacing=0.001)),
    "tcp": ("stream", lambda port: at(port, expect="never said")),
    "tls": ("stream", lambda port: at(port, verify=False)),
    "trace": ("host", lambda _: {"host": "127.0.0.1"}),
    "udp": ("datagram", at),
    "ups": ("datagram", lambda port: at(port, community_file=str(COMMUNITY))),
    "ups over NUT": ("stream", lambda port: at(port, nut="hub")),
}
"""The shape of the meeting, and the options that point the kind at a port of this machine.

`stream`: over TCP, among hostile peers; `datagram`: over UDP, among babblers; `host`: at no port; `told`: not
at all, it reports to us.
A peer that says nothing it should must never be found well.
"""
