"""Say what would be seen if COMPONENT… broke, what would still work, and what the diagnosis would answer.

Without COMPONENT all that can be asked about is listed. Exit code 0: just these would be named; 1: not.
"""

import argparse
import json
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.cli import plan
from monitor.cli.whatif.telling import INDENT, Case, Telling
from monitor.cli.whatif.texts import TEXTS
from monitor.config.words import nearest
from monitor.core.diagnosis import diagnose
from monitor.core.diagnosis.consequences import impact, predict
from monitor.core.sentence import called
from monitor.errors import ConfigError

HELP = "say what would be seen if something broke, and what would be made of it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be told."""
    parser.add_argument(
        "component", metavar="COMPONENT", nargs="*", help="its id: danjiangkou/city/primary …"
    )
    plan.arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Say what would be; return 1 if it would not be named."""
    console = Console(highlight=False)
    ground = plan.ground_of(args, console)
    if not args.component:
        _list(ground, console, as_json=args.json)
        return 0
    broken = tuple(dict.fromkeys(_known(name, ground) for name in args.component))
    seen = predict(ground.topology, broken)
    answer = diagnose(ground.topology, seen.evidence())
    case = Case(broken, seen, answer, impact(ground.topology, broken))
    if args.json:
        print(json.dumps(_document(case), ensure_ascii=False, indent=2))
    else:
        Telling(ground, console, case).tell()
    return 0 if case.is_named else 1


def _known(name: str, ground: plan.Ground) -> str:
    components = ground.topology.components
    if name in components:
        return name
    hint = nearest(name, components)
    meant = f"did you mean {hint}?" if hint else "`command-monitor whatif` lists all"
    raise ConfigError(f"{name!r} is no component; {meant}")


def _document(case: Case) -> dict[str, Any]:
    return {
        "broken": case.broken,
        "named": case.is_named,
        "seen": asdict(case.seen),
        "diagnosis": asdict(case.diagnosis),
        "impact": asdict(case.impact),
    }


def _list(ground: plan.Ground, console: Console, *, as_json: bool) -> None:
    """List all components by kind."""
    if as_json:
        told = {name: asdict(component) for name, component in ground.topology.components.items()}
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    console.print(Text(TEXTS[ground.language]["list"], "bold"))
    table = Table.grid(padding=(0, 2), pad_edge=False)
    for component in ground.topology.components.values():
        kind = called(plan.KINDS[component.kind], ground.language)
        table.add_row(component.id, Text(kind, "dim"), called(component.name, ground.language))
    console.print(Padding(table, (0, 0, 0, INDENT)))
