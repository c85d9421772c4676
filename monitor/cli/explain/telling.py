"""Writes all that is known of one incident."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.board.columns import GAP, hanging
from monitor.board.teller import SIGNS, STAGES, how_it_is
from monitor.cli import plan
from monitor.cli.explain.texts import TEXTS
from monitor.cli.incidents.facts import IncidentFacts
from monitor.cli.incidents.sources import Known, Turn
from monitor.core.incident import Stage
from monitor.core.sentence import WORDS, called, duration

INDENT = 2
CERTAIN = 0.999
_KINDS = {str(kind): name for kind, name in plan.KINDS.items()}


class Telling:
    """Writes one incident in one language, as of one moment."""

    def __init__(self, known: Known, console: Console, language: str, zone: tzinfo | None) -> None:
        """Tell times in *zone*; None: this machine's."""
        self._known = known
        self._facts = known.facts
        self._worst = _worst(known)
        self._console = console
        self._language = language
        self._zone = zone
        self._texts = TEXTS[language]
        told = (*self._worst.names, *known.facts.names)
        self._names = {name.path: name.told(language) for name in told}

    def tell(self) -> None:
        """Write all of it."""
        for line in self._headline():
            self._console.print(line)
        self._section("course", [self._table(self._course())])
        self._section("verdict", self._verdict())
        self._section("evidence", self._evidence())
        self._section("way", self._way())
        self._section("meaning", self._meaning())
        self._section("next", self._next())

    def _section(self, heading: str, parts: Iterable[Text | Table]) -> None:
        parts = list(parts)
        if parts:
            self._console.print(Text(f"\n{self._texts[heading]}", "bold"))
            for part in parts:
                self._console.print(Padding(part, (0, 0, 0, INDENT), expand=False))

    @staticmethod
    def _table(rows: Iterable[tuple[str | Text, ...]]) -> Table:
        table = Table.grid(padding=(0, 2), pad_edge=False)
        for row in rows:
            table.add_row(*row)
        for column in table.columns:
            column.overflow = "fold"
        return table

    def _headline(self) -> Iterator[Text]:
        facts = self._facts
        how = how_it_is({"planned": facts.planned, "behind": facts.behind, "stage": facts.stage})
        sign = Text(*STAGES.get(how, ("-", "dim") if facts.unproven else SIGNS["up"]))
        told = Text(facts.sentence.told(self._language), "bold")
        told.append(f"{GAP}{facts.incident} {self._known.vantage}", "not bold dim")
        return hanging(sign, told, self._console.width)

    # Its course.

    def _course(self) -> Iterator[tuple[str, str]]:
        facts = self._facts
        yield self._moment(facts.since), self._texts["first"]
        before = None
        for turn in self._known.turns or self._turns():
            told = self._texts["comma"].join(self._turned(turn, before))
            if told:
                yield self._moment(turn.at), f"{told}{GAP}{self._later(turn.at)}".rstrip()
            before = turn
        if facts.stage is not Stage.CLOSED:
            yield "", self._texts["hold"].format(hold=self._lasting(facts.hold))

    def _turns(self) -> Iterator[Turn]:
        """Give the turns that the facts themselves remember, where there is no log to be read."""
        facts = self._facts
        for at, stage in (
            (facts.confirmed_at, Stage.CONFIRMED),
            (facts.recovering_at, Stage.RECOVERING),
            (facts.closed_at, Stage.CLOSED),
        ):
            if at is not None:
                yield Turn(at, facts.model_copy(update={"stage": stage}))

    def _turned(self, turn: Turn, before: Turn | None) -> Iterator[str]:
        """Say what one event has changed."""
        now, texts = turn.facts, self._texts
        was = None if before is None else before.facts
        relapsed = was is not None and now.relapses > was.relapses
        if relapsed:
            yield texts["relapsed"].format(count=now.relapses)
        elif was is None or was.stage is not now.stage:
            yield texts[_how(now)]
        if was is not None and was.component != now.component:
            yield texts["renamed"].format(name=now.name.told(self._language))
        if was is not None and was.behind != now.behind:
            hidden = texts["hidden"].format(name=self._name(now.behind or ""))
            yield hidden if now.behind else texts["seen"]
        if now.planned and not (was is not None and was.planned):
            yield texts["planned"]

    def _later(self, at: float) -> str:
        after = at - self._facts.since
        return self._texts["after"].format(duration=self._lasting(after)) if after > 0 else ""

    def _moment(self, at: float) -> str:
        moment = datetime.fromtimestamp(at, self._zone)
        first = datetime.fromtimestamp(self._facts.since, self._zone)
        whole = at == self._facts.since or moment.date() != first.date()
        return moment.strftime("%Y-%m-%d %H:%M:%S" if whole else "           %H:%M:%S")

    def _lasting(self, seconds: float) -> str:
        return duration(seconds, WORDS[self._language])

    # What is held to be broken.

    def _verdict(self) -> Iterator[Text]:
        facts, texts = self._facts, self._texts
        kind = _KINDS.get(facts.kind)
        line = Text.assemble(("● ", "red"), (facts.name.told(self._language), "bold"))
        line.append(f"{GAP}{facts.component}", "dim")
        line.append(f"{GAP}{facts.kind if kind is None else called(kind, self._language)}", "dim")
        yield line.append(f"{GAP}{texts['sure'].format(share=_percent(facts.confidence))}")
        others = [name for name in facts.group if name != facts.component]
        if others:
            yield Text(f"  ≡ {texts['group'].format(names=self._joined(others))}", "yellow")
        for other in facts.others:
            pattern = texts["other" if other.causes else "wrong"]
            said = pattern.format(
                names=self._joined(other.causes), share=_percent(other.confidence), behind=other.behind
            )
            yield Text(f"○ {said}", "dim")
        if facts.called:
            yield Text(texts["called"].format(names=self._joined(facts.called)), "dim")

    # What speaks for it and against it.

    def _evidence(self) -> Iterator[Text | Table]:
        facts, texts = self._worst, self._texts
        yield Text(f"✘ {texts['failing'].format(count=facts.failing)}", "red")
        yield from self._looks(facts.evidence, facts.failing)
        if facts.contradicting:
            yield Text(f"✔ {texts['against'].format(count=facts.contradicting)}", "yellow")
            yield from self._looks(facts.against, facts.contradicting)
        else:
            yield Text(f"✔ {texts['nothing_against']}", "green")

    def _looks(self, observations: tuple[str, ...], count: int) -> Iterator[Text | Table]:
        rows: list[tuple[str | Text, ...]] = []
        latest = ""
        for observation in observations:
            vantage, _, check = observation.partition(":")
            rows.append(("", Text("" if vantage == latest else vantage), Text(check, "dim")))
            latest = vantage
        if rows:
            yield self._table(rows)
        if count > len(observations):
            yield Text(f"  {self._texts['more'].format(count=count - len(observations))}", "dim")

    # Where the way ends.

    def _way(self) -> Iterator[Text]:
        for trace in self._facts.traces:
            told = Text(trace.told.told(self._language))
            told.append(f"{GAP}{trace.circuit}{GAP}{self._moment(trace.at).strip()}", "dim")
            yield from hanging(Text("⌁", "red"), told, self._console.width - INDENT)

    # What it means.

    def _meaning(self) -> Iterator[Text]:
        facts, texts = self._worst, self._texts
        if facts.isolated:
            yield Text(f"! {texts['isolated']}", "bold red")
        left = [
            texts["left"].format(subject=self._name(one.subject), over=self._joined(one.over))
            for one in facts.reduced
        ]
        rows = [
            (f"✘ {texts['lost']}", "red", self._joined(_without_parts(facts.lost))),
            (f"▾ {texts['reduced']}", "yellow", self._listed(left)),
            (f"✔ {texts['works']}", "green", self._joined(facts.works)),
        ]
        yield from self._beside([row for row in rows if row[-1]])
        if facts.affected > len(facts.lost) + len(facts.reduced):
            rest = facts.affected - len(facts.lost) - len(facts.reduced)
            yield Text(f"  {texts['more'].format(count=rest)}", "dim")
        if facts.hiding:
            yield Text(f"? {texts['hiding'].format(count=facts.hiding)}", "magenta")
        if not facts.affected and not facts.isolated:
            yield Text(texts["nobody"], "green")

    def _beside(self, rows: list[tuple[str, str, str]]) -> Iterator[Text]:
        """Give headings, with their styles, and beside each what may take several lines."""
        widest = max((cell_len(heading) for heading, _, _ in rows), default=0)
        for heading, style, told in rows:
            sign = Text(heading + " " * (widest - cell_len(heading) + 1), style)
            yield from hanging(sign, Text(told), self._console.width - INDENT)

    # What to do next.

    def _next(self) -> Iterator[Text | Table]:
        facts, texts = self._facts, self._texts
        if facts.stage is Stage.CLOSED:
            return
        for call in facts.carriers:
            numbers = texts["number"].format(numbers=self._listed(call.numbers)) if call.numbers else ""
            parts = (call.name.told(self._language), call.hotline, numbers)
            yield Text(f"{texts['call']} {GAP.join(filter(None, parts))}")
        if facts.deciding:
            yield Text(f"→ {texts['deciding']}")
            yield from self._looks(facts.deciding, len(facts.deciding))

    # Names.

    def _name(self, path: str) -> str:
        return self._names.get(path, path)

    def _joined(self, paths: Iterable[str]) -> str:
        return self._listed(map(self._name, paths))

    def _listed(self, words: Iterable[str]) -> str:
        return self._texts["comma"].join(words)


def _how(facts: IncidentFacts) -> str:
    """Return the key of the words for how far it is, or for how it was closed."""
    if facts.unwatched:
        return "unwatched"
    return "withdrawn" if facts.withdrawn else str(facts.stage)


def _worst(known: Known) -> IncidentFacts:
    """Return what was told while it lasted: of one that is over nothing is broken any more."""
    if known.facts.stage in (Stage.SUSPECTED, Stage.CONFIRMED):
        return known.facts
    lasting = [turn.facts for turn in known.turns if turn.facts.stage in (Stage.SUSPECTED, Stage.CONFIRMED)]
    return lasting[-1] if lasting else known.facts


def _without_parts(paths: Sequence[str]) -> list[str]:
    """Leave out services of devices that are named themselves."""
    return [path for path in paths if path.rpartition("/")[0] not in paths]


def _percent(share: float) -> str:
    """Return a probability that never claims to be certainty."""
    return f"{share:.1%}" if share < CERTAIN else f">{CERTAIN:.1%}"
