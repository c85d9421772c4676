"""The account of alarms: what the log says had to be told beside what a receiver was brought."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

HEAD = (
    f"{'':<34}{'alarms':>8}{'lost':>6}{'ends':>8}{'lost':>6}{'unasked':>8}"
    f"{'messages':>10}{'doubled':>8}{'of':>5}{'worst delay':>13}"
)


@dataclass
class Ledger:
    """What a receiver should have got, and what it got."""

    opened: dict[str, float]
    """Alarms that somebody was to be told of, and when."""
    ended: set[str]
    heard: list[dict]
    """Bodies of the messages, as they came."""
    in_flight: int = 0
    """Messages that may have been under way at the kills, at most."""
    blemishes: list[str] = field(default_factory=list)

    @property
    def doubled(self) -> int:
        """Messages that came again."""
        return len(self.heard) - len({body["key"] for body in self.heard})

    def said(self, *whats: str) -> set[str]:
        """Return the alarms of which something was said, of these kinds or of any."""
        found = (one for body in self.heard for one in body["facts"]["alarms"])
        return {one["alarm"] for one in found if not whats or one["what"] in whats}

    @property
    def lost(self) -> set[str]:
        """Alarms that nobody was told of."""
        return self.opened.keys() - self.said()

    @property
    def ends_lost(self) -> set[str]:
        """Alarms of which nobody was told that they are over."""
        return self.ended - self.said("recovery")

    @property
    def unasked(self) -> set[str]:
        """Alarms that were told and are not in the log."""
        return self.said() - self.opened.keys()

    @property
    def delay(self) -> float:
        """The longest that an alarm waited for its first message."""
        first: dict[str, float] = {}
        for body in self.heard:
            for one in body["facts"]["alarms"]:
                first.setdefault(one["alarm"], body["at"])
        return max((at - self.opened[name] for name, at in first.items() if name in self.opened), default=0.0)

    @property
    def out_of_order(self) -> set[str]:
        """Alarms whose end was told before their beginning."""
        ended, wrong = set(), set()
        for body in self.heard:
            for one in body["facts"]["alarms"]:
                if one["what"] == "recovery":
                    ended.add(one["alarm"])
                elif one["alarm"] in ended:
                    wrong.add(one["alarm"])
        return wrong

    def line(self, title: str) -> str:
        """Write the account."""
        return (
            f"{title:<34}{len(self.opened):>8}{len(self.lost):>6}{len(self.ended):>8}{len(self.ends_lost):>6}"
            f"{len(self.unasked):>8}{len(self.heard):>10}{self.doubled:>8}{self.in_flight:>5}"
            f"{self.delay:>11.2f} s"
        )

    def faults(self) -> list[str]:
        """Return what is wrong, in words."""
        wrong = {
            "alarms that nobody was told of": self.lost,
            "ends that nobody was told of": self.ends_lost,
            "told and not in the log": self.unasked,
            "ended before they began": self.out_of_order,
        }
        found = [f"{len(names)} {what}: {sorted(names)[:3]}" for what, names in wrong.items() if names]
        if self.doubled > self.in_flight:
            found.append(f"{self.doubled} doubled, of {self.in_flight} that were in flight")
        return found + self.blemishes


def ledger(file, heard, in_flight=0):
    """Return the account of the log at *file*, whose daemon has ended; *heard*: pairs of time and body."""
    opened, ended = {}, set()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as log:
        rows = log.execute("SELECT subject, at, data FROM events WHERE kind = 'alarm' ORDER BY position")
        for subject, at, data in rows:
            told = json.loads(data)
            if told["told"]:
                opened.setdefault(subject, at)
            if told["what"] == "closed" and subject in opened:
                ended.add(subject)
    bodies = [json.loads(body) | {"at": at} for at, body in heard]
    return Ledger(opened, ended, bodies, in_flight)
