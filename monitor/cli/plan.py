"""Say what the configured looks could tell: what they confuse or miss, and which look would help most.

Exit code 0: every single fault would be named for sure; 1: some would not.
"""

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.cli.status import language_of
from monitor.config import load_inventory
from monitor.config.words import nearest, one_of
from monitor.core.diagnosis.identifiability import (
    Aid,
    Identifiability,
    Suggestion,
    identifiability,
    suggestions,
)
from monitor.core.inventory import Inventory, Name
from monitor.core.sentence import WORDS, called
from monitor.core.topology import Component, Kind, Topology, topology_of
from monitor.errors import ConfigError
from monitor.probes import load_kinds
from monitor.settings import load_declared, load_settings

HELP = "say what the looks could tell, and what they would confuse or miss"

KINDS: dict[Kind, Name] = {
    Kind.UPLINK: Name("观测点本机接入", "own uplink"),
    Kind.AGENT: Name("观测程序", "monitor"),
    Kind.BROKER: Name("MQTT 服务器", "MQTT broker"),
    Kind.NETWORK: Name("上级网络", "network"),
    Kind.TRUNK: Name("网间干线", "trunk between networks"),
    Kind.ANCHOR: Name("应答主机", "anchor"),
    Kind.POWER: Name("供电", "power"),
    Kind.ROUTER: Name("路由器", "router"),
    Kind.MANAGEMENT: Name("路由器管理地址", "router's own address"),
    Kind.LAN: Name("局域网", "LAN"),
    Kind.CIRCUIT: Name("电路", "circuit"),
    Kind.DEVICE: Name("设备", "device"),
    Kind.SERVICE: Name("服务", "service"),
    Kind.CARRIER: Name("运营商网络", "carrier"),
    Kind.DUCT: Name("管道", "duct"),
    Kind.FEED: Name("供电线路", "power feed"),
    Kind.EQUIPMENT: Name("汇聚设备", "shared equipment"),
}

TEXTS: dict[str, dict[str, str]] = {
    "zh": {
        "title": "诊断能力",
        "alone": "观测点 {vantage}",
        "hearing": "观测点 {vantage}，听取{others}",
        "counts": "{components} 个部件，{observations} 项观测：单独故障可准确指认 {known} 个（{share:.0%}）",
        "all": "每个部件单独故障都能准确指认。",
        "confused": "分不清：坏了知道坏在其中，但没有检测能说是哪一个",
        "missed": "看不见：坏了也没有检测失败",
        "unseen": "没有检测经过",
        "hidden": "另有通路，遮住了故障",
        "helps": "补上最有用的检测",
        "anchor": "给{places}设一个应答 ping 的主机（anchor）",
        "device": "给{places}配上检测（profile）",
        "power": "在{places}接入市电告警，不经该中心路由器送达（短信、4G）",
        "agent": "在{places}装一个观测程序（vantages 里写 center）",
        "vantage": "在{places}设一个观测点（vantages 里写 networks）",
        "gain": "再分清 {apart} 对",
        "shows": "新看见 {shown} 个",
        "none": "没有现成的检测能再分清；可以接受，或在设备上另找信号。",
        "more": "{names}等\u00a0{count}\u00a0处",
        "comma": "、",
    },
    "en": {
        "title": "What the diagnosis can tell",
        "alone": "seen from {vantage}",
        "hearing": "seen from {vantage}, which hears {others}",
        "counts": "{components} components, {observations} observations: a fault of one alone would be named"
        " for sure with {known} ({share:.0%})",
        "all": "A fault of any one component would be named for sure.",
        "confused": "Confused: that one of them is broken is known, which one is not",
        "missed": "Missed: no look fails when they break",
        "unseen": "no look crosses them",
        "hidden": "there is another way, which hides the fault",
        "helps": "What to add, the most useful first",
        "anchor": "declare a host that answers pings (anchor) in {places}",
        "device": "give {places} a profile, so that it is looked at",
        "power": "bring the mains alarm of {places} in, past the center's router (SMS, 4G)",
        "agent": "run a monitor in {places} (a vantage with its center)",
        "vantage": "run a monitor in {places} (a vantage with its networks)",
        "gain": "tells {apart} more pairs apart",
        "shows": "shows {shown} more",
        "none": "No look that we know of would tell more; live with it, or find a signal in the equipment.",
        "more": "{names} and {rest} more",
        "comma": ", ",
    },
}
NAMED = 3
"""So many places are named before the rest is counted."""
INDENT = 2


@dataclass(frozen=True, slots=True)
class Ground:
    """The city that is asked about, and from where."""

    inventory: Inventory
    topology: Topology
    language: str

    def name(self, component: str) -> str:
        """Return what people call a component."""
        return called(self.topology.components[component].name, self.language)

    def joined(self, names: Iterable[str], most: int = NAMED) -> str:
        """Return names as an enumeration, the first few of many."""
        listed, texts = list(names), TEXTS[self.language]
        if len(listed) <= most + 1:
            return texts["comma"].join(listed)
        first = texts["comma"].join(listed[:most])
        return texts["more"].format(names=first, count=len(listed), rest=len(listed) - most)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be told."""
    files = parser.add_mutually_exclusive_group()
    files.add_argument("--inventory", type=Path, metavar="FILE", help="the inventory")
    files.add_argument(
        "--settings", type=Path, metavar="FILE", help="the settings that name it and the vantage"
    )
    parser.add_argument("--vantage", metavar="ID", help="where the diagnosis is made (the settings' own)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.add_argument("--lang", choices=sorted(WORDS), help="language of the answer (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Say what could be told; return 1 if some faults could not."""
    console = Console(highlight=False)
    ground = ground_of(args, console)
    report = identifiability(ground.topology)
    helpful = suggestions(ground.inventory, ground.topology.vantage)
    if args.json:
        told = asdict(report) | {"suggestions": [asdict(one) for one in helpful]}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _Telling(ground, console).tell(report, helpful)
    return 1 if report.groups or report.unseen or report.hidden else 0


def ground_of(args: argparse.Namespace, console: Console) -> Ground:
    """Return the city that *args* name."""
    language = args.lang or language_of(os.environ, console.encoding)
    kinds = load_kinds()
    if args.inventory is not None:
        inventory, vantage = load_inventory(args.inventory, kinds), None
    else:
        settings = load_settings(args.settings)
        inventory, vantage = load_declared(settings, kinds), settings.vantage
    seeing = (key for key, at in inventory.vantages.items() if at.networks)
    vantage = args.vantage or vantage or next(seeing, next(iter(inventory.vantages)))
    if vantage not in inventory.vantages:
        hint = nearest(vantage, inventory.vantages)
        meant = f" (did you mean {hint}?)" if hint else ""
        raise ConfigError(f"{vantage!r} is no vantage; {one_of(inventory.vantages, 'a vantage')}{meant}")
    return Ground(inventory, topology_of(inventory, vantage), language)


class _Telling:
    """Writes the report."""

    def __init__(self, ground: Ground, console: Console) -> None:
        self._ground = ground
        self._console = console
        self._texts = TEXTS[ground.language]

    def tell(self, report: Identifiability, helpful: tuple[Suggestion, ...]) -> None:
        """Print what is confused, what is missed, and which looks would help."""
        self._headline(report)
        well = not (report.groups or report.unseen or report.hidden)
        if well:
            self._console.print(Text(f"✔ {self._texts['all']}", "green"))
            return
        self._section("?", "magenta", "confused", list(self._confused(report.groups)))
        missed = [
            (self._texts[what], self._ground.joined(map(self._ground.name, names)))
            for what, names in (("unseen", report.unseen), ("hidden", report.hidden))
            if names
        ]
        self._section("✘", "bold red", "missed", missed)
        self._helps(helpful)

    def _headline(self, report: Identifiability) -> None:
        ground, texts, topology = self._ground, self._texts, self._ground.topology
        vantages = ground.inventory.vantages
        heard = dict.fromkeys(o.vantage for o in topology.observations.values() if o.reports)
        line = Text.assemble((called(ground.inventory.city, ground.language), "bold"), f"  {texts['title']}")
        vantage = called(vantages[topology.vantage].name, ground.language)
        others = ground.joined(called(vantages[key].name, ground.language) for key in heard)
        said = texts["hearing" if heard else "alone"].format(vantage=vantage, others=others)
        self._console.print(line.append(f"  {said}", "dim"))
        total = len(topology.components)
        counts = texts["counts"].format(
            components=total,
            observations=len(topology.observations),
            known=report.known,
            share=report.known / total,
        )
        self._console.print(counts)

    def _section(self, sign: str, style: str, heading: str, rows: list[tuple[str, str]]) -> None:
        if not rows:
            return
        self._console.print(Text(f"\n{sign} {self._texts[heading]}", style))
        table = Table.grid(padding=(0, 2), pad_edge=False)
        for row in rows:
            table.add_row(*row)
        self._console.print(Padding(table, (0, 0, 0, INDENT)))

    def _confused(self, groups: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, str]]:
        """Give a row for each group, like groups at many places in one."""
        alike: dict[tuple[Kind, ...], list[str]] = {}
        single = []
        for group in groups:
            members = [self._ground.topology.components[name] for name in group]
            place = self._place(members)
            if place:
                alike.setdefault(tuple(member.kind for member in members), []).append(place)
            else:
                single.append(group)
        for kinds, places in sorted(alike.items(), key=lambda item: -len(item[1])):
            names = (called(KINDS[kind], self._ground.language) for kind in kinds)
            yield " ≡ ".join(names), self._ground.joined(places)
        for group in single:
            yield " ≡ ".join(map(self._ground.name, group)), ""

    def _place(self, members: list[Component]) -> str:
        """Return the center or vantage to which all members belong; empty if there is none."""
        inventory, language = self._ground.inventory, self._ground.language
        own = {member.id.split("/")[1] for member in members if member.kind in {Kind.UPLINK, Kind.AGENT}}
        if len(own) == 1 and all(member.kind in {Kind.UPLINK, Kind.AGENT} for member in members):
            return called(inventory.vantages[own.pop()].name, language)
        centers = {member.center for member in members}
        center = centers.pop() if len(centers) == 1 else None
        return called(inventory.centers[center].name, language) if center is not None else ""

    def _helps(self, helpful: tuple[Suggestion, ...]) -> None:
        self._console.print(Text(f"\n→ {self._texts['helps']}", "bold"))
        table = Table.grid(padding=(0, 1), pad_edge=False)
        for number, one in enumerate(helpful, 1):
            places = self._ground.joined(self._called(one.aid, place) for place in one.places)
            gains = [self._texts["gain"].format(apart=one.apart)] if one.apart else []
            gains += [self._texts["shows"].format(shown=one.shown)] if one.shown else []
            said = Text(self._texts[one.aid].format(places=places))
            table.add_row(f"{number}.", said.append(f"  {self._texts['comma'].join(gains)}", "green"))
        self._console.print(Padding(table if helpful else Text(self._texts["none"]), (0, 0, 0, INDENT)))

    def _called(self, aid: Aid, place: str) -> str:
        inventory = self._ground.inventory
        if aid in {Aid.ANCHOR, Aid.VANTAGE}:
            return called(inventory.networks[place].name, self._ground.language)
        if aid is Aid.DEVICE:
            return self._ground.name(place)
        return called(inventory.centers[place].name, self._ground.language)
