"""The lab's city watched by the real daemon, and heard by a subscriber of a real mosquitto.

Both programs run in the municipal center's namespace; the subscriber's socket is made there.
"""

import contextlib
import json
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.lab.inventory import inventory
from tests.lab.lab import Lab
from tests.lab.netns import inside
from tests.lab.topology import CENTERS, CITY, DAEMON, NETWORKS, wires

ROOT = "command/v1"
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")

SETTINGS = """\
inventory: {folder}/city.yaml
vantage: city
state_dir: {folder}/state
http: {{listen: 127.0.0.1, port: 9770}}
mqtt: {{host: {broker}}}
log: {{format: json}}
"""

Payload = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """One message: when it came (monotonic seconds), where, what."""

    at: float
    topic: str
    payload: Payload
    retained: bool


class Ear:
    """Hears everything that is said on MQTT, and waits for what a test is looking for."""

    def __init__(
        self,
        name: str = "lab-ear",
        *,
        namespace: str = CITY,
        host: str = DAEMON,
        below: Sequence[str] = ("#",),
    ) -> None:
        self.heard: list[Heard] = []
        self._namespace, self._host = namespace, host
        self._filters = [(f"{ROOT}/{end}", 1) for end in below]
        self._well: set[str] = set()
        """Topics whose latest status says that all is well."""
        self._latest: dict[str, Payload] = {}
        self._news = threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name)
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe(self._filters)

    def open(self) -> None:
        """Connect from within the namespace, and stay there: a thread keeps the one it was started in."""
        inside(self._namespace, self._client.connect, self._host)
        inside(self._namespace, self._client.loop_start)

    def close(self) -> None:
        """Hang up; what was heard stays."""
        self._client.disconnect()
        self._client.loop_stop()

    def now(self) -> int:
        """Return a mark: what is heard after it comes later."""
        with self._news:
            return len(self.heard)

    def wait(self, wanted: Callable[[Heard], bool], *, since: int = 0, seconds: float = 15.0) -> Heard:
        """Return the first message after the mark *since* that is wanted; AssertionError if none comes."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for message in self.heard[since:]:
                    if wanted(message):
                        return message
                since = len(self.heard)
                self._wait(deadline, "nothing of the kind was heard")

    def status(self, subject: str, health: str, *, since: int = 0, seconds: float = 15.0) -> Heard:
        """Wait for the status of a subject to say *health*."""
        topic = topic_of(subject)
        return self.wait(
            lambda m: m.topic == topic and m.payload["health"] == health, since=since, seconds=seconds
        )

    def said(self, subject: str, health: str, *, since: int = 0) -> bool:
        """Tell whether the status of a subject was said to be *health* after the mark *since*."""
        topic = topic_of(subject)
        with self._news:
            return any(m.topic == topic and m.payload["health"] == health for m in self.heard[since:])

    def event(self, subject: str, *, since: int = 0, seconds: float = 15.0, **data: object) -> Heard:
        """Wait for an event about a subject that says all of *data*."""
        return self.wait(
            lambda m: (
                m.topic == f"{ROOT}/event"
                and m.payload["subject"] == subject
                and data.items() <= m.payload["data"].items()
            ),
            since=since,
            seconds=seconds,
        )

    def events(self, *, since: int = 0, **data: object) -> list[Payload]:
        """Return the events heard after the mark *since* that say all of *data*."""
        with self._news:
            told = [m.payload for m in self.heard[since:] if m.topic == f"{ROOT}/event"]
        return [payload for payload in told if data.items() <= payload["data"].items()]

    def latest(self, topic: str) -> Payload | None:
        """Return what was last said on a topic."""
        with self._news:
            return self._latest.get(topic)

    def settled(self, seconds: float = 30.0) -> None:
        """Wait until the latest word on every circuit, center and network is `up`, nothing suspected."""
        subjects = [*CENTERS, *(wire.id for wire in wires()), *(f"network/{name}" for name in NETWORKS)]
        topics = {topic_of(subject) for subject in subjects}
        deadline = time.monotonic() + seconds
        with self._news:
            while waited_for := topics - self._well:
                self._wait(deadline, f"not up: { {name: self._latest.get(name) for name in waited_for} }")

    def _wait(self, deadline: float, otherwise: str) -> None:
        left = deadline - time.monotonic()
        assert left > 0, otherwise
        self._news.wait(left)

    def _take(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        at = time.monotonic()
        if not message.payload or "/echo" in message.topic:
            return
        payload = json.loads(message.payload)
        well = payload.get("health") == "up" and not payload["suspected"]
        with self._news:
            self.heard.append(Heard(at, message.topic, payload, message.retain))
            (self._well.add if well else self._well.discard)(message.topic)
            self._latest[message.topic] = payload
            self._news.notify_all()


def retained(topic: str) -> Payload:
    """Return what the broker keeps under a topic, as somebody hears it who comes now."""
    newcomer = Ear(f"lab-{time.monotonic_ns()}")
    newcomer.open()
    try:
        return newcomer.wait(lambda m: m.topic == topic and m.retained).payload
    finally:
        newcomer.close()


def topic_of(subject: str) -> str:
    """Return the topic of the status of a center, a link, a circuit or a network, by its readable path."""
    first, *rest = subject.split("/")
    if first == "network":
        return f"{ROOT}/network/{rest[0]}"
    kinds = {0: "", 1: "/link/", 2: "/circuit/"}
    return f"{ROOT}/status/{first}{kinds[len(rest)]}{'/'.join(rest)}"


def page(path: str) -> str:
    """Return a page of the daemon's HTTP side, asked for from within the municipal center."""

    def fetch() -> str:
        with urlopen(f"http://127.0.0.1:9770{path}", timeout=5) as answer:
            return str(answer.read().decode())

    return inside(CITY, fetch)


def metric(name: str, subject: str, **labels: str) -> float:
    """Return the sample of a metric that speaks of this subject and has these labels."""
    return sample(name, **labels, subject=subject)


def sample(name: str, **labels: str) -> float:
    """Return the first sample of a metric that has these labels."""
    found = samples(name, **labels)
    assert found, f"{name} says nothing of {labels}"
    return found[0]


def samples(name: str, **labels: str) -> list[float]:
    """Return all samples of a metric that have these labels."""
    wanted = {f'{label}="{value}"' for label, value in labels.items()}
    found = []
    for line in page("/metrics").splitlines():
        named, _, rest = line.partition("{")
        told, _, value = rest.partition("}")
        if named == name and wanted <= set(told.split(",")):
            found.append(float(value))
    return found


@contextlib.contextmanager
def watched(lab: Lab, folder: Path, more: str = "") -> Iterator[Ear]:
    """Run broker and daemon, with *more* in its settings, until the whole city is up; lend the ear."""
    assert MOSQUITTO is not None
    (folder / "city.yaml").write_text(inventory(), encoding="utf-8")
    (folder / "settings.yaml").write_text(SETTINGS.format(folder=folder, broker=DAEMON) + more)
    conf = f"listener 1883 {DAEMON}\nallow_anonymous true\nset_tcp_nodelay true\nuser root\n"
    (folder / "mosquitto.conf").write_text(conf)
    lab.start(CITY, MOSQUITTO, "-c", str(folder / "mosquitto.conf"), log=folder / "mosquitto.log")
    _until(lambda: inside(CITY, _knock))
    ear = Ear()
    ear.open()
    command = (sys.executable, "-m", "monitor", "run", "--settings", str(folder / "settings.yaml"))
    daemon = lab.start(CITY, *command, log=folder / "daemon.log")
    try:
        ear.wait(lambda m: m.topic == f"{ROOT}/daemon/city" and m.payload["state"] == "online", seconds=20)
        ear.settled()
        yield ear
    finally:
        ear.close()
        lab.end(daemon)


def _until(wanted: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)


def _knock() -> bool:
    try:
        socket.create_connection((DAEMON, 1883), 1).close()
    except OSError:
        return False
    return True
