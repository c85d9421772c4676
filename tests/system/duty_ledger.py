"""The account of alarms: what was done to the town, what the log says of it, what the channels brought.

I1  nothing that happened is missing in the log, and nothing is in it that did not happen;
I2  what had to be told came over each channel, once; after a kill, again at most what was under way;
I3  what broke is told before its end, and the end names the same alarm;
I4  recorded, and brought, in time;
I5  nothing is said to be broken that was whole.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tests.system.account import Book, book
from tests.system.duty_due import Alarms, Due, alarms_of
from tests.system.duty_heard import ENDED, Brought
from tests.system.duty_times import Times, figures, times_of
from tests.system.duty_world import World, world_of

HEAD = (
    f"{'':<34}{'events':>8}{'lost':>6}{'extra':>6}{'alarms':>8}{'lost':>6}{'ends':>6}{'lost':>6}{'unasked':>8}"
    f"{'messages':>10}{'doubled':>8}{'of':>5}{'false':>6}{'seen':>14}{'recorded':>14}{'brought':>14}"
)


@dataclass
class Account:
    """What one channel should have brought, and what it brought."""

    due: Due
    alarms: Alarms
    brought: Sequence[Brought]
    """All that came, in its order."""
    dead: bool = False
    """It takes nothing in this scenario; what it had to bring has to wait, or to be given up."""

    @cached_property
    def came(self) -> list[Brought]:
        """Return what was taken, or may have been."""
        return [one for one in self.brought if one.taken is not False]

    @cached_property
    def first(self) -> list[Brought]:
        """Return the same without what came again."""
        found: dict[object, Brought] = {}
        for number, one in enumerate(self.came):
            found.setdefault(one.key or number, one)
        return [*found.values()]

    @property
    def doubled(self) -> int:
        """Count the messages that came again."""
        named = len(self.came) - len(self.first)
        if any(one.key for one in self.came):
            return named
        return max(0, len(self.came) - len(self.due.handed) - len(self.due.waiting))

    @property
    def unsure(self) -> int:
        """Count the attempts that had no answer."""
        return sum(one.taken is None for one in self.brought)

    def said(self, *whats: str) -> set[str]:
        """Return the alarms of which something was said, of these kinds or of any."""
        found = (one for message in self.came for one in message.said)
        return {one.alarm for one in found if not whats or one.what in whats}

    @property
    def lost(self) -> set[str]:
        """Return the alarms that nobody was told of."""
        return set() if self.dead else self.due.begins() - self.said()

    @property
    def ends_lost(self) -> set[str]:
        """Return the alarms of which nobody was told that they are over."""
        return set() if self.dead else self.due.ends() - self.said(ENDED)

    @property
    def unasked(self) -> set[str]:
        """Return what was told and had not to be."""
        return self.said() - {alarm for alarm, _ in self.due.told}

    @property
    def surplus(self) -> set[str]:
        """Return the alarms of which one thing was said in more messages than there had to be."""
        said = Counter((one.alarm, one.what) for message in self.first for one in message.said if one.what)
        whats = ("alarm", "escalated", "repeat", "again")
        return {
            alarm
            for (alarm, what), count in said.items()
            if what in whats and count > self.due.told[alarm, what]
        }

    @property
    def strays(self) -> set[str]:
        """Return the messages that the log knows nothing of."""
        return {one.key for one in self.came if one.key} - self.due.names()

    @property
    def unheard(self) -> set[str]:
        """Return the messages that are noted as taken, and never came."""
        named = {one.key for one in self.came}
        if "" in named:
            return set() if len(self.came) >= len(self.due.handed) else {"some"}
        return self.due.handed.keys() - named

    @property
    def out_of_order(self) -> set[str]:
        """Return the alarms whose end was told before their beginning."""
        ended, wrong = set(), set()
        for one in (one for message in self.first for one in message.said):
            if one.what == ENDED:
                ended.add(one.alarm)
            elif one.alarm in ended:
                wrong.add(one.alarm)
        return wrong

    @property
    def misnamed(self) -> set[str]:
        """Return the alarms that were told under another code than theirs."""
        said = {one for message in self.came for one in message.said if one.code}
        return {one.alarm for one in said if self.alarms.codes.get(one.alarm, one.code) != one.code}

    def faults(self, in_flight: int) -> list[str]:
        """Return what is wrong, in words."""
        wrong = {
            "alarms that nobody was told of": self.lost,
            "ends that nobody was told of": self.ends_lost,
            "told and not in the log": self.unasked,
            "told more often than they had to be": self.surplus,
            "ended before they began": self.out_of_order,
            "told under another code": self.misnamed,
            "messages that the log does not know": self.strays,
            "messages noted as taken that never came": self.unheard,
        }
        found = [f"{len(names)} {what}: {sorted(names)[:3]}" for what, names in wrong.items() if names]
        if self.due.nowhere():
            found.append(f"{self.due.nowhere()} notices neither taken nor refused nor waiting")
        if self.due.waiting and not self.dead:
            found.append(f"{len(self.due.waiting)} notices still to be brought")
        if self.doubled > in_flight + self.unsure:
            found.append(f"{self.doubled} doubled, of {in_flight + self.unsure} that were in flight")
        return found


@dataclass
class Ledger:
    """What was done, what was recorded, what was told."""

    channels: Mapping[str, Account]
    alarms: Alarms
    world: World
    times: Times
    in_flight: int = 0
    """Messages that may have been under way at the kills, at most, over each channel."""
    blemishes: list[str] = field(default_factory=list)

    @property
    def doubled(self) -> int:
        """Count the messages that came again."""
        return sum(one.doubled for one in self.channels.values())

    def faults(self) -> list[str]:
        """Return what is wrong, in words."""
        found = [
            f"{name}: {fault}" for name, one in self.channels.items() for fault in one.faults(self.in_flight)
        ]
        if astray := self.alarms.astray():
            found.append(
                f"{len(astray)} alarms told another way more often than needed: {sorted(astray)[:3]}"
            )
        return [*self.world.faults(), *found, *self.times.faults(), *self.blemishes]

    def line(self, title: str) -> str:
        """Write the account as a row below `HEAD`."""
        found, channels = self.world.found, self.channels.values()
        sums = (
            sum(len(one.due.begins()) for one in channels),
            sum(len(one.lost) for one in channels),
            sum(len(one.due.ends()) for one in channels),
            sum(len(one.ends_lost) for one in channels),
        )
        return (
            f"{title:<34}{found.expected:>8}{found.lost:>6}{found.doubled:>6}"
            f"{sums[0]:>8}{sums[1]:>6}{sums[2]:>6}{sums[3]:>6}{sum(len(one.unasked) for one in channels):>8}"
            f"{sum(len(one.came) for one in channels):>10}{self.doubled:>8}{self.in_flight:>5}"
            f"{len(self.world.blamed):>6}{figures(self.world.seen):>14}"
            f"{self.times.recorded:>14}{self.times.brought:>14}"
        )


def ledger(file, done, heard, **terms) -> Ledger:
    """Return the account of the log at *file*, whose daemon has ended, as `judged`."""
    return judged(book(file), done, heard, **terms)


def judged(
    held: Book,
    done,
    heard: Mapping[str, Callable[[Alarms], Sequence[Brought]]],
    *,
    in_flight: int = 0,
    dead: Collection[str] = (),
    returns: Sequence[float] = (),
    untimed: Collection[str] = (),
) -> Ledger:
    """Return the account of a log, what was *done* to the town, and what each channel brought.

    *heard*: by channel what gives its messages, from the alarms of the log.
    *dead*: channels that take nothing; *returns*: when something broken was whole again, from which on a wait
    over it is counted; *untimed*: channels whose waits are not judged, `log` for what is recorded.
    """
    alarms = alarms_of(held)
    channels = {
        name: Account(alarms.channels[name], alarms, [*bring(alarms)], name in dead)
        for name, bring in heard.items()
    }
    blemishes = [
        f"{name}: something had to be told, and nobody listened"
        for name, due in alarms.channels.items()
        if due.told and name not in heard
    ]
    times = times_of(held, channels, returns, untimed)
    return Ledger(channels, alarms, world_of(done, held, alarms.opened), times, in_flight, blemishes)
