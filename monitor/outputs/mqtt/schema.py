"""The contract as documents: JSON Schemas and an AsyncAPI 3.0 description, made from the models."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from monitor import __version__
from monitor.core.health import SubjectKind
from monitor.outputs.mqtt.payloads import (
    CenterStatus,
    CircuitStatus,
    DaemonPayload,
    DeviceStatus,
    EventPayload,
    LinkStatus,
    NetworkStatus,
)
from monitor.outputs.mqtt.topics import DAEMON, EVENT, SHAPES

Document = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_STATUSES: dict[SubjectKind, type[BaseModel]] = {
    SubjectKind.CENTER: CenterStatus,
    SubjectKind.LINK: LinkStatus,
    SubjectKind.CIRCUIT: CircuitStatus,
    SubjectKind.DEVICE: DeviceStatus,
    SubjectKind.NETWORK: NetworkStatus,
}

CHANNELS: dict[str, tuple[str, type[BaseModel], bool]] = {
    **{str(kind): (SHAPES[kind], model, True) for kind, model in _STATUSES.items()},
    "event": (EVENT, EventPayload, False),
    "daemon": (DAEMON, DaemonPayload, True),
}
"""By name: topic below the root, model of the payload, and whether it is retained."""

_PARAMETERS = {
    "center": "Id of a command center, from the inventory.",
    "network": "Id of an upper network, from the inventory: `city`, `province`.",
    "role": "`primary` or `backup`.",
    "device": "Key of a device at its center, from the inventory.",
    "vantage": "Id of the place where the daemon runs, from the inventory.",
}


def schemas() -> dict[str, Document]:
    """Return the JSON Schema of each payload, by channel; each stands on its own."""
    return {
        name: {"$schema": DIALECT, **model.model_json_schema(mode="serialization")}
        for name, (_, model, _) in CHANNELS.items()
    }


def asyncapi(root: str) -> Document:
    """Return the AsyncAPI document of what a daemon tells below *root*."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "command-monitor on MQTT",
            "version": __version__,
            "description": "What a daemon tells about the command network. The rules for consumers "
            "(freshness, epochs, order) stand in docs/mqtt.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(root, name) for name in CHANNELS},
        "operations": {name: _operation(name) for name in CHANNELS},
        "components": {
            "messages": {name: _message(name) for name in CHANNELS},
            "schemas": _components(),
        },
    }


def _channel(root: str, name: str) -> Document:
    shape, model, _ = CHANNELS[name]
    channel: Document = {
        "address": f"{root}/{shape}",
        "description": _first_line(model),
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }
    named = {key: {"description": words} for key, words in _PARAMETERS.items() if f"{{{key}}}" in shape}
    return channel | ({"parameters": named} if named else {})


def _operation(name: str) -> Document:
    _, model, retained = CHANNELS[name]
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": _first_line(model),
        "bindings": {"mqtt": {"qos": 1, "retain": retained, "bindingVersion": "0.2.0"}},
    }


def _message(name: str) -> Document:
    model = CHANNELS[name][1]
    return {
        "name": name,
        "summary": _first_line(model),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _components() -> Document:
    models = [(model, "serialization") for _, model, _ in CHANNELS.values()]
    _, together = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type] # literal
    return dict(together["$defs"])


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]
