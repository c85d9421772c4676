"""The city as a table in the terminal: one row per center, and below it what is wrong and whom to call."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from monitor.board.columns import shortened
from monitor.board.daemons import agent_lines, own_lines
from monitor.board.reports import report_lines
from monitor.board.teller import SIGNS, SUSPECTED, Teller
from monitor.board.troubles import trouble_lines
from monitor.board.work import work_lines
from monitor.core.sentence import WORDS
from monitor.core.words import Words

_NOWHERE = Text("—", "dim")
SHORT = 0.001
"""Seconds below which a round-trip time is shown with two decimals."""
NAME_LEAST = 12
"""Cells of a center's name that are not given up for words about its links."""
SATISFIED = 3.6
"""Opinion of a call below which many users are dissatisfied (R = 70, ITU-T G.109)."""
UNBOUNDED = 10_000
"""Columns of a terminal in which everything has room."""

Item = Mapping[str, Any]


def city_table(status: Item, language: str = "zh", zone: tzinfo | None = None) -> "CityTable":
    """Draw a status document, as `/api/v1/status` gives it, in the words of *language* (`zh`, `en`).

    *zone* is that in which times are told; None: the document's own, or else this machine's.
    """
    return CityTable(status, WORDS[language], zone or _zone(status.get("timezone")))


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


def _zone(name: object) -> tzinfo | None:
    """Return the time zone of that name; None if this machine has none such."""
    try:
        return ZoneInfo(name) if isinstance(name, str) else None
    except (KeyError, ValueError, OSError):
        return None


class CityTable:
    """One status document in one language; says as much of each link as the terminal has room for."""

    def __init__(self, status: Item, words: Words, zone: tzinfo | None) -> None:
        self._status = status
        self._words = words
        self._teller = Teller(words, zone, status["at"])
        self._networks = {network["id"]: self._called(network["name"]) for network in status["networks"]}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give the headline, the centers, what is wrong in the city, ourselves, and the other vantages."""
        width = options.max_width
        yield from self._headline(width)
        yield Text("")
        yield self._fitting(console, options)
        yield Text("")
        yield from trouble_lines(self._status, self._teller, width)
        yield from work_lines(self._status, self._teller, width)
        yield from report_lines(self._status, self._teller, width)
        yield from own_lines(self._status, self._teller, console, width)
        yield from agent_lines(self._status, self._teller, width)

    # The headline.

    def _headline(self, width: int) -> Iterator[Text]:
        status, label = self._status, self._words.label
        vantage = status["vantage"]
        where = self._called(vantage["name"]) if vantage["name"] else vantage["id"]
        line = Text.assemble((self._called(status["city"]), "bold"), "  ")
        line.append(f"{label['vantage']} {where}  {label['updated']} {self._clock(status['at'])}", "dim")
        for network in status["networks"]:
            if network["health"] is not None:
                said = Text.assemble(f"{self._networks[network['id']]} ", self._health(network))
                if line.cell_len + 2 + said.cell_len > width:
                    yield line
                    line = said
                else:
                    line = line.append("  ").append(said)
        yield line

    # One row per center.

    def _fitting(self, console: Console, options: ConsoleOptions) -> Table:
        """Give the table that says most in the room there is; names give way before links fall silent.

        Where even a name of NAME_LEAST has no room, the round-trip time makes some.
        """
        names = [cell_len(self._called(center["name"])) for center in self._status["centers"]]
        longest = max(names, default=0)
        unbounded = options.update(max_width=UNBOUNDED, width=UNBOUNDED)
        room = longest
        for link, least, rtt in (
            (self._whole_link, longest, True),
            (self._short, NAME_LEAST, True),
            (self._sign, NAME_LEAST, True),
            (self._sign, 0, False),
        ):
            table = self._centers(link, longest, rtt=rtt)
            excess = Measurement.get(console, unbounded, table).maximum - options.max_width
            room = longest - max(0, excess)
            if room >= min(least, longest):
                break
        return self._centers(link, max(room, cell_len(self._words.label["center"])), rtt=rtt)

    def _centers(self, link: Callable[[Item], Text], room: int, *, rtt: bool) -> Table:
        """Give the table with names of at most *room* cells, with or without round-trip times."""
        label, networks = self._words.label, self._networks.values()
        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
        )
        # Where it is narrow, a network's name is a heading of several lines.
        headings = networks if link == self._whole_link else [name.replace(" ", "\n") for name in networks]
        for heading in (label["center"], label["health"], *headings):
            table.add_column(Text(heading), no_wrap=True, vertical="bottom")
        for heading in ("devices", "rtt", "loss", "mos") if rtt else ("devices", "loss"):
            table.add_column(label[heading], no_wrap=True, justify="right", vertical="bottom")
        for center in self._status["centers"]:
            table.add_row(*self._row(center, link, room, with_rtt=rtt))
        return table

    def _row(
        self, center: Item, said: Callable[[Item], Text], room: int, *, with_rtt: bool
    ) -> Iterator[Text]:
        links = {link["network"]: link for link in center["links"]}
        yield Text(shortened(self._called(center["name"]), room))
        yield self._health(center) if said == self._whole_link else self._short(center)
        for network in self._networks:
            yield said(links[network]) if network in links else _NOWHERE
        yield self._devices(center["devices"])
        rtt, loss, call = _way_in(center["links"])
        if with_rtt:
            yield _NOWHERE if rtt is None else Text(f"{rtt * 1000:.{1 if rtt >= SHORT else 2}f} ms")
        yield _NOWHERE if loss is None else Text(f"{loss:.0%}", "yellow" if loss else "")
        if with_rtt:
            yield self._opinion(call)

    def _opinion(self, circuit: Item) -> Text:
        """Say what people would think of a call over a circuit, and if it is not fit for video."""
        mos = circuit.get("mos")  # a daemon of an earlier version tells none
        if mos is None:
            return _NOWHERE
        text = Text(f"{mos:.1f}", "" if mos >= SATISFIED else "yellow")
        unfit = f" {SIGNS['down'][0]} {self._words.label['video']}"
        return text if circuit.get("fit_for_video") else text.append(unfit, SIGNS["down"][1])

    def _health(self, item: Item) -> Text:
        if item["health"] is None:
            return _NOWHERE
        text = self._teller.health(item["health"])
        if item["suspected"] and item["health"] != "down":
            text.append(" ").append(self._teller.suspected())
        return text

    def _whole_link(self, link: Item) -> Text:
        text = self._health(link).copy()
        if link["active"] is not None and link["health"] != "on_backup":
            text.append(f" {self._words.role[link['active']]}", "dim")
        if link["health"] not in (None, "up"):
            text.append(f" {self._clock(link['since'])}", "dim")
        return text

    def _short(self, item: Item) -> Text:
        if item["health"] is None:
            return _NOWHERE
        return _doubted(self._teller.health(item["health"]), item)

    def _sign(self, link: Item) -> Text:
        if link["health"] is None:
            return _NOWHERE
        return _doubted(Text(*SIGNS[link["health"]]), link)

    def _devices(self, devices: Sequence[Item]) -> Text:
        seen = [device["health"] for device in devices if device["health"] is not None]
        if not seen:
            return _NOWHERE
        fine = sum(health == "up" for health in seen)
        style = "" if fine == len(seen) else SIGNS["down" if "down" in seen else "unknown"][1]
        return Text(f"{fine}/{len(seen)}", style)

    # Names and times.

    def _called(self, name: Mapping[str, str]) -> str:
        return self._teller.called(name)

    def _clock(self, at: float) -> str:
        return self._teller.clock(at)


def _doubted(text: Text, item: Item) -> Text:
    """Put the bare sign of doubt behind a health."""
    if item["suspected"] and item["health"] != "down":
        text.append(f" {SUSPECTED[0]}", SUSPECTED[1])
    return text


def _way_in(links: Sequence[Item]) -> tuple[float | None, float | None, Item]:
    """Give time, loss and all else of the first active circuit that is looked at; else the best loss."""
    circuits = [(link, circuit) for link in links for circuit in link["circuits"]]
    for link, circuit in circuits:
        if circuit["role"] == link["active"] and circuit["loss"] is not None:
            return circuit["rtt"], circuit["loss"], circuit
    return None, min((c["loss"] for _, c in circuits if c["loss"] is not None), default=None), {}
