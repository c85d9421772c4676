"""Device profiles: equipment without code, found beside the inventory and among what is shipped."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.config.document import Node, read
from monitor.config.expansion import names_in, scope
from monitor.config.looks import DEVICE, OWN_KEYS, Aim, LookMaker
from monitor.config.schema import ProfileFile
from monitor.config.validation import validated
from monitor.errors import ConfigError, Problem
from monitor.ports import ProbeKind

EXAMPLE = "192.0.2.1"
"""Stands for a device's address where a profile is tried on its own (RFC 5737)."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as read: its values, and where they stand."""

    file: ProfileFile
    node: Node


class Profiles:
    """The profiles that can be named, each read when it is first asked for."""

    def __init__(
        self, paths: Mapping[str, Path], kinds: Mapping[str, ProbeKind], problems: list[Problem]
    ) -> None:
        self._paths = paths
        self._kinds = kinds
        self._problems = problems
        self._read: dict[str, Profile | None] = {}

    def names(self) -> list[str]:
        """Return the names that a device may give."""
        return list(self._paths)

    def get(self, name: str) -> Profile | None:
        """Return the profile *name*; None if there is none or it is wrong, which was told then."""
        if name not in self._read:
            path = self._paths.get(name)
            self._read[name] = self._load(path) if path is not None else None
        return self._read[name]

    def _load(self, path: Path) -> Profile | None:
        try:
            return load_profile(path, self._kinds)
        except ConfigError as error:
            self._problems += error.problems
            return None


def load_profile(path: Path, kinds: Mapping[str, ProbeKind]) -> Profile:
    """Return the profile at *path*; raise ConfigError with all that is wrong with it on its own."""
    node = read(path)
    file, problems = validated(ProfileFile, node, {"kind": list(kinds)})
    if file is not None:
        _try(file, node, LookMaker(kinds, problems))
    if file is None or problems:
        raise ConfigError(problems=sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0))
    return Profile(file, node)


def _try(file: ProfileFile, node: Node, maker: LookMaker) -> None:
    """Make every look once, with the variables' defaults; one that needs a value from the device waits."""
    center, address = replace(node, value="center"), replace(node, value=EXAMPLE)
    variables = {"id": center, **scope(node.child("variables")), "address": address}
    asked = {name for name, value in file.variables.items() if value is None}
    looks = (node.child("looks") or node).children()
    for name, look in file.looks.items():
        if asked.isdisjoint(_used(looks[name])):
            maker.make(
                look, looks[name], Aim(EXAMPLE), manner=DEVICE, at=("looks", name), variables=variables
            )


def _used(look: Node) -> set[str]:
    texts = [child.plain() for key, child in look.children().items() if key not in OWN_KEYS]
    return {name for text in texts for name in names_in(str(text))}
