"""Templates and variables: ten like centers are written once, and every value still knows where it stands.

A center (or a template) that names a `template` starts from what stands there; its own keys win, mappings are
merged, and a key without a value (`backup: ~`) takes away what the template gave. Then `{name}` in a text is
replaced by the variable of that name; a text that is nothing but `{name}` becomes the variable itself, number
or text. `{{name}}` stands for a literal `{name}`; other braces are left alone.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from monitor.config.document import Node
from monitor.config.words import nearest, one_of, shown
from monitor.errors import Problem

_VARIABLE = re.compile(r"\{\{(?P<literal>[a-z][a-z0-9_]*)\}\}|\{(?P<name>[a-z][a-z0-9_]*)\}")
_SCALAR = str | int | float | bool


def expand(root: Node) -> tuple[Node, list[Problem]]:
    """Return the inventory *root* with every center complete, and what was wrong with that.

    Templates that a center used are left behind empty, for their mistakes show in the center.
    """
    return _Expansion(root).result()


def merge(base: Node, over: Node) -> Node:
    """Return *over* laid on *base*."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        if key not in merged:
            merged[key] = node
        elif node.value is None:
            del merged[key]
        else:
            merged[key] = merge(merged[key], node)
    return replace(over, value=merged)


def scope(*mappings: Node | None) -> dict[str, Node]:
    """Return the variables that these nodes declare, later ones winning; malformed ones are left out."""
    named = [item for mapping in mappings if mapping is not None for item in mapping.children().items()]
    return {name: node for name, node in named if isinstance(node.value, _SCALAR)}


def fill(node: Node, variables: Mapping[str, Node], at: tuple[str, ...], problems: list[Problem]) -> Node:
    """Return *node* with its variables replaced.

    A changed text is known by its effective path *at*; one that is only a variable, by the variable's place.
    """
    if isinstance(node.value, dict):
        filled = {key: fill(child, variables, (*at, key), problems) for key, child in node.value.items()}
        return replace(node, value=filled)
    if isinstance(node.value, list):
        items = [fill(child, variables, (*at, str(i)), problems) for i, child in enumerate(node.value)]
        return replace(node, value=items)
    if not isinstance(node.value, str) or "{" not in node.value:
        return node
    place = replace(node.place, path=at)
    unknown = [name for name in names_in(node.value) if name not in variables]
    for name in unknown:
        words = one_of(variables, "a variable")
        hint = nearest(name, variables)
        problems.append(Problem(place.file, place.line, place.key, f"{{{name}}}", words, hint))
    if unknown:
        return node
    whole = _VARIABLE.fullmatch(node.value)
    if whole is not None and whole["name"]:
        return variables[whole["name"]]
    return Node(_substituted(node.value, variables), place)


def names_in(text: str) -> list[str]:
    """Return the names of the variables in *text*."""
    return [match["name"] for match in _VARIABLE.finditer(text) if match["name"]]


def _substituted(text: str, variables: Mapping[str, Node]) -> str:
    def value(match: re.Match[str]) -> str:
        return f"{{{match['literal']}}}" if match["literal"] else _written(variables[match["name"]].plain())

    return _VARIABLE.sub(value, text)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Expansion:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._templates = (root.child("templates") or replace(root, value={})).children()
        self._used: set[str] = set()
        self._complete: dict[str, Node] = {}
        self._problems: list[Problem] = []

    def result(self) -> tuple[Node, list[Problem]]:
        """Return the inventory without templates and variables, and what is wrong with it."""
        shared = self._root.child("variables")
        top: dict[str, Node] = {}
        for key, node in self._root.children().items():
            if key == "centers":
                centers = {
                    name: self._center(name, center, shared) for name, center in node.children().items()
                }
                top[key] = replace(node, value=centers) if centers else node
            elif key in {"variables", "templates"}:
                top[key] = node
            else:
                top[key] = fill(node, scope(shared), (key,), self._problems)
        if "templates" in top:
            top["templates"] = self._left_over(top["templates"])
        return replace(self._root, value=top), self._problems

    def _left_over(self, templates: Node) -> Node:
        if not self._templates:
            return templates
        nodes = {k: replace(n, value={}) if k in self._used else n for k, n in self._templates.items()}
        return replace(templates, value=nodes)

    def _center(self, name: str, center: Node, shared: Node | None) -> Node:
        whole = self._on_template(center, ())
        variables = scope(shared, whole.child("variables")) | {"id": replace(center, value=name)}
        filled: dict[str, Node] = {}
        for key, node in whole.children().items():
            at = ("centers", name, key)
            if key == "devices":
                filled[key] = self._devices(node, variables, at)
            else:
                filled[key] = node if key == "variables" else fill(node, variables, at, self._problems)
        return replace(whole, value=filled) if filled else whole

    def _devices(self, devices: Node, variables: dict[str, Node], at: tuple[str, ...]) -> Node:
        """Fill all but the devices' own looks, whose variables are known only with the profile."""
        found: dict[str, Node] = {}
        for name, device in devices.children().items():
            looks = device.child("looks")
            rest = {key: node for key, node in device.children().items() if key != "looks"}
            plain = replace(device, value=rest) if rest else device
            filled = fill(plain, variables, (*at, name), self._problems)
            if looks is not None and rest:
                filled = replace(filled, value={**filled.children(), "looks": looks})
            found[name] = filled
        return replace(devices, value=found) if found else devices

    def _on_template(self, node: Node, trail: tuple[str, ...]) -> Node:
        named = node.child("template")
        if named is None or not isinstance(named.value, str):
            return node
        base = self._template(named, named.value, trail)
        return merge(base, node) if base is not None else node

    def _template(self, named: Node, name: str, trail: tuple[str, ...]) -> Node | None:
        self._used.add(name)
        if name in self._complete:
            return self._complete[name]
        place = named.place
        if name in trail:
            loop = " → ".join([*trail[trail.index(name) :], name])
            self._problems.append(
                Problem(place.file, place.line, place.key, f"a loop ({loop})", "an end to it")
            )
            return None
        if name not in self._templates:
            expected, hint = one_of(self._templates, "a template"), nearest(name, self._templates)
            self._problems.append(Problem(place.file, place.line, place.key, shown(name), expected, hint))
            return None
        self._complete[name] = whole = self._on_template(self._templates[name], (*trail, name))
        return whole
