"""The contract as documents: JSON Schemas and an AsyncAPI 3.0 description, made from the models."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from monitor import __version__
from monitor.core.health import SubjectKind
from monitor.outputs.mqtt.alarm import AlarmPayload
from monitor.outputs.mqtt.heartbeats import HEARTBEAT, HeartbeatPayload
from monitor.outputs.mqtt.incident import IncidentPayload
from monitor.outputs.mqtt.orders import ANSWER, ORDER, AnswerPayload, OrderPayload
from monitor.outputs.mqtt.payloads import (
    CenterStatus,
    CircuitStatus,
    DaemonPayload,
    DeviceStatus,
    EventPayload,
    LinkStatus,
    NetworkStatus,
)
from monitor.outputs.mqtt.topics import ALARM, DAEMON, EVENT, INCIDENT, SHAPES

Document = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_STATUSES: dict[SubjectKind, type[BaseModel]] = {
    SubjectKind.CENTER: CenterStatus,
    SubjectKind.LINK: LinkStatus,
    SubjectKind.CIRCUIT: CircuitStatus,
    SubjectKind.DEVICE: DeviceStatus,
    SubjectKind.NETWORK: NetworkStatus,
}


class Channel(NamedTuple):
    """What is said on one topic."""

    shape: str
    """Topic below the root; names in braces stand for levels."""
    model: type[BaseModel]
    retained: bool
    taken: bool = False
    """It is told to daemons, not by them."""


Channels = Mapping[str, Channel]
"""By name."""

CHANNELS: Channels = {
    **{str(kind): Channel(SHAPES[kind], model, retained=True) for kind, model in _STATUSES.items()},
    "incident": Channel(INCIDENT, IncidentPayload, retained=True),
    "alarm": Channel(ALARM, AlarmPayload, retained=True),
    "event": Channel(EVENT, EventPayload, retained=False),
    "daemon": Channel(DAEMON, DaemonPayload, retained=True),
}
"""What this output tells."""

ORDERS: Channels = {
    "order": Channel(ORDER, OrderPayload, retained=False, taken=True),
    "answer": Channel(ANSWER, AnswerPayload, retained=False),
    "heartbeat": Channel(HEARTBEAT, HeartbeatPayload, retained=False, taken=True),
}
"""What it is told, if the settings say so, and answers."""

_PARAMETERS = {
    "center": "Id of a command center, from the inventory.",
    "network": "Id of an upper network, from the inventory: `city`, `province`.",
    "role": "`primary` or `backup`.",
    "device": "Key of a device at its center, from the inventory.",
    "id": "Id of an incident or an alarm, the date and time of its first miss: `20261124-091407`.",
    "matter": "What the order is about: `planned`, `report` or `alarm`.",
    "vantage": "Id of the place where the daemon runs, from the inventory.",
    "check": "Readable path of a check, `danjiangkou/province/primary/icmp`: as many levels as it has.",
}


def schemas(channels: Channels = CHANNELS) -> dict[str, Document]:
    """Return the JSON Schema of each payload, by channel; each stands on its own."""
    return {
        name: {"$schema": DIALECT, **channel.model.model_json_schema(mode="serialization")}
        for name, channel in channels.items()
    }


def asyncapi(root: str, channels: Channels = CHANNELS) -> Document:
    """Return the AsyncAPI document of what daemons tell below *root*."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "command-monitor on MQTT",
            "version": __version__,
            "description": "What daemons tell about the command network, and each other. The rules for "
            "consumers (freshness, epochs, order) stand in docs/mqtt.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(root, name, channel) for name, channel in channels.items()},
        "operations": {name: _operation(name, channel) for name, channel in channels.items()},
        "components": {
            "messages": {name: _message(name, channel.model) for name, channel in channels.items()},
            "schemas": _components(channels),
        },
    }


def _channel(root: str, name: str, channel: Channel) -> Document:
    document: Document = {
        "address": f"{root}/{channel.shape}",
        "description": _first_line(channel.model),
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }
    named = {
        key: {"description": words} for key, words in _PARAMETERS.items() if f"{{{key}}}" in channel.shape
    }
    return document | ({"parameters": named} if named else {})


def _operation(name: str, channel: Channel) -> Document:
    return {
        "action": "receive" if channel.taken else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": _first_line(channel.model),
        "bindings": {"mqtt": {"qos": 1, "retain": channel.retained, "bindingVersion": "0.2.0"}},
    }


def _message(name: str, model: type[BaseModel]) -> Document:
    return {
        "name": name,
        "summary": _first_line(model),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _components(channels: Channels) -> Document:
    models = [(channel.model, "serialization") for channel in channels.values()]
    _, together = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type] # literal
    return dict(together["$defs"])


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]
