"""The reference of a file as Markdown tables, made from its model so that it cannot lag behind."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]


def tables(model: type[BaseModel]) -> str:
    """Return a table of the keys of *model*, and one of each kind of mapping inside it."""
    schema = model.model_json_schema()
    inner: dict[str, Schema] = {k: v for k, v in schema.get("$defs", {}).items() if "properties" in v}
    parts = [_table(schema, schema)]
    parts += [
        f"### {heading(name)}\n\n{part['description']}\n\n{_table(part, schema)}"
        for name, part in inner.items()
    ]
    return "\n".join(parts)


def options(model: type[BaseModel], filled: frozenset[str]) -> str:
    """Return a table of a probe kind's options but those that are *filled* in."""
    schema = model.model_json_schema()
    kept = {key: value for key, value in schema["properties"].items() if key not in filled}
    return _table({**schema, "properties": kept}, schema) if kept else "It has no options.\n"


def heading(model: str) -> str:
    """Return the heading under which a model's table stands, `circuit` for CircuitFile."""
    name = model.removesuffix("File")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _table(part: Schema, root: Schema) -> str:
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *_rows(part, root), ""])


def _rows(part: Schema, root: Schema) -> Iterator[str]:
    for key, value in part.get("properties", {}).items():
        required = key in part.get("required", ())
        cells = (f"`{key}`", _kind(value, root), _default(value, required=required), _meaning(value, root))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _meaning(value: Schema, root: Schema) -> str:
    text = value.get("description") or _target(value, root).get("description", "")
    return " ".join(str(text).split())


def _default(value: Schema, *, required: bool) -> str:
    if required:
        return "required"
    default = value.get("default")
    return "" if default in (None, "", {}, []) or isinstance(default, dict) else f"`{_plain(default)}`"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _target(value: Schema, root: Schema) -> Schema:
    name = str(value.get("$ref", "")).rpartition("/")[2]
    target = root.get("$defs", {}).get(name, {})
    return dict(target)


def _kind(value: Schema, root: Schema) -> str:
    """Say in words what may stand as a value."""
    if "$ref" in value:
        return _named(value, root)
    if "anyOf" in value:
        kinds = [_kind(choice, root) for choice in value["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in value:
        return " | ".join(f"`{word}`" for word in value["enum"])
    return _simple(value, root)


def _simple(value: Schema, root: Schema) -> str:
    match value.get("type"):
        case "object":
            entries = next(
                iter(value.get("patternProperties", {}).values()), value.get("additionalProperties")
            )
            return f"name → {_kind(entries, root)}" if isinstance(entries, dict) else "mapping"
        case "array":
            return f"list of {_kind(value['items'], root)}"
        case "integer" | "number" as kind:
            return ("whole number" if kind == "integer" else "number") + _range(value)
        case "boolean":
            return "`true` | `false`"
        case [*kinds] if "number" in kinds:
            return "text or number"
    return "path" if value.get("format") == "path" else "text"


def _named(value: Schema, root: Schema) -> str:
    name, target = value["$ref"].rpartition("/")[2], _target(value, root)
    if "properties" not in target:
        return _kind(target, root)
    title = heading(name)
    return f"[{title}](#{title.replace(' ', '-')})"


def _range(value: Schema) -> str:
    low = value.get("minimum", value.get("exclusiveMinimum"))
    high = value.get("maximum", value.get("exclusiveMaximum"))
    if low is None or high is None:
        return ""
    return (
        f", {_plain(low)} to {_plain(high)}"
        if "minimum" in value
        else f", above {_plain(low)} to {_plain(high)}"
    )
