"""Somebody who speaks under a county's name and means no good: floods, poison, wrong topics, old words.

As a program it floods a broker of the lab, so many messages a second for so many seconds, and ends:

    python -m tests.lab.hostile ADDRESS VANTAGE RATE SECONDS
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.lab.netns import inside
from tests.lab.programs import PORT, until
from tests.lab.watched import ROOT

BEAT = 0.01
"""Seconds between two handfuls of a flood."""
MOST = 10_000
"""Messages a second; a flood beyond it is not made."""
LONGEST = 120.0
"""Seconds that a flood may last."""

Message = tuple[str, bytes]
"""Topic, or what of it comes after `vantage/<name>/`, and payload."""


class Mouth:
    """Says anything on a broker, from within a namespace, and remembers what it hears below a filter."""

    def __init__(self, namespace: str, host: str, name: str, heard: str | None = None) -> None:
        """Prepare to speak under *name* at the broker *host*, and to record what is said below *heard*."""
        self.recorded: list[Message] = []
        """Whole topics and payloads, as they came."""
        self.kept: set[str] = set()
        """Topics of what the broker had kept."""
        self._listens = threading.Event()
        self._namespace, self._host, self._heard = namespace, host, heard
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name)
        self._client.on_message = self._take
        self._client.on_subscribe = lambda *_: self._listens.set()

    def __enter__(self) -> Self:
        heard = self._heard
        if heard is not None:
            self._client.on_connect = lambda client, *_: client.subscribe(heard, 1)
        inside(self._namespace, self._client.connect, self._host)
        inside(self._namespace, self._client.loop_start)
        until(self._client.is_connected, what="a stranger is connected")
        assert heard is None or self._listens.wait(10), "nobody may listen"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        self._client.publish(topic, payload, 1, retain).wait_for_publish(10)

    def _take(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.recorded.append((message.topic, message.payload))
        if message.retain:
            self.kept.add(message.topic)


def retained(namespace: str, host: str) -> set[str]:
    """Return the topics under which a broker keeps anything now."""
    with Mouth(namespace, host, f"newcomer-{time.monotonic_ns()}", f"{ROOT}/#") as newcomer:
        mark = (f"{ROOT}/lab/mark", str(time.monotonic_ns()).encode())
        newcomer.say(*mark)
        until(lambda: mark in newcomer.recorded, what="a newcomer heard all that is retained")
        return newcomer.kept


def stamp(vantage: str, n: int, **more: object) -> dict[str, Any]:
    """Return what every word of an agent begins with."""
    return {
        "vantage": vantage,
        "boot": "feedfacefeedface",
        "session": 1,
        "n": n,
        "sent_at": time.time(),
        **more,
    }


def belief(vantage: str, n: int, check: str, **more: object) -> dict[str, Any]:
    """Return a belief as an agent would tell it."""
    return stamp(
        vantage,
        n,
        check=check,
        subject=check.rpartition("/")[0],
        verdict="down",
        suspected=False,
        reason="timeout",
        since=time.time(),
        valid_for=30.0,
        rtt=None,
        loss=1.0,
        **more,
    )


def encoded(word: dict[str, Any]) -> bytes:
    """Return a word as it is published."""
    return json.dumps(word).encode()


def chunk(vantage: str, n: int, *entries: dict[str, Any], **more: object) -> dict[str, Any]:
    """Return a part of a log as an agent would tell it."""
    parts = {"log": "feedface", "after": n, "upto": n + len(entries), "entries": list(entries), **more}
    return stamp(vantage, n, **parts)


def entry(seq: int, subject: str, **more: object) -> dict[str, Any]:
    """Return an event as it stands in a part of a log."""
    data = {"kind": "center", "was": "up", "now": "down", "suspected": False}
    made = {"boot": "feedfacefeedface", "seq": seq, "at": time.time(), "kind": "status", "subject": subject}
    return {**made, "data": data, **more}


def poison(vantage: str) -> Iterator[Message]:
    """Give messages that no honest daemon sends, each bad in its own way."""
    check = f"{vantage}/city/primary/icmp"
    good, log = belief(vantage, 1, check), f"poisoned-{time.time_ns()}"

    def at(end: str, **spoilt: object) -> Message:
        return end, encoded({**good, **spoilt})

    told = f"belief/{check}"
    yield told, b"not json"
    yield told, b"\xff\xfe\x00"
    yield told, b"[1, 2, 3]"
    yield told, b"{" * 20_000
    yield told, b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    yield told, json.dumps(good).replace('"loss": 1.0', '"loss": NaN').encode()
    yield told, json.dumps(good).replace('"loss": 1.0', '"loss": 1e999').encode()
    yield at(told, verdict="splendid")
    yield at(told, extra="key")
    yield at(told, vantage="danjiangkou")
    yield at(told, check="danjiangkou/city/primary/icmp")
    yield at(told, n=-1)
    yield at(told, n=2**70)
    yield at(told, sent_at=1e300)
    yield at(told, valid_for=-5)
    yield at(told, boot="x" * 10_000)
    yield at(told, reason="\x1b[2J" * 2_000)
    yield at("belief/" + "a/" * 150 + "icmp")
    yield "log", b"x" * 64_000
    yield "log", encoded(chunk(vantage, 1, after=10, upto=2))
    yield "log", encoded(chunk(vantage, 0, entry(0, vantage), log=log))
    yield "log", encoded(chunk(vantage, 1, entry(1, "a b\n#"), log=log))
    yield "log", encoded(chunk("yunxi", 1, entry(1, vantage)))
    yield "log", encoded(chunk(vantage, 1, entry(1, vantage, data=_deep(200))))
    yield "log", encoded(chunk(vantage, 1, *(entry(n, vantage) for n in range(1, 202))))
    yield "daemon", b"null"
    yield "daemon", encoded(stamp(vantage, 1, state="asleep"))


def _deep(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"a": made}
    return made


def flood(address: str, vantage: str, rate: int, seconds: float) -> int:
    """Say *rate* messages a second, half beliefs and half log, waiting for nobody; return how many."""
    rate, seconds = min(rate, MOST), min(seconds, LONGEST)
    check = f"{vantage}/city/primary/icmp"
    said, began = 0, time.monotonic()
    with socket.create_connection((address, PORT), 5) as line:
        line.sendall(_connect(f"flood-{vantage}"))
        line.recv(4)
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate)
            handful = bytearray()
            for n in range(said, due):
                if n % 2:
                    handful += _publish(f"{ROOT}/vantage/{vantage}/belief/{check}", belief(vantage, n, check))
                else:
                    handful += _publish(
                        f"{ROOT}/vantage/{vantage}/log", chunk(vantage, n, entry(n + 1, vantage))
                    )
            said = due
            line.sendall(handful)
            time.sleep(BEAT)
        line.sendall(b"\xe0\x00")
    return said


def _connect(name: str) -> bytes:
    """Return a CONNECT with a clean session (MQTT 3.1.1, section 3.1)."""
    client = name.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(client).to_bytes(2, "big") + client
    return b"\x10" + _length(len(body)) + body


def _publish(topic: str, payload: dict[str, Any]) -> bytes:
    """Return a PUBLISH of QoS 0, not retained (MQTT 3.1.1, section 3.3)."""
    where = topic.encode()
    body = len(where).to_bytes(2, "big") + where + encoded(payload)
    return b"\x30" + _length(len(body)) + body


def _length(size: int) -> bytes:
    """Return a remaining length (MQTT 3.1.1, section 2.2.3)."""
    found = bytearray()
    while True:
        size, low = divmod(size, 128)
        found.append(low | (128 if size else 0))
        if not size:
            return bytes(found)


if __name__ == "__main__":
    _address, _vantage, _rate, _seconds = sys.argv[1:]
    print(flood(_address, _vantage, int(_rate), float(_seconds)))
