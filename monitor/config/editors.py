"""JSON Schemas of the files, for editors: completion and a first check while typing.

They promise less than `command-monitor check`: in a center nothing is required, for its template may give it,
and an option may be a text with a variable in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from monitor.config.looks import OWN_KEYS
from monitor.ports import ChannelKind, ProbeKind

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_WITH_VARIABLE: Schema = {"type": "string", "pattern": r"\{[a-z]"}
_FROM_TEMPLATES = frozenset({"CenterFile", "LinkFile", "CircuitFile", "DeviceFile", "ContactFile"})
AIM = frozenset({"host", "source", "interface"})
"""Options that the inventory fills in."""


def schema_of(
    model: type[BaseModel], kinds: Mapping[str, ProbeKind], channels: Mapping[str, ChannelKind]
) -> Schema:
    """Return the JSON Schema of the file that *model* reads.

    Looks know the options of all *kinds*, and the settings' channels those of all *channels*.
    """
    schema = model.model_json_schema()
    definitions: dict[str, Schema] = schema.setdefault("$defs", {})
    for name, definition in definitions.items():
        if name in _FROM_TEMPLATES:
            definition.pop("required", None)
    if "LookFile" in definitions:
        definitions["LookFile"] = _of_kinds(definitions["LookFile"], kinds, "look")
        definitions |= dict(_kinds(definitions["LookFile"], kinds))
    if "ChannelSettings" in definitions:
        definitions["ChannelSettings"] = _of_kinds(definitions["ChannelSettings"], channels, "channel")
        definitions |= dict(_channels(definitions["ChannelSettings"], channels))
    for part in (schema, *definitions.values()):
        _allow_empty(part)
    if "NameFile" in definitions:
        definitions["NameFile"] = {"anyOf": [{"type": "string"}, definitions["NameFile"]]}
    return {"$schema": DIALECT, **schema}


def _of_kinds(part: Schema, kinds: Iterable[str], word: str) -> Schema:
    """Return *part* with what its `kind` may be, and what follows from that."""
    kind = {"enum": sorted(kinds), "description": part["properties"]["kind"]["description"]}
    return {
        **{key: part[key] for key in ("type", "description", "required") if key in part},
        "properties": {**part["properties"], "kind": kind},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{word}-{name}"},
            }
            for name in sorted(kinds)
        ],
    }


def _kinds(look: Schema, kinds: Mapping[str, ProbeKind]) -> Iterator[tuple[str, Schema]]:
    """Give the shape of a look of each kind: its own keys, the kind's options and nothing else."""
    own = {key: look["properties"][key] for key in sorted(OWN_KEYS)}
    for name, kind in kinds.items():
        options = kind.options.model_json_schema(ref_template=f"#/$defs/{name}-{{model}}")
        for inner, definition in options.get("$defs", {}).items():
            yield f"{name}-{inner}", definition
        properties = {key: _or_variable(option) for key, option in options["properties"].items()}
        yield (
            f"look-{name}",
            {
                "description": kind.summary,
                "properties": own | properties,
                "required": [key for key in options.get("required", ()) if key not in AIM],
                "additionalProperties": False,
            },
        )


def _channels(channel: Schema, kinds: Mapping[str, ChannelKind]) -> Iterator[tuple[str, Schema]]:
    """Give the shape of a channel of each kind; its secret never stands there."""
    for name, kind in kinds.items():
        options = kind.options.model_json_schema(ref_template=f"#/$defs/{name}-{{model}}")
        for inner, definition in options.get("$defs", {}).items():
            yield f"{name}-{inner}", definition
        properties = {key: option for key, option in options["properties"].items() if key != "password"}
        yield (
            f"channel-{name}",
            {
                "description": kind.summary,
                "properties": channel["properties"] | properties,
                "required": [key for key in options.get("required", ()) if key != "password"],
                "additionalProperties": False,
            },
        )


def _or_variable(option: Schema) -> Schema:
    about: Schema = {key: option[key] for key in ("description", "default", "title") if key in option}
    bare = {key: value for key, value in option.items() if key not in about}
    return {**about, "anyOf": [bare, _WITH_VARIABLE]}


def _allow_empty(part: Schema) -> None:
    """Let every key stand without a value: it counts as left out, or takes away what a template gave."""
    for key, value in part.get("properties", {}).items():
        _allow_empty_entries(value)
        if key not in part.get("required", ()):
            part["properties"][key] = _or_nothing(value)


def _allow_empty_entries(value: Schema) -> None:
    if "patternProperties" in value:
        value["patternProperties"] = {k: _or_nothing(v) for k, v in value["patternProperties"].items()}
        value["additionalProperties"] = False
    elif isinstance(value.get("additionalProperties"), dict):
        value["additionalProperties"] = _or_nothing(value["additionalProperties"])


def _or_nothing(value: Schema) -> Schema:
    about: Schema = {key: value[key] for key in ("description", "default", "title") if key in value}
    bare = {key: inner for key, inner in value.items() if key not in about}
    choices = bare["anyOf"] if set(bare) == {"anyOf"} else [bare]
    nothing: Schema = {"type": "null"}
    return {**about, "anyOf": choices if nothing in choices else [*choices, nothing]}
