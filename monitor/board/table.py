"""The city as a table in the terminal: one row per center, and below it what is wrong and whom to call."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.core.sentence import WORDS, duration
from monitor.core.words import Words

SIGNS: Mapping[str, tuple[str, str]] = {
    "up": ("✔", "green"),
    "on_backup": ("↷", "yellow"),
    "degraded": ("▾", "yellow"),
    "down": ("✘", "bold red"),
    "unknown": ("?", "magenta"),
    "maintenance": ("⚒", "cyan"),
}
"""A sign and a style for each health, so that colour is never all; all signs are one cell wide everywhere."""
SUSPECTED = ("!", "bold yellow")
_NOWHERE = Text("—", "dim")
SHORT = 0.001
"""Seconds below which a round-trip time is shown with two decimals."""
_A_DAY = 86_400.0

Item = Mapping[str, Any]


def city_table(status: Item, language: str = "zh", zone: tzinfo | None = None) -> RenderableType:
    """Draw a status document, as `/api/v1/status` gives it, in the words of *language* (`zh`, `en`).

    *zone* is that in which times are told; None: this machine's own.
    """
    return _Drawing(status, WORDS[language], zone).whole()


def is_well(status: Item) -> bool:
    """Tell whether everything that is looked at is up, planned work excepted."""
    return all(item["health"] in (None, "up", "maintenance") for item in _everything(status))


def _everything(status: Item) -> Iterator[Item]:
    yield from status["networks"]
    for center in status["centers"]:
        yield center
        yield from center["devices"]
        for link in center["links"]:
            yield link
            yield from link["circuits"]


class _Drawing:
    """One status document, one language."""

    def __init__(self, status: Item, words: Words, zone: tzinfo | None) -> None:
        self._status = status
        self._words = words
        self._zone = zone
        self._networks = {network["id"]: self._called(network["name"]) for network in status["networks"]}

    def whole(self) -> RenderableType:
        parts: list[RenderableType] = [self._headline(), self._centers(), self._troubles()]
        trouble = self._status["vitals"]["reload_trouble"]
        if trouble:
            parts.append(Text(f"\n{SIGNS['down'][0]} {trouble}", SIGNS["down"][1]))
        return Group(*parts)

    # The headline.

    def _headline(self) -> Text:
        status, label = self._status, self._words.label
        vantage = status["vantage"]
        where = self._called(vantage["name"]) if vantage["name"] else vantage["id"]
        line = Text.assemble((self._called(status["city"]), "bold"), "  ")
        line.append(f"{label['vantage']} {where}  {label['updated']} {self._clock(status['at'])}", "dim")
        for network in status["networks"]:
            if network["health"] is not None:
                line.append("  ").append(f"{self._networks[network['id']]} ").append(self._health(network))
        return line

    # One row per center.

    def _centers(self) -> Table:
        label = self._words.label
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for heading in (label["center"], label["health"], *self._networks.values()):
            table.add_column(heading, no_wrap=True)
        for heading in (label["devices"], label["rtt"], label["loss"]):
            table.add_column(heading, no_wrap=True, justify="right")
        for center in self._status["centers"]:
            table.add_row(*self._row(center))
        return table

    def _row(self, center: Item) -> Iterator[Text]:
        links = {link["network"]: link for link in center["links"]}
        yield Text(self._called(center["name"]))
        yield self._health(center)
        for network in self._networks:
            yield self._link(links[network]) if network in links else _NOWHERE
        yield self._devices(center["devices"])
        rtt, loss = _way_in(center["links"])
        yield _NOWHERE if rtt is None else Text(f"{rtt * 1000:.{1 if rtt >= SHORT else 2}f} ms")
        yield _NOWHERE if loss is None else Text(f"{loss:.0%}", "yellow" if loss else "")

    def _health(self, item: Item) -> Text:
        if item["health"] is None:
            return _NOWHERE
        sign, style = SIGNS[item["health"]]
        text = Text(f"{sign} {self._words.health[item['health']]}", style)
        if item["suspected"] and item["health"] != "down":
            text.append(f" {SUSPECTED[0]}{self._words.label['suspected']}", SUSPECTED[1])
        return text

    def _link(self, link: Item) -> Text:
        text = self._health(link).copy()
        if link["active"] is not None and link["health"] != "on_backup":
            text.append(f" {self._words.role[link['active']]}", "dim")
        if link["health"] not in (None, "up"):
            text.append(f" {self._clock(link['since'])}", "dim")
        return text

    def _devices(self, devices: Sequence[Item]) -> Text:
        seen = [device["health"] for device in devices if device["health"] is not None]
        if not seen:
            return _NOWHERE
        fine = sum(health == "up" for health in seen)
        style = "" if fine == len(seen) else SIGNS["down" if "down" in seen else "unknown"][1]
        return Text(f"{fine}/{len(seen)}", style)

    # What is wrong.

    def _troubles(self) -> RenderableType:
        rows = [*self._network_troubles(), *self._center_troubles()]
        label = self._words.label
        if not rows:
            return Text(f"{SIGNS['up'][0]} {label['none']}", "green")
        grid = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(4):
            grid.add_column(no_wrap=True)
        grid.add_column()
        for row in rows:
            grid.add_row(*row)
        return Group(Text(f"{label['troubles']} ({len(rows)})", "bold"), grid)

    def _network_troubles(self) -> Iterator[list[Text]]:
        for network in self._status["networks"]:
            if _is_trouble(network):
                yield self._trouble(network, self._networks[network["id"]])

    def _center_troubles(self) -> Iterator[list[Text]]:
        for center in self._status["centers"]:
            name = self._called(center["name"])
            for link in center["links"]:
                for circuit in filter(_is_trouble, link["circuits"]):
                    role = self._words.role[circuit["role"]]
                    what = f"{name} {self._networks.get(link['network'], link['network'])} {role}"
                    yield self._trouble(circuit, what, self._whom_to_call(circuit))
            for device in filter(_is_trouble, center["devices"]):
                yield self._trouble(device, f"{name} {self._called(device['name'])}")

    def _trouble(self, item: Item, what: str, call: str = "") -> list[Text]:
        if item["health"] == "up":
            told = Text(f"{SUSPECTED[0]} {self._words.label['suspected']}", SUSPECTED[1])
            return [told, Text(what), Text(""), Text(""), Text(call, "dim")]
        reason = self._words.reason.get(item["reason"], item["reason"])
        return [self._health(item), Text(what), Text(reason), self._since(item["since"]), Text(call)]

    def _whom_to_call(self, circuit: Item) -> str:
        label, carrier = self._words.label, circuit["carrier"]
        parts = [self._called(carrier["name"]) if carrier else ""]
        parts.append(f"{label['number']} {circuit['number']}" if circuit["number"] else "")
        parts.append(f"{label['hotline']} {carrier['hotline']}" if carrier and carrier["hotline"] else "")
        return " ".join(part for part in parts if part)

    # Names and times.

    def _called(self, name: Mapping[str, str]) -> str:
        return name[self._words.language]

    def _since(self, since: float) -> Text:
        lasting = duration(self._status["at"] - since, self._words)
        return Text(f"{self._clock(since)} ({lasting})")

    def _clock(self, at: float) -> str:
        pattern = "%H:%M:%S" if self._status["at"] - at < _A_DAY else "%m-%d %H:%M"
        return datetime.fromtimestamp(at, self._zone).strftime(pattern)


def _is_trouble(item: Item) -> bool:
    """Tell whether an item gets a line: what is merely hidden by another fault does not."""
    if item["health"] is None or item["reason"].startswith("behind_"):
        return False
    return bool(item["health"] != "up" or item["suspected"])


def _way_in(links: Sequence[Item]) -> tuple[float | None, float | None]:
    """Give round-trip time and loss of the first active circuit that is looked at; else the best loss."""
    circuits = [(link, circuit) for link in links for circuit in link["circuits"]]
    for link, circuit in circuits:
        if circuit["role"] == link["active"] and circuit["loss"] is not None:
            return circuit["rtt"], circuit["loss"]
    return None, min((c["loss"] for _, c in circuits if c["loss"] is not None), default=None)
