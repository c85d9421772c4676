"""The door itself: an inventory file comes in, a typed and frozen inventory goes on."""

from collections.abc import Mapping
from pathlib import Path

from monitor.config.builder import Builder
from monitor.config.document import Node, read
from monitor.config.expansion import expand
from monitor.config.overlaps import overlaps
from monitor.config.profiles import Profiles
from monitor.config.schema import InventoryFile
from monitor.config.shipped import shipped
from monitor.config.validation import validated
from monitor.core.inventory import Inventory
from monitor.errors import ConfigError, Problem
from monitor.ports import ProbeKind

PROFILES = "profiles"
"""The folder of device profiles, beside the inventory and among what is shipped; the nearer one wins."""


def load_inventory(path: Path, kinds: Mapping[str, ProbeKind]) -> Inventory:
    """Return the inventory at *path*, or raise ConfigError with every mistake in it and in its profiles."""
    root = read(path)
    node, problems = expand(root)
    profiles = Profiles(profile_paths(path), kinds, problems)
    context = {
        "kind": list(kinds),
        "profile": profiles.names(),
        "network": root.keys("networks"),
        "carrier": root.keys("carriers"),
        "center": root.keys("centers"),
    }
    file, invalid = validated(InventoryFile, node, context)
    open_lines = {(problem.file, problem.line) for problem in problems}
    problems += [problem for problem in invalid if not _follows(problem, node, open_lines)]
    problems += overlaps(node)
    inventory = None
    if file is not None:
        builder = Builder(file, node, kinds, profiles)
        inventory = builder.build()
        problems += builder.problems
    if inventory is None or problems:
        raise ConfigError(problems=_in_order(problems, str(path)))
    return inventory


def profile_paths(inventory: Path) -> dict[str, Path]:
    """Return the file of each profile that the devices of an inventory may name, by name."""
    found: dict[str, Path] = {}
    for folder in (inventory.parent / PROFILES, shipped() / PROFILES):
        for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
            found.setdefault(path.stem, path)
    return found


def _follows(problem: Problem, node: Node, open_lines: set[tuple[str, int | None]]) -> bool:
    """Tell whether *problem* is only that a variable is unknown, or an unused template incomplete."""
    unfilled = "{" in problem.found
    if unfilled and (problem.file, problem.line) in open_lines:
        return True
    path = problem.key.split(".")
    in_template = len(path) > 1 and path[0] == "templates" and path[1] in node.keys("templates")
    return in_template and (unfilled or problem.found == "nothing")


def _in_order(problems: list[Problem], file: str) -> list[Problem]:
    """Return each problem once, the inventory's own first, from top to bottom."""
    return sorted(dict.fromkeys(problems), key=lambda p: (p.file != file, p.file, p.line or 0))
