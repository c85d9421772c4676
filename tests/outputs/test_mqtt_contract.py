"""mqtt contract: what is published is what the schemas, the AsyncAPI document and docs/mqtt.md say."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest
import yaml

from monitor.cli.asyncapi import EVERYTHING, document
from monitor.core.agent import Agent, Presence
from monitor.core.alarm import Answer
from monitor.core.health import Health
from monitor.core.inventory import Role
from monitor.core.vitals import Vitals
from monitor.kit.mqtt import matches
from monitor.outputs.mqtt.payloads import AgentPayload, OutputVitalsPayload, StoreVitalsPayload, VitalsPayload
from monitor.outputs.mqtt.schema import CHANNELS, asyncapi, schemas
from monitor.vantages.wire import Entry
from tests.authority import Authority
from tests.board import city
from tests.listener import listening
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.outputs.mqtt_ground import EVENT, ROOT, event, is_online, telling

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = re.compile(r"`(command/v1/\S+)`[^`]*```json\n(.*?)```", re.DOTALL)


def addresses():
    """Return the filter of each channel, by name."""
    whole = asyncapi(ROOT, EVERYTHING)["channels"]
    return {n: re.sub(r"\{\w+\}", "+", c["address"].replace("{check}", "#")) for n, c in whole.items()}


def channel_of(topic):
    found = [name for name, pattern in addresses().items() if matches(pattern, topic)]
    assert len(found) == 1, topic
    return found[0]


def validate(topic, payload):
    """Hold one payload to the published schema of its topic."""
    schema = schemas(EVERYTHING)[channel_of(topic)]
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(payload)
    assert payload.keys() == schema["properties"].keys()


def gathering():
    """Return a world and vitals with something in every part of them: incidents, agents, a backup."""
    world, vitals = city.alarmed(city.blamed(), Answer("zhang", "sms", 1.0, name="张伟")), Vitals()
    world.agents["yunyang"] = Agent("yunyang", Presence.ONLINE, 1.0, "b", 2, 1.0, clock_offset=-3600.0)
    world.agents["wudangshan"] = Agent("wudangshan")
    vitals.store.backup_at, vitals.store.trouble = 1_790_000_000.0, "disk full"
    return world, vitals


@pytest.mark.server
@needs_mosquitto
async def test_everything_published_is_as_the_schemas_say(tmp_path):
    world, vitals = gathering()
    async with mosquitto(tmp_path) as broker, listening(broker.port, f"{ROOT}/#") as listener:
        async with telling(broker.port, world, vitals, keepalive=1) as output:
            await listener.until(is_online)
            output.feed.tell(event(1, rtt=0.1, list=[1, None, {"a": True}]))
            output.feed.tell(replace(event(1), vantage="yunyang", received_at=1_790_000_000.0))
            await listener.until(lambda _: len(listener.on(EVENT)) == 2)
        await listener.until(lambda heard: '"stopped"' in heard[-1].payload)
    told = [h for h in listener.heard if not h.topic.endswith("/echo")]
    for heard in told:
        validate(heard.topic, heard.told)

    assert {channel_of(h.topic) for h in told} == set(CHANNELS)


@pytest.mark.server
@needs_mosquitto
async def test_both_forms_of_a_time_say_the_same(tmp_path):
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, city.cut()),
    ):
        await listener.until(is_online)
    pairs = [
        (h.told[key], datetime.fromisoformat(h.told[f"{key}_iso"]))
        for h in listener.heard
        for key in ("at", "since")
        if f"{key}_iso" in h.payload
    ]

    assert pairs
    assert all(iso.timestamp() == unix and iso.utcoffset() is not None for unix, iso in pairs)


def test_the_published_document_is_current():
    assert (DOCS / "asyncapi.yaml").read_text(encoding="utf-8") == document(ROOT)


def test_every_reference_in_the_document_leads_somewhere():
    whole = yaml.safe_load(document(ROOT))
    for reference in re.findall(r"\$ref: '#/([^']+)'", document(ROOT)):
        part = whole
        for key in reference.split("/"):
            part = part[key]

        assert part is not None


def test_every_parameter_of_an_address_is_described():
    for name, channel in asyncapi(ROOT, EVERYTHING)["channels"].items():
        named = set(re.findall(r"\{(\w+)\}", channel["address"]))

        assert named == channel.get("parameters", {}).keys(), name


def test_each_schema_is_a_schema():
    for schema in schemas(EVERYTHING).values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_key_is_described_or_named_by_itself():
    plain = {"name", "kind", "center", "network", "role", "device", "subject", "zh", "en", "vitals"}
    plain |= {"state", "verdict", "entries"}
    for channel in EVERYTHING.values():
        for key, known in channel.model.model_fields.items():
            assert known.description or key in plain, f"{channel.model.__name__}.{key}"


def test_the_manual_names_every_topic_key_and_word():
    manual = (DOCS / "mqtt.md").read_text(encoding="utf-8")
    words = {str(word) for word in (*Health, *Role, *Presence)}
    words |= {"starting", "online", "offline", "stopped", "lost"}
    keys = {key for schema in schemas(EVERYTHING).values() for key in schema["properties"]}
    for model in (VitalsPayload, StoreVitalsPayload, OutputVitalsPayload, AgentPayload, Entry):
        keys |= model.model_fields.keys()
    topics = {re.sub(r"\{(\w+)\}", r"<\1>", channel.shape) for channel in EVERYTHING.values()}

    assert [word for word in sorted(words | keys | topics) if f"`{word}`" not in manual] == []


def test_the_examples_in_the_manual_are_true():
    examples = EXAMPLE.findall((DOCS / "mqtt.md").read_text(encoding="utf-8"))
    for topic, payload in examples:
        validate(topic, json.loads(payload))

    assert {channel_of(topic) for topic, _ in examples} >= {"center", "link", "circuit", "event", "daemon"}


def files_in_the_manual():
    """Return the broker's configuration and its ACL as the manual gives them."""
    manual = (DOCS / "mqtt.md").read_text(encoding="utf-8")
    return [
        re.search(rf"```conf\n# {name}\n(.*?)```", manual, re.DOTALL)[1]
        for name in (r"mosquitto\.conf", "acl")
    ]


@pytest.fixture
async def manuals_broker(tmp_path):
    """Run a broker with the files of the manual, in the test's folder."""
    authority = Authority(tmp_path, "ca")
    authority.issue("broker")
    conf, acl = files_in_the_manual()
    conf = re.sub(r"/etc/mosquitto/|/var/lib/mosquitto/", f"{tmp_path}/", conf)
    (tmp_path / "acl").write_text(acl)
    async with mosquitto(tmp_path, *conf.splitlines()[1:]) as broker:
        yield broker, authority


def identity(authority, name):
    pair = authority.issue(name)
    return {"ca": authority.file, "cert": pair.cert, "key": pair.key}


def as_options(tls, name):
    flags = {"ca": "--cafile", "cert": "--cert", "key": "--key"}
    return (*(part for key, flag in flags.items() for part in (flag, str(tls[key]))), "-i", name)


@pytest.mark.server
@needs_mosquitto
async def test_the_broker_of_the_manual_takes_all_from_the_daemon_and_lets_the_duty_room_read(manuals_broker):
    broker, authority = manuals_broker
    duty, stranger = identity(authority, "duty"), identity(authority, "stranger")
    async with (
        listening(broker.port, "#", options=as_options(stranger, "stranger")) as outsider,
        listening(broker.port, f"{ROOT}/#", options=as_options(duty, "duty")) as listener,
        telling(broker.port, city.cut(), tls=identity(authority, "city"), client_id="city") as output,
    ):
        await listener.until(is_online)
        output.feed.tell(event(1))
        await listener.until(lambda _: listener.on(EVENT))
        doing = output.own.failed, output.own.trouble

    assert doing == (0, "")
    assert outsider.heard == []


@pytest.mark.server
@needs_mosquitto
@pytest.mark.parametrize("name", ["duty", "stranger"])
async def test_the_broker_of_the_manual_lets_nobody_else_write(manuals_broker, name):
    broker, authority = manuals_broker
    async with telling(broker.port, city.world(), tls=identity(authority, name), client_id=name) as output:
        await output.until(lambda own: own.failed > 10)

    assert output.own.delivered == 0
