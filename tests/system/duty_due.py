"""What a log says that had to be told, over which channel, and how far it says that has got."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.system.account import Book
from tests.system.duty_heard import ENDED

HANDED = ("handed_over", "delivered", "acknowledged")


@dataclass
class Due:
    """What one channel had to bring, and what became of it."""

    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Notices by alarm and what they say."""
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    """When the first of these was composed."""
    refused: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """Notices that the channel will never take, by alarm and whether it was over by then."""
    handed: dict[str, int] = field(default_factory=dict)
    """How many notices each message brought that was taken, by its key."""
    waiting: list[dict] = field(default_factory=list)
    """Notices that were still to be brought when the daemon ended."""

    def begins(self) -> set[str]:
        """Return the alarms of which something had to be said, and could be."""
        told = Counter[str]()
        for (alarm, what), count in self.told.items():
            told[alarm] += count if what != ENDED else 0
        return {alarm for alarm, count in told.items() if count > self.refused[alarm, False]}

    def ends(self) -> set[str]:
        """Return the alarms whose end had to be told."""
        ended = {alarm: count for (alarm, what), count in self.told.items() if what == ENDED}
        return {alarm for alarm, count in ended.items() if count > self.refused[alarm, True]}

    def nowhere(self) -> int:
        """Count the notices that were neither taken nor refused, and do not wait either."""
        gone = sum(self.handed.values()) + sum(self.refused.values()) + len(self.waiting)
        return max(0, sum(self.told.values()) - gone)

    def names(self) -> set[str]:
        """Return the keys that its messages may have."""
        waiting = {one["letter"] for one in self.waiting} | {one["id"] for one in self.waiting}
        return (self.handed.keys() | waiting) - {""}


@dataclass
class Alarms:
    """The alarms of a log, by id, and what they had to be told over."""

    codes: dict[str, str] = field(default_factory=dict)
    opened: dict[str, dict] = field(default_factory=dict)
    """What was said of each as it was opened, with `at`."""
    closed: set[str] = field(default_factory=set)
    straight: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Notices by alarm and channel, as the steps of a plan want them."""
    detours: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same of those for which another way was used."""
    channels: dict[str, Due] = field(default_factory=lambda: defaultdict(Due))

    def by_code(self) -> dict[str, str]:
        """Return the ids by what is answered with."""
        return {code: alarm for alarm, code in self.codes.items()}

    def astray(self) -> set[str]:
        """Return the alarms told another way more often than there were notices that might have needed it."""
        notices = Counter[str]()
        for (alarm, _), count in self.straight.items():
            notices[alarm] += count
        found = self.detours.items()
        return {alarm for (alarm, way), n in found if n > notices[alarm] - self.straight[alarm, way]}

    def keys(self) -> set[str]:
        """Return the keys of all messages that the log knows."""
        return set().union(*(due.names() for due in self.channels.values()))


def alarms_of(book: Book) -> Alarms:
    """Read what a log says of alarms."""
    found, ends = Alarms(), defaultdict[str, Counter[tuple[str, str]]](Counter)
    for entry in book.events:
        if entry.kind == "alarm":
            _alarm(found, ends, entry)
        elif entry.kind == "notice":
            _notice(found, ends, entry)
    for one in book.notices:
        if one["rung"] == "composed":
            found.channels[one["channel"]].waiting.append(one)
    return found


def _alarm(found, ends, entry):
    data, alarm = entry.data, entry.subject
    found.codes[alarm] = data["code"]
    if data["what"] == "opened":
        found.opened.setdefault(alarm, data | {"at": entry.at})
    for one in data["told"]:
        ends[alarm][one["channel"], one["officer"]] += 1
        ways = found.detours if data["what"] == "otherwise" else found.straight
        ways[alarm, one["channel"]] += 1
        _compose(found.channels[one["channel"]], alarm, one["what"], entry.at)
    if data["what"] == "closed":
        found.closed.add(alarm)
        for (channel, _), count in ends.pop(alarm, {}).items():
            if count > 0:  # whoever could not be told of the beginning is not told of the end
                _compose(found.channels[channel], alarm, ENDED, entry.at)


def _compose(due, alarm, what, at):
    due.told[alarm, what] += 1
    due.since.setdefault((alarm, what), at)


def _notice(found, ends, entry):
    data, due = entry.data, found.channels[entry.data["channel"]]
    if data["rung"] in HANDED:
        due.handed.setdefault(entry.subject, data["count"])
    elif data["rung"] == "refused":
        for alarm in data["alarms"]:
            due.refused[alarm, alarm in found.closed] += 1
            ends[alarm][data["channel"], data["officer"]] -= 1
