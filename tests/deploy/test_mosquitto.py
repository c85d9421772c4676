"""deploy/mosquitto: who may do what at a real broker that runs the shipped files, as one table."""

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import pytest
import yaml

from monitor.kit.mqtt import matches
from tests.authority import Authority as Stranger
from tests.authority import Pair
from tests.deploy.mosquitto_ground import (
    NAME,
    PATIENCE,
    SHIPPED,
    Authority,
    Deployed,
    authority,
    knock,
    refusal,
)
from tests.mosquitto import needs_mosquitto

pytestmark = [pytest.mark.server, needs_mosquitto]

ROOT = "command/v1"
ONLOOKER = "\nuser onlooker\ntopic readwrite #\ntopic read $SYS/#\n"
"""Sees and may do everything; in the test's ACL only."""
DOCS = Path(__file__).parents[2] / "docs"

EXPECTED = """
actor              connects             own  others ack order $SYS elsewhere will reads
city               yes                  yes  no     yes no    no   no        no   status,vantage/dan,vantage/yun,ack/dan,ack/yun,command
city, port of all  yes                  yes  no     yes no    no   no        no   status,vantage/dan,vantage/yun,ack/dan,ack/yun,command
dan                yes                  yes  no     no  no    no   no        no   vantage/dan,ack/dan
yun                yes                  yes  no     no  no    no   no        no   vantage/yun,ack/yun
dan, says city     yes                  no   no     no  no    no   no        no   vantage/dan,ack/dan
stranger           yes                  yes  no     no  no    no   no        no   nothing
province           yes                  no   no     no  no    no   no        no   status
duty               yes                  no   no     no  no    no   no        no   status
grafana            yes                  no   no     no  no    no   no        no   status
anonymous          certificate_required -    -      -   -     -    -         -    -
expired            certificate_expired  -    -      -   -     -    -         -    -
revoked            certificate_revoked  -    -      -   -     -    -         -    -
foreign CA         unknown_ca           -    -      -   -     -    -         -    -
CA of that name    decrypt_error        -    -      -   -     -    -         -    -
a broker's         unsupported          -    -      -   -     -    -         -    -
name +             yes                  no   no     no  no    no   no        no   nothing
name #             yes                  no   no     no  no    no   no        no   nothing
TLS 1.2            protocol_version     -    -      -   -     -    -         -    -
"""  # noqa: E501 - a table
"""What everybody can. `own`: its own status; `others`: that of a county it is not; `ack`: how far its log is
recorded; `will`: on the topic of another; `reads`: what a subscription to all brings of what is kept."""

CANARIES = ("status", "vantage/dan", "vantage/yun", "ack/dan", "ack/yun", "command", "elsewhere")


@dataclass(frozen=True)
class Actor:
    """Somebody who tries."""

    pair: Pair | None
    name: str = ""
    """Whose topics are its own."""
    inner: bool = False
    """It comes by the port of the daemon beside the broker."""
    claims: str | None = None
    """The user name and client id that it sends, if it sends one."""
    own: str = "vantage/{name}/daemon"
    tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3

    def context(self, vouching: Authority) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=vouching.ca)
        context.minimum_version = context.maximum_version = self.tls
        if self.pair:
            context.load_cert_chain(self.pair.cert, self.pair.key)
        return context


@dataclass(frozen=True)
class Ground:
    """A broker, the authority it trusts, and somebody who sees all."""

    broker: Deployed
    vouching: Authority
    onlooker: "Client"


class Client:
    """A plain client of MQTT 5 that is connected, and remembers what it hears."""

    def __init__(self, port: int, context: ssl.SSLContext, claims: str | None) -> None:
        name = f"command-monitor-{claims}" if claims else f"try-{time.monotonic_ns()}"
        self.heard: list[tuple[str, str]] = []
        self.ended = 0
        """How often the connection has ended."""
        self._codes: dict[int, int] = {}
        self._news = threading.Condition()
        self._paho = it = paho.Client(paho.CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5)
        it.tls_set_context(context)
        it.username_pw_set(claims) if claims else None
        it.on_connect = lambda _c, _u, _f, code, _p: self._answer(0, code)
        it.on_publish = lambda _c, _u, mid, code, _p: self._answer(mid, code)
        it.on_subscribe = lambda _c, _u, mid, codes, _p: self._answer(mid, codes[0])
        it.on_disconnect = lambda *_: setattr(self, "ended", self.ended + 1)
        it.on_message = lambda _c, _u, m: self.heard.append((m.topic, m.payload.decode()))
        it.connect("127.0.0.1", port)
        it.loop_start()
        assert self._code(0) == 0

    def _answer(self, mid, code) -> None:
        with self._news:
            self._codes[mid] = code.value
            self._news.notify_all()

    def _code(self, mid: int) -> int:
        with self._news:
            assert self._news.wait_for(lambda: mid in self._codes, PATIENCE), "no answer from the broker"
            return self._codes[mid]

    def publish(self, topic: str, payload: str, *, retain: bool = True) -> int:
        """Publish and return the broker's reason code."""
        return self._code(self._paho.publish(topic, payload, 1, retain).mid)

    def subscribe(self, *patterns: str) -> None:
        for pattern in patterns:
            self._code(self._paho.subscribe(pattern)[1])

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()


@pytest.fixture(scope="module")
def vouching(tmp_path_factory) -> Authority:
    it = authority(tmp_path_factory.mktemp("pki") / "authority", "city", "dan", "yun", "stranger", "lost")
    for reader in ("province", "duty", "grafana", "onlooker"):
        it.do("issue", "reader", reader)
    return it


@pytest.fixture(scope="module")
def actors(vouching, tmp_path_factory) -> dict[str, Actor]:
    """Return all who try; everybody's certificate is made once."""
    gone = vouching.of("lost")
    lost = Pair(gone.cert.read_bytes(), gone.key.read_bytes())
    vouching.do("-y", "revoke", "lost")
    gone.cert.parent.mkdir()
    gone.cert.write_bytes(lost.cert)
    gone.key.write_bytes(lost.key)
    city = {"name": "city", "own": "status/danjiangkou"}
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    past = ("-startdate", "20250101000000Z", "-enddate", "20260101000000Z")
    return {
        "city": Actor(vouching.of("city"), inner=True, **city),
        "city, port of all": Actor(vouching.of("city"), **city),
        "dan": Actor(vouching.of("dan"), "dan"),
        "yun": Actor(vouching.of("yun"), "yun"),
        "dan, says city": Actor(vouching.of("dan"), claims="city", **city),
        "stranger": Actor(vouching.of("stranger"), "stranger"),
        "province": Actor(vouching.of("province"), "province", own="status/province"),
        "duty": Actor(vouching.of("duty"), "duty", own="status/duty"),
        "grafana": Actor(vouching.of("grafana"), "grafana", own="status/grafana"),
        "anonymous": Actor(None),
        "expired": Actor(vouching.sign("/OU=vantage/CN=dan", past)),
        "revoked": Actor(gone),
        "foreign CA": Actor(Stranger(elsewhere, "foreign").issue("city")),
        "CA of that name": Actor(Stranger(elsewhere, NAME).issue("dan")),
        "a broker's": Actor(vouching.of("broker")),
        "name +": Actor(vouching.sign("/OU=vantage/CN=\\+"), "+", own="vantage/dan/belief/x"),
        "name #": Actor(vouching.sign("/OU=vantage/CN=#"), "#", own="vantage/dan/belief/x"),
        "TLS 1.2": Actor(vouching.of("dan"), "dan", tls=ssl.TLSVersion.TLSv1_2),
    }


@pytest.fixture(scope="module")
def ground(vouching, actors, tmp_path_factory) -> Iterator[Ground]:
    assert actors  # whoever is to be revoked has been, before the broker gets its list
    broker = Deployed(tmp_path_factory.mktemp("broker"), ())
    broker.install(vouching, more=ONLOOKER)
    asyncio.run(broker.start())
    onlooker = Client(broker.inner, Actor(vouching.of("onlooker")).context(vouching), None)
    onlooker.subscribe("#", "$SYS/#")
    try:
        yield Ground(broker, vouching, onlooker)
    finally:
        onlooker.close()
        broker.kill()


@contextmanager
def connected(ground: Ground, who: Actor, called: str | None = None) -> Iterator[Client]:
    port = ground.broker.inner if who.inner else ground.broker.port
    client = Client(port, who.context(ground.vouching), called or who.claims)
    try:
        yield client
    finally:
        client.close()


def reached(ground: Ground, payload: str) -> set[str]:
    """Return the topics on which the onlooker has heard this, when it has heard all so far."""
    marker = f"marker-{time.monotonic_ns()}"
    ground.onlooker.publish("marker", marker, retain=False)
    deadline = time.monotonic() + PATIENCE
    while ("marker", marker) not in ground.onlooker.heard:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return {topic for topic, said in ground.onlooker.heard if said == payload}


def tries(ground: Ground, called: str, who: Actor) -> list[str]:
    """Return what somebody who could connect can do, as a row of the table."""
    name = who.name
    topics = {
        "own": f"{ROOT}/{who.own.format(name=name)}",
        "others": f"{ROOT}/vantage/{'dan' if name == 'yun' else 'yun'}/daemon",
        "ack": f"{ROOT}/ack/{'dan' if name in ('city', '+', '#') else name}",
        "order": f"{ROOT}/command/city/planned",
        "$SYS": "$SYS/broker/version",
        "elsewhere": "elsewhere",
    }
    with connected(ground, who) as client:
        codes = {topic: client.publish(topic, called) for topic in topics.values()}
    there = reached(ground, called)
    assert {topic for topic, code in codes.items() if code < 0x80} == there, (
        "what is said is not what is done"
    )
    done = ["yes" if topic in there else "no" for topic in topics.values()]
    return [*done, "yes" if reached(ground, f"will of {called}") else "no"]


def reads(ground: Ground, who: Actor) -> str:
    """Return what a subscription to everything brings of what is retained."""
    for canary in CANARIES:
        ground.onlooker.publish(
            f"{ROOT}/{canary}/canary" if canary != "elsewhere" else canary, f"canary {canary}"
        )
        if canary.startswith("ack/"):
            ground.onlooker.publish(f"{ROOT}/{canary}", f"canary {canary}")
    with connected(ground, who) as client:
        client.subscribe("#", "$SYS/#", f"{ROOT}/#", f"{ROOT}/vantage/+/#")
        client.publish("nowhere", "what was retained has come before the answer to this")
        found = {said.removeprefix("canary ") for _, said in client.heard if said.startswith("canary ")}
        found |= {"$SYS" for topic, _ in client.heard if topic.startswith("$SYS")}
    return ",".join(sorted(found, key=[*CANARIES, "$SYS"].index)) or "nothing"


def row(ground: Ground, called: str, who: Actor) -> list[str]:
    port = ground.broker.inner if who.inner else ground.broker.port
    others = f"{ROOT}/vantage/{'dan' if who.name == 'yun' else 'yun'}/daemon"
    context = who.context(ground.vouching)
    if not knock(port, context, others, f"will of {called}"):
        return [called, refusal(port, context), *"-" * 8]
    return [called, "yes", *tries(ground, called, who), reads(ground, who)]


def aligned(rows: list[list[str]]) -> str:
    """Lay rows out as the table above."""
    head = EXPECTED.strip().splitlines()[0]
    starts = [head.index(word) for word in head.split()]
    widths = [after - start for start, after in zip(starts, [*starts[1:], 0], strict=True)][:-1]
    lines = [
        "".join(f"{cell:<{width}}" for cell, width in zip(one, [*widths, 0], strict=True)) for one in rows
    ]
    return "\n".join(["", head, *(line.rstrip() for line in lines), ""])


def test_everybody_can_do_what_the_table_says_and_nothing_else(ground, actors):
    found = aligned([row(ground, called, who) for called, who in actors.items()])
    print(found)

    assert found == EXPECTED
    assert any(topic.startswith("$SYS/") for topic, _ in ground.onlooker.heard), "there was nothing to read"


def test_nobody_takes_over_the_connection_of_another_by_using_its_client_id(ground, actors):
    with (
        connected(ground, actors["city"], called="city") as city,
        connected(ground, actors["dan"], called="city"),
        connected(ground, actors["dan, says city"]),
    ):
        city.publish(f"{ROOT}/event", "still here")
        ended = city.ended

    assert "still here" in {said for _, said in ground.onlooker.heard}
    assert ended == 0


def granted():
    """Return the filters of the shipped ACL by who has them and what for, those in comments too."""
    who, found = "", []
    for line in (SHIPPED / "command-monitor.acl").read_text().splitlines():
        match line.removeprefix("#").split():
            case ["user", name]:
                who = name
            case ["topic", access, pattern]:
                found.append((who, access, pattern))
            case ["pattern", access, pattern]:
                found.append(("%u", access, pattern))
    return found


def may(who, access, topic):
    """Tell whether the shipped ACL lets somebody do that."""
    return any(
        matches(pattern.replace("%u", who), topic)
        for name, kind, pattern in granted()
        if name in (who, "%u") and access in kind
    )


def test_every_topic_of_the_contract_may_be_written_by_who_says_it_and_read_by_who_hears_it():
    contract = yaml.safe_load((DOCS / "asyncapi.yaml").read_text())["channels"]
    values = {"vantage": "city", "matter": "planned", "check": "danjiangkou/server/backup"}
    topics = {
        name: re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "x"), channel["address"])
        for name, channel in contract.items()
    }
    others = {"vantage_daemon", "vantage_belief", "vantage_log", "ack", "order", "answer", "heartbeat"}
    for name in topics.keys() - others:
        assert may("city", "write", topics[name]), name
        assert all(may(who, "read", topics[name]) for who in ("duty", "grafana", "province")), name
    for name in ("vantage_daemon", "vantage_belief", "vantage_log", "ack"):
        of_dan = topics[name].replace("city", "dan")
        assert may("city", "read", of_dan), name
        assert may("dan", "read", of_dan), name
        assert may("dan", "write", of_dan) == (name != "ack"), name
        assert not may("yun", "read", of_dan), name
    assert may("duty", "write", topics["order"])
    assert may("city", "write", topics["answer"])
    assert may("city", "read", topics["heartbeat"])
    assert may("backup-server", "write", topics["heartbeat"].replace("/x", ""))
