"""Writes the answer to `what if`: what would be seen, what would be made of it, what it would mean."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from monitor.cli import plan
from monitor.cli.whatif.texts import TEXTS
from monitor.core.diagnosis import Diagnosis
from monitor.core.diagnosis.consequences import Impact, Prediction, Reduced
from monitor.core.diagnosis.looks import deciding
from monitor.core.sentence import called
from monitor.core.topology import Kind
from monitor.core.topology.names import ROLES

LISTED = 4
"""So many checks of a vantage are listed before they are counted by center."""
RIVALS = 3
"""So many other answers are told."""
INDENT = 2
CERTAIN = 0.999


@dataclass(frozen=True, slots=True)
class Case:
    """What was asked, and all that follows from it."""

    broken: tuple[str, ...]
    seen: Prediction
    diagnosis: Diagnosis
    impact: Impact

    @property
    def is_named(self) -> bool:
        """The diagnosis names just what is broken, or a group with it."""
        groups = [set(cause.group) for cause in self.diagnosis.causes]
        right = all(any(name in group for group in groups) for name in self.broken)
        return right and len(groups) == len(self.broken)


def _percent(share: float) -> str:
    """Return a probability that never claims to be certainty."""
    return f"{share:.1%}" if share < CERTAIN else f">{CERTAIN:.1%}"


class Telling:
    """Writes the answer."""

    def __init__(self, ground: plan.Ground, console: Console, case: Case) -> None:
        self._ground = ground
        self._console = console
        self._case = case
        self._texts = TEXTS[ground.language]

    def tell(self) -> None:
        """Write all of it."""
        self._section("if", self._asked())
        self._section("seen", self._sight())
        self._section("said", self._answer())
        self._section("means", self._meaning())

    def _section(self, heading: str, lines: Iterable[Text]) -> None:
        self._console.print(Text(self._texts[heading], "bold"))
        for line in lines:
            self._console.print(Padding(line, (0, 0, 0, INDENT)))

    def _asked(self) -> Iterator[Text]:
        for name in self._case.broken:
            yield Text.assemble(self._ground.name(name), "  ", (name, "dim"))

    # What would be seen.

    def _sight(self) -> Iterator[Text]:
        seen = self._case.seen
        counts = (
            ("failing", "red", seen.failing),
            ("blind", "magenta", seen.blind),
            ("good", "green", seen.good),
        )
        yield Text("   ").join(
            Text(self._texts[what].format(count=len(names)), style if names else "dim")
            for what, style, names in counts
        )
        yield from self._by_vantage("✘", "red", seen.failing)
        yield from self._by_vantage("?", "magenta", seen.blind)

    def _by_vantage(self, sign: str, style: str, names: tuple[str, ...]) -> Iterator[Text]:
        checks: dict[str, list[str]] = {}
        for name in names:
            observation = self._ground.topology.observations[name]
            checks.setdefault(observation.vantage, []).append(observation.check)
        for vantage, own in checks.items():
            place = called(self._ground.inventory.vantages[vantage].name, self._ground.language)
            yield Text.assemble((f"{sign} ", style), f"{place}  ", (self._listed(own), "dim"))

    def _listed(self, checks: list[str]) -> str:
        """Return checks one by one, or, if they are many, how many there are in which center."""
        if len(checks) <= LISTED:
            return "  ".join(checks)
        counts: dict[str, int] = {}
        for check in checks:
            first = check.partition("/")[0]
            counts[first] = counts.get(first, 0) + 1
        said = [self._texts["inside"].format(count=n, center=self._place(k)) for k, n in counts.items()]
        return self._some(said)

    def _place(self, key: str) -> str:
        center = self._ground.inventory.centers.get(key)
        return called(center.name if center is not None else plan.KINDS[Kind.NETWORK], self._ground.language)

    def _some(self, names: list[str], most: int = LISTED) -> str:
        more = len(names) - most
        listed = self._texts["comma"].join(names[:most] if more > 1 else names)
        return f"{listed} {self._texts['more'].format(count=more)}" if more > 1 else listed

    # What would be made of it.

    def _answer(self) -> Iterator[Text]:
        answer = self._case.diagnosis
        if not answer.causes:
            yield Text(self._texts["nothing"], "yellow")
        for cause in answer.causes:
            sure = self._texts["sure"].format(share=_percent(cause.confidence), count=len(cause.explains))
            if cause.against:
                sure += self._texts["against"].format(count=len(cause.against))
            line = Text.assemble(
                ("● ", "bold red"), (self._ground.name(cause.component), "bold"), f"  {sure}"
            )
            if not any(name in cause.group for name in self._case.broken):
                line.append(f"  ({self._texts['unlike']})", "yellow")
            yield line
            if len(cause.group) > 1:
                others = self._names(cause.group[1:])
                yield Text(f"  ≡ {self._texts['group'].format(others=others)}", "yellow")
        for rival in answer.rivals[:RIVALS]:
            causes = " + ".join(map(self._ground.name, rival.causes)) or self._texts["wrong"]
            yield Text(f"○ {self._texts['rival'].format(causes=causes, share=rival.confidence)}", "dim")
        looks = deciding(self._ground.topology, answer) if answer.rivals else ()
        if looks:
            yield Text(f"→ {self._texts['decide']}: {'  '.join(looks[:RIVALS])}", "dim")

    def _names(self, components: Iterable[str]) -> str:
        return self._some([self._ground.name(name) for name in components])

    # What it would mean.

    def _meaning(self) -> Iterator[Text]:
        effect, texts = self._case.impact, self._texts
        if effect.isolated:
            yield Text(texts["isolated"], "bold red")
        if effect.lost:
            lost = self._some(list(self._lost(effect.lost)), 2 * LISTED)
            yield Text.assemble((texts["lost"], "red"), f"  {lost}")
        for reduced in effect.reduced[:LISTED]:
            yield Text.assemble((texts["reduced"], "yellow"), f"  {self._left(reduced)}")
        if len(effect.reduced) > LISTED:
            yield Text(f"  {texts['more'].format(count=len(effect.reduced) - LISTED)}", "yellow")
        behind: dict[str, int] = {}
        for cause in effect.masked.values():
            behind[cause] = behind.get(cause, 0) + 1
        for cause, count in behind.items():
            said = texts["behind"].format(count=count, cause=self._ground.name(cause))
            yield Text.assemble((texts["masked"], "magenta"), f"  {said}")
        touched = effect.lost or effect.reduced
        if not effect.isolated:
            yield Text(texts["rest"] if touched else f"✔ {texts['nobody']}", "green")

    def _lost(self, subjects: tuple[str, ...]) -> Iterator[str]:
        """Give what is lost, all devices of a center in one."""
        devices: dict[str, list[str]] = {}
        for subject in subjects:
            device = subject.rpartition("/")[0]
            if subject in self._ground.inventory.devices:
                devices.setdefault(subject.partition("/")[0], []).append(subject)
            elif device in self._ground.inventory.devices:
                if device not in subjects:
                    yield self._ground.name(subject)
            else:
                yield self._link(subject)
        for center, own in devices.items():
            whole = self._ground.inventory.centers[center]
            if len(own) == len(whole.devices) and len(own) > 1:
                name = called(whole.name, self._ground.language)
                yield self._texts["all"].format(center=name, count=len(own))
            else:
                yield from (self._device(subject) for subject in own)

    def _left(self, reduced: Reduced) -> str:
        circuits, points = (
            self._ground.inventory.circuits,
            [p for p in reduced.points if p not in reduced.over],
        )
        roles = (called(ROLES[circuits[name].role], self._ground.language) for name in reduced.over)
        over = self._texts["comma"].join(roles)
        said = self._texts["left"].format(subject=self._link(reduced.subject), over=over)
        return said + (self._texts["points"].format(points=self._names(points)) if points else "")

    def _link(self, subject: str) -> str:
        center, _, network = subject.partition("/")
        inventory, language = self._ground.inventory, self._ground.language
        return self._texts["link"].format(
            center=called(inventory.centers[center].name, language),
            network=called(inventory.networks[network].name, language),
        )

    def _device(self, subject: str) -> str:
        device = self._ground.inventory.devices[subject]
        center = self._ground.inventory.centers[device.center]
        names = (called(center.name, self._ground.language), called(device.name, self._ground.language))
        return ("" if self._ground.language == "zh" else " ").join(names)
