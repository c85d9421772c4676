"""What is wrong with ourselves, as alarms of their own; and the auditor, who sees that alarms go on.

Each trouble is a state that is looked at again and again: it has to last before it is told, and it is over
only when it has been away for a while. None of it is ever held against what we watch.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from monitor.core.alarm import Severity
from monitor.core.alarm.escalation import next_due
from monitor.core.planned import Span
from monitor.core.sentence import WORDS, clock
from monitor.core.vitals import Vitals
from monitor.core.world import Json, World
from monitor.engine.alarms import LONGEST, Alarms
from monitor.kit.text import clean

EVERY = 1.0
"""Seconds between two looks at ourselves."""
SLOW = 1.0
"""Seconds of lag of the event loop from which on looks are late."""
OVER = 15.0
"""Seconds for which a trouble must have been away to be over."""
STEPPED = 900.0
"""Seconds for which it is told that the system's clock has jumped."""
OVERDUE = 30.0
"""Seconds after which what was due and is not done shows that the alarms stand still."""
STEP = 2.0
"""Seconds by which a clock that is set, not slewed, differs between two looks."""
WELL_EVERY = 600.0
"""Seconds between two words that we are well, to whoever has to acknowledge them."""
PREFIX = "own/"
"""What a trouble of our own is called after, instead of a component."""
TROUBLE = 200
"""Characters of a trouble in a sentence."""


@dataclass(frozen=True, slots=True)
class Ill:
    """One thing that is wrong with us now."""

    key: str
    """Names it: the same as long as it is the same trouble."""
    words: str
    """Which sentence tells it, see `words.alarm["own_<words>"]`."""
    severity: Severity = Severity.WARNING
    after: float = 0.0
    """Seconds for which it must last before it is told."""
    trouble: str = ""
    name: str = ""


class Ourselves:
    """Looks after the daemon itself; a part of the engine, in its event loop."""

    def __init__(
        self,
        world: World,
        vitals: Vitals,
        alarms: Alarms,
        gaps: Callable[[], Sequence[Span]],
        zone: tzinfo,
        wall: Callable[[], float] = time.time,
        well: Callable[[], None] | None = None,
    ) -> None:
        """Ask *gaps* for the coming times without anybody on duty.

        *well* is called now and then where another daemon is to acknowledge what we say: one that has fallen
        silent is then noticed though nothing else happens here.
        """
        self.proof = ""
        """What the latest routine test of the channels failed at; empty: nothing."""
        self._world = world
        self._vitals = vitals
        self._alarms = alarms
        self._gaps = gaps
        self._zone = zone
        self._wall = wall
        self._well = well
        self._well_at = alarms.clock()
        self._offset = wall() - alarms.clock()
        self._stepped_at: float | None = None
        self._step = 0.0
        self._since: dict[str, float] = {}
        """By what is wrong, since when."""
        self._away: dict[str, float] = {}
        """Since when what was told is not so any more."""
        self._told: dict[str, tuple[str, Ill]] = {}
        """The alarm of what was told, and how it was."""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        self.take_up()
        while True:
            self.look()
            await asyncio.sleep(EVERY)

    def take_up(self) -> None:
        """Hold what an earlier run told of itself to be still so, until it is seen to be over."""
        for name, alarm in self._alarms.desk.alarms.items():
            words, key = alarm.facts.get("own"), alarm.subject.removeprefix(PREFIX)
            if isinstance(words, str) and alarm.closed_at is None:
                self._told[key] = (name, Ill(key, words, name=str(alarm.facts.get("own_name") or "")))
                self._since[key] = alarm.since

    def look(self) -> None:
        """Tell what is wrong, and what no longer is."""
        now = self._alarms.clock()
        if self._well is not None and now - self._well_at >= WELL_EVERY:
            self._well_at = now
            self._well()
        self._follow_clock(now)
        ills = {ill.key: ill for ill in self._ills(now)}
        for key, ill in ills.items():
            self._away.pop(key, None)
            since = self._since.setdefault(key, now)
            if key not in self._told and now - since >= ill.after:
                name = f"own-{key}-{int(since)}"
                self._told[key] = (name, ill)
                self._alarms.own(name, ill.severity, self._facts(ill, since))
        for key in [key for key in self._since if key not in ills]:
            self._is_away(key, now)

    def _is_away(self, key: str, now: float) -> None:
        if key not in self._told:
            del self._since[key]
        elif now - self._away.setdefault(key, now) >= OVER:
            (name, ill), since = self._told.pop(key), self._since.pop(key)
            del self._away[key]
            self._alarms.own_is_over(name, self._facts(ill, since, over=True))

    def _follow_clock(self, now: float) -> None:
        """See whether the system's clock was set."""
        offset = self._wall() - now
        if abs(offset - self._offset) > STEP:
            self._stepped_at, self._step = now, offset - self._offset
            self._since.pop("clock", None)
        self._offset = offset

    # What may be wrong.

    def _ills(self, now: float) -> Iterator[Ill]:
        vitals = self._vitals
        if vitals.store.trouble:
            yield Ill("store", "store", after=3.0, trouble=vitals.store.trouble)
        if vitals.store.notice:
            yield Ill("database", "notice", trouble=vitals.store.notice)
        yield from self._outputs()
        if vitals.lag > SLOW:
            yield Ill("lag", "lag", after=5.0)
        if self._stepped_at is not None and now - self._stepped_at < STEPPED:
            yield Ill("clock", "clock", trouble=f"{self._step:+.1f}")
        if gaps := self._gaps():
            yield Ill("roster", "roster", trouble=self._spans(gaps))
        if not vitals.reload_ok:
            yield Ill("config", "config", trouble=vitals.reload_trouble)
        if standstill := self.standstill():
            yield Ill("alarms", "standstill", Severity.CRITICAL, trouble=standstill)
        if self.proof:
            yield Ill("proof", "proof", Severity.CRITICAL, trouble=self.proof)

    def _outputs(self) -> Iterator[Ill]:
        for name, own in self._vitals.outputs.items():
            if not own.trouble:
                continue
            if name.startswith("report") and "acknowledges" in own.trouble:
                yield Ill(f"neighbour-{name}", "neighbour", Severity.CRITICAL, 60.0, own.trouble, name)
            elif own.connected:
                yield Ill(f"doubt-{name}", "doubt", Severity.WARNING, 60.0, own.trouble, name)
            else:
                severity = Severity.CRITICAL if name.startswith("channel-") else Severity.WARNING
                yield Ill(f"output-{name}", "output", severity, 30.0, own.trouble, name)

    def standstill(self) -> str:
        """Say which alarm did not go on though it was due; empty if all do."""
        now = self._alarms.clock()
        if now - self._alarms.looked_at > LONGEST + OVERDUE:
            return "nobody looks at what is due"
        for alarm in self._alarms.desk.alarms.values():
            due = next_due(alarm, now)
            if due is not None and now - due > OVERDUE:
                return f"{alarm.id} is {now - due:.0f} s overdue"
        return ""

    # How it is told.

    def _facts(self, ill: Ill, since: float, *, over: bool = False) -> dict[str, Json]:
        vantage = self._world.inventory.vantages[self._world.vantage].name
        said: dict[str, Json] = {}
        called: dict[str, Json] = {}
        for language, words in WORDS.items():
            place = vantage.zh if language == "zh" else vantage.en
            called[language] = own = words.alarm["own"].format(vantage=place)
            pattern = words.alarm[f"own_{ill.words}{'_over' if over else ''}"]
            short = next((said for piece, said in words.trouble.items() if piece in ill.trouble), "")
            trouble = short or clean(ill.trouble)[:TROUBLE]
            text = pattern.format(own=own, at=clock(since, self._zone), trouble=trouble, name=ill.name)
            said[language] = text[:1].upper() + text[1:] + words.sentence["end"]
        facts: dict[str, Json] = {"component": f"{PREFIX}{ill.key}", "kind": "ourselves", "since": since}
        return facts | {"name": called, "sentence": said, "own": ill.words, "own_name": ill.name}

    def _spans(self, gaps: Sequence[Span]) -> str:
        first = gaps[0]
        edges = (f"{datetime.fromtimestamp(at, self._zone):%m-%d %H:%M}" for at in first)
        more = f" (+{len(gaps) - 1})" if len(gaps) > 1 else ""
        return " - ".join(edges) + more
