"""mqtt others: two daemons that tell the same subjects below one root are told of, and nobody else is."""

import json
import time
from dataclasses import dataclass, replace

import pytest

from monitor.core.inventory import Name
from monitor.core.world import World
from monitor.kit.mqtt import Delivery
from monitor.outputs.mqtt.others import MOST, Others
from tests.board import city
from tests.listener import listening
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.outputs.mqtt_ground import DAEMON, ROOT, is_online, online, telling

NOW = 1_790_000_000.0
TOPIC = f"{ROOT}/status/danjiangkou"


@dataclass
class Ground:
    """One daemon's memory of the others, with clocks that the test moves."""

    passed: float = 0.0

    def __post_init__(self):
        self.others = Others("shiyan", wall=lambda: NOW + self.passed, clock=lambda: self.passed)

    async def say(self, vantage="xiangyang", *, retained=False, level=None, **told):
        said = {"vantage": vantage, "state": "online", "at": NOW, "valid_for": 30.0} | told
        payload = json.dumps(said).encode()
        await self.others.hear(Delivery(f"{ROOT}/daemon/{level or vantage}", payload, retained))

    def see(self, *topics, vantage="xiangyang"):
        self.others.seen(dict.fromkeys(topics or [TOPIC], vantage), lambda topic: topic.startswith(TOPIC))

    @property
    def rival(self):
        overlap = self.others.overlap()
        return overlap and overlap.vantage


@pytest.fixture
def ground():
    return Ground()


async def test_an_overlap_is_another_one_online_whose_name_stands_on_our_topics(ground):
    await ground.say()
    before = ground.rival
    ground.see(TOPIC, f"{TOPIC}/link/city", f"{ROOT}/status/elsewhere")

    assert before is None
    assert (ground.rival, ground.others.overlap().topics, ground.others.overlap().topic) == (
        "xiangyang", 2, TOPIC,
    )  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"vantage": "shiyan"}, id="ourselves"),
        pytest.param({"level": "other"}, id="in-another-name"),
        pytest.param({"state": "offline"}, id="offline"),
        pytest.param({"retained": True, "at": NOW - 31}, id="retained-and-old"),
        pytest.param({"retained": True, "at": "yesterday"}, id="retained-without-a-time"),
        pytest.param({"valid_for": "long"}, id="without-validity"),
        pytest.param({"valid_for": float("nan")}, id="valid-for-no-number"),
        pytest.param({"valid_for": -1}, id="valid-for-less-than-nothing"),
        pytest.param({"valid_for": 10**400}, id="valid-for-beyond-all-numbers"),
        pytest.param({"retained": True, "at": -(10**400)}, id="retained-before-all-times"),
        pytest.param({"vantage": "UP" * 20}, id="with-a-name-that-is-none"),
    ],
)
async def test_who_is_not_another_one_online_is_no_rival(ground, said):
    await ground.say(**said)
    ground.see(vantage=said.get("vantage", "xiangyang"))

    assert ground.rival is None


@pytest.mark.parametrize("payload", [b"", b"{" * 5000, b"[1]", b"\xff", b'{"vantage": ["xiangyang"]}'])
async def test_what_cannot_be_understood_is_nobody(ground, payload):
    await ground.others.hear(Delivery(f"{ROOT}/daemon/xiangyang", payload, retained=False))
    ground.see()

    assert ground.rival is None


async def test_a_farewell_ends_it_at_once_and_silence_after_its_validity(ground):
    rivals = []
    for end in ({"state": "offline"}, None):
        await ground.say()
        ground.see()
        rivals.append(ground.rival)
        if end:
            await ground.say(**end)
        else:
            ground.passed += 30.1
        rivals.append(ground.rival)

    assert rivals == ["xiangyang", None, "xiangyang", None]


async def test_a_word_is_believed_an_hour_at_most(ground):
    await ground.say(valid_for=1e300)
    ground.see()
    ground.passed = 3601

    assert ground.rival is None


async def test_a_new_neighbour_is_looked_at_ever_more_seldom_and_a_rival_each_time(ground):
    looked = []
    for _ in range(16):
        await ground.say()
        looked.append(ground.others.worth_a_look())
    ground.see()
    looked.append(ground.others.worth_a_look())

    assert [n for n, look in enumerate(looked, 1) if look] == [1, 2, 4, 8, 16, 17]


async def test_without_neighbours_there_is_nothing_to_look_for(ground):
    looked = [ground.others.worth_a_look() for _ in range(3)]

    assert looked == [False] * 3


async def test_a_thousand_invented_names_are_remembered_and_no_more(ground):
    for n in range(MOST + 10):
        await ground.say(f"v{n}")

    assert len(ground.others._known) == MOST


def elsewhere() -> World:
    """Return the world of a daemon at another place that looks at the same centers."""
    world = city.world()
    vantages = {
        "xiangyang": replace(world.inventory.vantages["shiyan"], id="xiangyang", name=Name("襄阳", "Xy"))
    }
    return replace(
        world, vantage="xiangyang", boot="boot-x", inventory=replace(world.inventory, vantages=vantages)
    )


@pytest.mark.server
@needs_mosquitto
async def test_two_daemons_below_one_root_see_each_other_and_see_that_it_is_over(tmp_path, capfd):
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, city.world(), valid_for=1.5) as first,
    ):
        await online(listener)
        calm = first.own.trouble
        async with telling(broker.port, elsewhere(), valid_for=1.5) as second:
            await second.until(lambda own: "shiyan tells" in own.trouble)
            await first.until(lambda own: "xiangyang tells" in own.trouble)
            words = first.own.trouble
            assert second.own.connected
        await first.until(lambda own: not own.trouble)
    log = capfd.readouterr().out

    assert calm == ""
    assert words.endswith("each overwrites the other, give one of them another root")
    assert log.count("mqtt.overlap ") == 2
    assert log.count("mqtt.overlap_over") == 1


@pytest.mark.server
@needs_mosquitto
async def test_two_daemons_with_different_subjects_live_together_below_one_root(tmp_path):
    world = elsewhere()
    names = {"gucheng": Name("谷城县", "Gucheng")}
    vantages = world.inventory.vantages
    other = city.world(names)
    other = replace(
        other,
        vantage="xiangyang",
        boot="boot-x",
        inventory=replace(other.inventory, vantages=vantages),
        statuses={k: s for k, s in other.statuses.items() if not k.startswith("network/")},
    )
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, city.world(), valid_for=0.6) as first,
        telling(broker.port, other, valid_for=0.6) as second,
    ):
        await listener.until(is_online)
        beats = len(listener.on(DAEMON)) + 4
        await listener.until(lambda _: len(listener.on(DAEMON)) >= beats)
        troubles = first.own.trouble, second.own.trouble

    assert troubles == ("", "")


@pytest.mark.server
@needs_mosquitto
async def test_what_a_daemon_left_that_is_no_more_is_no_overlap(tmp_path):
    async with mosquitto(tmp_path) as broker:
        async with telling(broker.port, elsewhere(), valid_for=300) as gone:
            await gone.until(lambda own: own.delivered > 30)
        began = time.monotonic()
        async with (
            listening(broker.port, f"{ROOT}/#") as listener,
            telling(broker.port, city.world(), valid_for=0.5) as output,
        ):
            await online(listener)
            await output.until(lambda _: time.monotonic() > began + 2)
            trouble = output.own.trouble

    assert trouble == ""
