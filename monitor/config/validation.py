"""From pydantic's errors to problems: each finds its line, its words, and what would have been right."""

import re
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from monitor.config.document import Node
from monitor.config.words import nearest, one_of, shown
from monitor.errors import Problem

Model = TypeVar("Model", bound=BaseModel)
Context = Mapping[str, Collection[str]]
"""The words that exist, by what they name: `carrier`, `network`, `profile`, `kind` …"""

_ROUNDS = 24
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "path_type": "a path",
    "none_required": "no value",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text like {pattern}",
    "too_short": "at least {min_length} of them",
}


def wanted(expected: str, hint: str = "", *, found: str = "") -> PydanticCustomError:
    """Return the error for a validator to raise: what was expected, and perhaps the nearest valid word.

    *found* stands for the value where that must not be repeated.
    """
    return PydanticCustomError("wanted", "{expected}", {"expected": expected, "hint": hint, "found": found})


def validated(model: type[Model], node: Node, context: Context) -> tuple[Model | None, list[Problem]]:
    """Return *node* as *model*, and all that is wrong with it.

    If something is wrong the model lacks it, so that what is left can be searched for other mistakes.
    """
    data = node.plain()
    try:
        return model.model_validate(data, context=context), []
    except ValidationError as error:
        return _salvaged(model, data, context, error), explained(error, node, model)


def explained(
    error: ValidationError, node: Node, model: type[BaseModel], *, also: Collection[str] = ()
) -> list[Problem]:
    """Return a problem for each mistake that *error* holds about *node*; keys *also* valid are named, too."""
    return [_problem(details, node, model, also) for details in error.errors(include_url=False)]


def truths(node: Node, model: type[BaseModel]) -> list[Problem]:
    """Return a problem for each true or false where *model* wants none: pydantic takes them for 1 and 0."""
    found = []
    fields = fields_at(model, ())
    for key, child in node.children().items():
        annotation = fields[key].annotation if key in fields else bool
        inner = _inner(annotation)
        if isinstance(child.value, bool) and bool not in {annotation, inner, *get_args(annotation)}:
            place = child.place
            found.append(Problem(place.file, place.line, place.key, shown(child.value), "a number or text"))
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            found += truths(child, inner)
    return found


def _problem(details: ErrorDetails, node: Node, model: type[BaseModel], also: Collection[str]) -> Problem:
    loc = [str(part) for part in details["loc"] if part != "[key]"]
    while loc and (child := node.child(loc[0])) is not None:
        node, loc = child, loc[1:]
    key = ".".join((*node.place.path, *loc))
    found, expected, hint = worded(details, model, also)
    return Problem(node.place.file, node.place.line, key, found, expected, hint)


def worded(details: ErrorDetails, model: type[BaseModel], also: Collection[str] = ()) -> tuple[str, str, str]:
    """Return what was found, what was expected and the hint of one mistake that pydantic found."""
    given, context, loc = details["input"], details.get("ctx", {}), details["loc"]
    match details["type"]:
        case "extra_forbidden":
            keys = {*fields_at(model, loc[:-1]), *also}
            return (
                f"the unknown key {shown(loc[-1])}",
                one_of(keys, "a key"),
                _meant(str(loc[-1]), keys, given),
            )
        case "missing":
            field = fields_at(model, loc[:-1]).get(str(loc[-1]))
            about = field.description if field is not None else None
            return "nothing", f"a value ({about.rstrip('.')})" if about else "a value", ""
        case "wanted":
            return context["found"] or shown(given), context["expected"], context["hint"]
        case "enum" | "literal_error":
            words = dict.fromkeys(re.findall(r"'([^']*)'", context["expected"]))
            return shown(given), one_of(words, "a word"), nearest(given, words)
        case "value_error":
            return shown(given), _advice(str(context["error"])), ""
    known = _EXPECTED.get(details["type"])
    expected = known.format_map(context) if known is not None else _plainly(details["msg"])
    return shown(given), expected, _quoted(given) if details["type"] == "string_type" else ""


def _meant(key: str, keys: Collection[str], given: object) -> str:
    """Guess what was meant by an unknown *key* with the value *given*."""
    if given is None and key.partition(":")[0] in keys:
        return "a space after the colon"
    return nearest(key, keys) or ("a text with a comma, in quotes" if given is None else "")


def _advice(text: str) -> str:
    """Word another module's ValueError, which says what is wrong or what was expected."""
    return text.removeprefix("expected ") if text.startswith("expected ") else f"something else: {text}"


def _plainly(message: str) -> str:
    message = message.removeprefix("Input should be ").removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _quoted(given: object) -> str:
    """Say what quotes would make of it: a variable of the mapping that `{n}` is, a text of a number."""
    if isinstance(given, dict) and len(given) == 1 and next(iter(given.values())) is None:
        return f'"{{{next(iter(given))}}}"'
    return f'"{shown(given)}"' if isinstance(given, int | float) else ""


def fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Mapping[str, Any]:
    """Return the fields of the model that stands at *loc* inside *model*."""
    at: object = model
    for part in loc:
        inner = _inner(at)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            field = _by_key(inner).get(str(part))
            at = field.annotation if field is not None else None
        else:
            at = get_args(inner)[-1] if get_args(inner) else None
    found = _inner(at)
    fields = _by_key(found) if isinstance(found, type) and issubclass(found, BaseModel) else {}
    return {key: field for key, field in fields.items() if not field.exclude}


def _by_key(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the fields of a model by the keys under which they stand in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inner(annotation: object) -> object:
    """Look through `Annotated[X, …]` and `X | None`."""
    if hasattr(annotation, "__metadata__"):
        return _inner(get_args(annotation)[0])
    some = [arg for arg in get_args(annotation) if arg is not type(None)]
    return _inner(some[0]) if len(some) == 1 and len(get_args(annotation)) > 1 else annotation


def _salvaged(model: type[Model], data: object, context: Context, error: ValidationError) -> Model | None:
    for _ in range(_ROUNDS):
        gone: list[list[int | str]] = []
        for details in error.errors(include_url=False, include_input=False, include_context=False):
            loc = [part for part in details["loc"] if part != "[key]"]
            if details["type"] == "missing":
                loc.pop()
            if any(loc[: len(path)] == path for path in gone):
                continue
            if not (dropped := _dropped(data, loc)):
                return None
            gone.append(dropped)
        try:
            return model.model_validate(data, context=context)
        except ValidationError as further:
            error = further
    return None


def _dropped(data: object, loc: list[int | str]) -> list[int | str]:
    """Take what stands at *loc* out of *data*, or the nearest mapping entry around it; return its path."""
    holder, path = None, list[int | str]()
    for part in loc:
        if not isinstance(data, MutableMapping) or part not in data:
            break
        holder, path, data = data, [*path, part], data[part]
    if holder is not None:
        del holder[path[-1]]
    return path
