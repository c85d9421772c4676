"""Print the JSON Schema of a file for editors, or the reference of all files as Markdown."""

import argparse
import json
from collections.abc import Mapping

from pydantic import BaseModel

from monitor.channels import load_channels
from monitor.config.editors import AIM, schema_of
from monitor.config.reference import options, tables
from monitor.config.roster import RosterFile
from monitor.config.schema import InventoryFile, ProfileFile
from monitor.ports import ProbeKind
from monitor.probes import load_kinds
from monitor.settings import Settings

HELP = "print the JSON Schema of a file, or the reference of all"

FILES: dict[str, type[BaseModel]] = {
    "inventory": InventoryFile,
    "profile": ProfileFile,
    "roster": RosterFile,
    "settings": Settings,
}

_INTRODUCTION = """\
# Configuration

<!-- Made by `command-monitor schema --markdown`; a test keeps it current. -->

Four kinds of YAML files say everything: the [inventory](#inventory) declares the city, device
[profiles](#profile) say how equipment is looked at, the [roster](#roster) who is on duty, and the
[settings](#settings) are about one daemon.
`command-monitor check FILE` tells every mistake in any of them at once, with file, line and key:

    shiyan.yaml:111: centers.danjiangkou.links.city.primary.carrier: found 'unicon', expected a carrier:
    broadcast | mobile | telecom | unicom (did you mean unicom?)

Unknown keys, duplicate keys, tags, anchors and aliases are refused; a file has at most 1 MiB. A key without a
value counts as left out. `no`, `on` and `12:30` are plain text, and so are numbers that begin with a zero.

In an editor with the YAML language server, the first line `# yaml-language-server: $schema=…` of the shipped
files gives completion; the schemas lie in `config/schema/`, and `command-monitor schema` prints them.
"""

_INVENTORY = """\
## Inventory

The smallest one that works is `config/minimal.yaml`, a complete city is `config/shiyan.yaml`.

**Templates.** What like centers have in common stands once, in `templates`; a center (or another template)
that names one starts from it. Its own keys win, mappings are merged, lists replaced; a key without a value
(`backup: ~`) takes away what the template gave.

**Variables.** `{name}` in a text is replaced by the variable of that name: the file's `variables`, then the
template's, then the center's; `{id}` is the center's id. A text that is nothing but `"{n}"` becomes the
variable itself, number or text. YAML wants quotes around texts with braces. `{{name}}` is a literal `{name}`;
other braces are left alone.

**Addresses** belong to one circuit end or device each. Where two are truly the same, such as a router that is
also the end of a circuit, one of them says `shared: true`.

**Looks** take the options of their [probe kind](#probe-kinds) beside their own keys:
`{kind: tcp, port: 1720, period: 5}`. Host, source and interface are filled in.
"""

_PROFILE = """\
## Profile

A file `profiles/NAME.yaml` beside the inventory, or one that comes with the program; the nearer one wins. A
device names it (`profile: NAME`), and may give `variables` and change single `looks`. In the options of its
looks `{address}` is the device's address, `{id}` its center's id, every other name one of its variables.
"""

_ROSTER = """\
## Roster

The file that the settings name (`roster: roster.yaml`); `config/roster.yaml` is an example. `command-monitor
duty` shows who is on duty, who comes next, the month, and every time of the next 30 days for which nobody is
there; `--csv` and `--ical` print the month for a spreadsheet or a telephone. Such files can be read back in:

**Lists.** A `.csv` file has a heading (`begin,end,officer,shift`, or 开始,结束,值班员,班次) and a line for
each shift; UTF-8 and GB 18030 are understood. In an `.ics` file each event is a shift and its summary is the
officer, by id or by name; events that recur are refused.

**Days.** China's holidays and make-up workdays come from the package `chinesecalendar`, up to the year that
it knows; for later ones `duty` says so, and `rest` and `work` take them. Where clocks are changed a shift
lasts until the clock shows its end, so it leaves no gap.
"""

_SETTINGS = """\
## Settings

Given by `--settings FILE` or the variable `COMMAND_MONITOR_SETTINGS`; `config/settings.yaml` has every
default written out. The environment wins over the file: `COMMAND_MONITOR__MQTT__HOST=broker` sets
`mqtt.host`, the value `null` unsets. Secrets are files, never values: `mqtt.password_file`, or the systemd
credential `mqtt-password` (`LoadCredential=mqtt-password:/etc/command-monitor/mqtt-password`); of a report
`city`, it is `report-city-password`.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("file", choices=FILES, nargs="?", default="inventory", help="which file (inventory)")
    parser.add_argument("--markdown", action="store_true", help="print the reference of all files instead")


def run(args: argparse.Namespace) -> int:
    """Print what was asked for."""
    kinds = load_kinds()
    print(reference(kinds) if args.markdown else schema(args.file, kinds), end="")
    return 0


def schema(file: str, kinds: Mapping[str, ProbeKind]) -> str:
    """Return the JSON Schema of *file* as text."""
    return json.dumps(schema_of(FILES[file], kinds, load_channels()), ensure_ascii=False, indent=2) + "\n"


def reference(kinds: Mapping[str, ProbeKind]) -> str:
    """Return docs/configuration.md."""
    return "\n".join(
        [
            _INTRODUCTION,
            _INVENTORY,
            tables(InventoryFile),
            *_probe_kinds(kinds),
            _PROFILE,
            tables(ProfileFile).partition("\n### ")[0],
            _ROSTER,
            tables(RosterFile),
            _SETTINGS,
            tables(Settings),
            *_channel_kinds(),
        ]
    )


def _channel_kinds() -> list[str]:
    parts = [
        "## Channel kinds\n\nTheir options stand beside the keys of [channel settings](#channel-settings).\n"
    ]
    for name, kind in sorted(load_channels().items()):
        parts += [f"### {name}\n\n{kind.summary}\n", options(kind.options, frozenset({"password"}))]
    return [*parts[:-1], parts[-1].rstrip() + "\n"]


def _probe_kinds(kinds: Mapping[str, ProbeKind]) -> list[str]:
    parts = ["## Probe kinds\n"]
    for name, kind in sorted(kinds.items()):
        parts += [f"### {name}\n\n{kind.summary}\n", options(kind.options, AIM)]
    return parts
