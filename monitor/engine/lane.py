"""One channel's way from the alarm desk to its peer.

What waits for one person goes together. A message is done with only on the peer's final yes. One that surely
was not taken is dissolved, and what it said goes into the next, as it then stands; one that may have been
taken is brought again as the same message, with the same key.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from monitor.core.alarm import Address, Message, Notice, Rung, Severity
from monitor.core.alarm.ladder import Reach, climbed
from monitor.core.alarm.letters import LISTED, Item
from monitor.core.vitals import OutputVitals
from monitor.engine.alarms import Alarms
from monitor.engine.letters import Letters
from monitor.engine.mishaps import Mishaps
from monitor.kit import crash
from monitor.kit.backoff import Backoff
from monitor.kit.courier import Fate, Receipt
from monitor.kit.text import clean
from monitor.ports import Channel, ChannelKind

SOON = 0.05
"""Seconds for which what comes together is gathered."""
AGAIN = 0.5
"""Seconds between two looks at whether something may be brought now."""
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Open:
    """A channel that is open, and what is to be known of it."""

    kind: ChannelKind
    channel: Channel
    per_minute: int
    """Messages to one person in a minute, at most; what comes faster is gathered. 0: any number."""


@dataclass(slots=True)
class Letter:
    """Notices that go to one person together."""

    key: str
    officer: str
    notices: tuple[Notice, ...]
    unsure: bool = False
    """It was brought before and may have been taken."""
    not_before: float = 0.0
    """Monotonic time, seconds."""


class Lane:
    """One channel's way from the desk to its peer."""

    def __init__(
        self, name: str, open_: Open, alarms: Alarms, letters: Letters, own: OutputVitals, mishaps: Mishaps
    ) -> None:
        self._name = name
        self._open = open_
        self._alarms = alarms
        self._letters = letters
        self._own = own
        self._mishaps = mishaps
        self._backoff = Backoff(base=1.0, cap=20.0)
        self._shut_until = 0.0
        self._unsure: list[Letter] = []
        self._under_way: set[str] = set()
        """Ids of notices in letters that are being brought, or brought again."""
        self._sent: dict[str, deque[float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.something = asyncio.Event()

    async def run(self) -> None:
        """Bring what is waiting until cancelled."""
        self._take_up()
        try:
            while True:
                letter = self._next() if len(self._tasks) < self._open.kind.at_once else None
                if letter is None:
                    await self._wait()
                    continue
                self._under_way.update(one.id for one in letter.notices)
                task = asyncio.create_task(self._bring(letter))
                self._tasks.add(task)
                task.add_done_callback(self._done)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._open.channel.aclose()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.something.set()

    async def _wait(self) -> None:
        self.something.clear()
        try:
            async with asyncio.timeout(AGAIN if self._is_anything_left() else None):
                await self.something.wait()
        except TimeoutError:
            return
        await asyncio.sleep(SOON)

    def _is_anything_left(self) -> bool:
        self._own.queued = len(self._alarms.desk.waiting(self._name))
        return bool(self._own.queued)

    # What goes next.

    def _take_up(self) -> None:
        """Bring again, as the same messages, what an earlier run was bringing when it ended."""
        letters: dict[str, list[Notice]] = {}
        for one in self._alarms.desk.waiting(self._name):
            if one.letter:
                letters.setdefault(one.letter, []).append(one)
        for key, notices in letters.items():
            self._unsure.append(Letter(key, notices[0].officer, tuple(notices), unsure=True))
            self._under_way.update(one.id for one in notices)

    def _next(self) -> Letter | None:
        now = time.monotonic()
        if now < self._shut_until:
            return None
        again = next((one for one in self._unsure if one.not_before <= now), None)
        if again is not None:
            self._unsure.remove(again)
            return again
        waiting = self._by_officer()
        allowed = (officer for officer in waiting if self._may_send(officer, now))
        officer = min(allowed, key=lambda one: _urgency(waiting[one], self._alarms), default=None)
        return None if officer is None else self._letter(officer, waiting[officer], now)

    def _by_officer(self) -> dict[str, list[Notice]]:
        waiting: dict[str, list[Notice]] = {}
        for one in self._alarms.desk.waiting(self._name):
            if one.id not in self._under_way:
                waiting.setdefault(one.officer, []).append(one)
        return waiting

    def _may_send(self, officer: str, now: float) -> bool:
        most = self._open.per_minute
        sent = self._sent.setdefault(officer, deque(maxlen=max(1, most)))
        if not most or len(sent) < most // 2:
            return True
        # Half of them at once, the rest spread over the minute: a storm is told soon, and its end as well.
        return now - sent[-1] >= MINUTE / most and (len(sent) < most or now - sent[0] >= MINUTE)

    def _letter(self, officer: str, notices: Sequence[Notice], now: float) -> Letter:
        real = [one for one in notices if not self._alarms.desk.alarms[one.alarm].drill]
        notices = real or notices  # an exercise never goes with what is no exercise
        alarms = dict.fromkeys(one.alarm for one in notices)
        most = LISTED if self._open.kind.address is not Address.PHONE else None  # of these it says how many
        chosen = set([*alarms][:most])
        taken = tuple(one for one in notices if one.alarm in chosen)
        self._sent[officer].append(now)
        more = f"+{len(taken) - 1}" if len(taken) > 1 else ""
        return Letter(f"{taken[0].id}{more}", officer, taken)

    # The bringing.

    async def _bring(self, letter: Letter) -> None:
        known = self._known(letter)  # meanwhile another way may have been used for them
        notices = tuple(replace(one, letter=letter.key, attempts=one.attempts + 1) for one in known)
        if not notices:
            self._release(letter)
            return
        letter.notices = notices
        self._alarms.moved(self._name, letter.key, notices, "", news=False)
        receipt = await self._attempt(letter)
        crash.point("after_send_before_mark")
        self._note(receipt)
        match receipt.fate:
            case Fate.TAKEN:
                self._moved(letter, receipt, Rung.HANDED_OVER)
            case Fate.REFUSED:
                self._moved(letter, receipt, Rung.REFUSED)
            case Fate.LATER if not letter.unsure:
                self._dissolve(letter, receipt)
            case Fate.LATER | Fate.UNSURE:
                self._bring_again(letter, receipt)

    async def _attempt(self, letter: Letter) -> Receipt:
        try:
            message = self._message(letter)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the lane
            self._mishaps.note("letters", error)
            return Receipt(Fate.REFUSED, "it could not be written: a bug of ours")
        if not message.to and self._open.kind.address is not Address.NONE:
            return Receipt(Fate.REFUSED, "the officer has no such address")
        crash.point("before_send")
        try:
            return await self._open.channel.send(message)
        except Exception as error:  # noqa: BLE001 - a channel's bug must not cost a message
            self._mishaps.note(f"channel {self._name}", error)
            return Receipt(Fate.LATER, clean(repr(error)))

    def _message(self, letter: Letter) -> Message:
        desk, reach = self._alarms.desk, self._alarms.desk.reach
        officer = reach.officers.get(letter.officer)
        items = [
            Item(one, desk.alarms[one.alarm], _also(desk.of(one.alarm), one, reach))
            for one in letter.notices
            if one.alarm in desk.alarms
        ]
        to = reach.address(letter.officer, self._open.kind.address)
        language = officer.language if officer else "zh"
        return self._letters.write(letter.key, to, language, items, unsure=letter.unsure)

    def _note(self, receipt: Receipt) -> None:
        own, well = self._own, receipt.fate in (Fate.TAKEN, Fate.REFUSED)
        own.connected = well
        own.trouble = "" if receipt.fate is Fate.TAKEN else receipt.words or str(receipt.fate)
        if receipt.fate is Fate.TAKEN:
            own.delivered += 1
        else:
            own.failed += 1
        if well:
            self._backoff.reset()
            self._shut_until = 0.0
        else:
            self._shut_until = time.monotonic() + max(self._backoff.next(), receipt.wait or 0.0)

    def _moved(self, letter: Letter, receipt: Receipt, rung: Rung) -> None:
        now = self._alarms.clock()
        known = self._known(letter)
        notices = [
            replace(
                climbed(one, rung, now),
                reference=receipt.reference,
                trouble=receipt.words if rung is Rung.REFUSED else "",
                limit_at=_limit(one, rung, self._open.kind, now),
            )
            for one in known
        ]
        self._release(letter)
        if notices:
            self._alarms.moved(self._name, letter.key, notices, receipt.words, news=True)

    def _dissolve(self, letter: Letter, receipt: Receipt) -> None:
        """Let what was surely not taken go into another message."""
        first = all(one.attempts == 1 for one in letter.notices)
        notices = [
            replace(one, letter="", trouble=receipt.words, unsure=False) for one in self._known(letter)
        ]
        self._release(letter)
        if notices:
            self._alarms.moved(self._name, letter.key, notices, receipt.words, news=first)

    def _bring_again(self, letter: Letter, receipt: Receipt) -> None:
        first = not letter.unsure
        notices = [replace(one, trouble=receipt.words, unsure=True) for one in self._known(letter)]
        if not notices:
            self._release(letter)
            return
        again = replace(letter, notices=tuple(notices), unsure=True, not_before=self._shut_until)
        self._unsure.append(again)
        self._alarms.moved(self._name, letter.key, notices, receipt.words, news=first)

    def _known(self, letter: Letter) -> Iterator[Notice]:
        """Give the letter's notices as the desk holds them now; those of settled alarms are gone."""
        for one in letter.notices:
            known = self._alarms.desk.notices.get(one.alarm, {}).get(one.id)
            if known is not None:
                yield known

    def _release(self, letter: Letter) -> None:
        self._under_way.difference_update(one.id for one in letter.notices)


def _urgency(notices: Sequence[Notice], alarms: Alarms) -> tuple[int, float]:
    ranks = [*Severity]
    rank = min(ranks.index(alarms.desk.alarms[one.alarm].severity) for one in notices)
    return rank, min(one.composed_at for one in notices)


def _limit(notice: Notice, rung: Rung, kind: ChannelKind, now: float) -> float | None:
    """Return when another way is used: at once if this one refused, never once it was brought for good."""
    if notice.limit_at is None:
        return None
    if rung is Rung.REFUSED:
        return now
    return notice.limit_at if kind.reports else None


def _also(notices: Sequence[Notice], this: Notice, reach: Reach) -> tuple[str, ...]:
    """Return the names of the others who are told."""
    others = dict.fromkeys(one.officer for one in notices if one.officer not in ("", this.officer))
    return tuple(reach.officers[name].name for name in others if name in reach.officers)
