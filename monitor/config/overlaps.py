"""Finds addresses that stand twice, in a file that may have any other mistake besides."""

from collections.abc import Iterator
from ipaddress import ip_address

from monitor.config.document import Node
from monitor.errors import Problem

Path = tuple[str, ...]


def overlaps(node: Node) -> list[Problem]:
    """Return a problem for each circuit end or device whose address another one has already."""
    owners: dict[str, tuple[Path, Node]] = {}
    problems = []
    for path, place in _addresses(node):
        address = _normal(place)
        owner, first = owners.setdefault(address, (path, place))
        if owner != path:
            other = f"{'.'.join(owner)} has it, line {first.place.line}"
            expected = f"an address of its own ({other}), or `shared: true`"
            file, line = place.place.file, place.place.line
            problems.append(Problem(file, line, ".".join(path), repr(address), expected))
    return problems


def _addresses(node: Node) -> Iterator[tuple[Path, Node]]:
    for center, declared in _under(node, "centers"):
        for network, link in _under(declared, "links"):
            for role, circuit in link.children().items():
                for end in ("near", "far"):
                    yield from _address(circuit, ("centers", center, "links", network, role), end)
        for device, thing in _under(declared, "devices"):
            yield from _address(thing, ("centers", center, "devices", device), "address")


def _under(node: Node, key: str) -> list[tuple[str, Node]]:
    child = node.child(key)
    return [] if child is None else list(child.children().items())


def _address(owner: Node, path: Path, key: str) -> Iterator[tuple[Path, Node]]:
    shared, address = owner.child("shared"), owner.child(key)
    if shared is not None and str(shared.value).lower() == "true":
        return
    if address is not None and isinstance(address.value, str):
        yield (*path, key), address


def _normal(node: Node) -> str:
    text = str(node.value).strip().lower()
    try:
        return str(ip_address(text))
    except ValueError:
        return text
