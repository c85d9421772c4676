"""Check an inventory, a profile, a roster or settings: every mistake at once, with its file, line and key.

Which of them FILE is shows from its content. Without FILE the settings, their inventory and their roster are.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from monitor.config import load_inventory, load_profile, profile_paths
from monitor.config.document import read
from monitor.config.roster import RosterFile, load_roster
from monitor.config.schema import InventoryFile, ProfileFile
from monitor.core.checks import checks_of
from monitor.core.inventory import Inventory
from monitor.errors import ConfigError, Problem
from monitor.ports import ProbeKind
from monitor.probes import load_kinds
from monitor.settings import Settings, load_declared, load_people, load_settings

HELP = "check an inventory, a device profile, a roster or settings"

Kinds = Mapping[str, ProbeKind]
Declared = dict[str, object]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="what to check")
    parser.add_argument("--settings", type=Path, help="the settings whose inventory is checked without FILE")
    parser.add_argument("--json", action="store_true", help="answer in JSON, mistakes too")


def run(args: argparse.Namespace) -> int:
    """Return 0 if all is well; otherwise tell every mistake and return 2."""
    try:
        declared = _check(args.file, args.settings, load_kinds())
    except ConfigError as error:
        if not args.json:
            raise
        problems = [asdict(problem) for problem in error.problems]
        print(json.dumps({"ok": False, "problems": problems}, ensure_ascii=False, indent=2))
        return 2
    if args.json:
        print(json.dumps({"ok": True, "problems": [], **declared}, ensure_ascii=False, indent=2))
    else:
        print(_line(declared))
    return 0


def _check(file: Path | None, settings: Path | None, kinds: Kinds) -> Declared:
    what = _what(file) if file is not None else Settings
    if file is not None and what is InventoryFile:
        inventory = load_inventory(file, kinds)
        _check_profiles(file, kinds)
        return _declared(file, inventory)
    if file is not None and what is ProfileFile:
        profile = load_profile(file, kinds)
        return {"file": str(file), "looks": len(profile.file.looks), "variables": len(profile.file.variables)}
    if file is not None and what is RosterFile:
        return _people(file)
    loaded = load_settings(file or settings)
    load_people(loaded)
    people = {} if loaded.roster is None else _people(loaded.roster)
    inventory = load_declared(loaded, kinds)
    _check_profiles(loaded.inventory, kinds)
    return people | _declared(loaded.inventory, inventory)


def _what(file: Path) -> type[InventoryFile | ProfileFile | RosterFile | Settings]:
    """Return which kind of file this is: the one that knows most of its keys."""
    keys = set(read(file).children())
    models = (ProfileFile, Settings, RosterFile, InventoryFile)
    known = {model: len(keys & set(model.model_fields)) for model in models}
    best = max(known.values())
    return next(model for model in models if known[model] == best) if best else InventoryFile


def _people(file: Path) -> Declared:
    roster = load_roster(file)
    return {
        "file": str(file),
        "officers": len(roster.officers),
        "shifts": len(roster.rotas) + len(roster.listed),
    }


def _check_profiles(inventory: Path, kinds: Kinds) -> None:
    """Check every profile beside an inventory, also those that no device names."""
    problems = list[Problem]()
    for path in profile_paths(inventory).values():
        try:
            if path.is_relative_to(inventory.parent):
                load_profile(path, kinds)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems=problems)


def _declared(file: Path, inventory: Inventory) -> Declared:
    return {
        "file": str(file),
        "centers": len(inventory.centers),
        "links": sum(len(center.links) for center in inventory.centers.values()),
        "circuits": len(inventory.circuits),
        "devices": len(inventory.devices),
        "checks": {key: len(checks_of(inventory, vantage)) for key, vantage in inventory.vantages.items()},
    }


def _line(declared: Declared) -> str:
    counts = [
        f"{count} {what.removesuffix('s') if count == 1 else what}"
        for what, count in declared.items()
        if isinstance(count, int)
    ]
    checks = declared.get("checks")
    if isinstance(checks, dict):
        counts.append("checks by vantage: " + ", ".join(f"{key} {count}" for key, count in checks.items()))
    return f"{declared['file']}: {', '.join(counts)}"
