"""What comes back over a channel: word that a message has arrived, and what people answer."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from monitor.core.act import Act
from monitor.core.alarm import Answer, Notice, Rung
from monitor.core.alarm.ladder import climbed
from monitor.core.alarm.replies import meant, sender
from monitor.engine.alarms import Alarms
from monitor.kit.text import clean
from monitor.ports import Back, Delivered, Reply

log = structlog.get_logger()


class Replies:
    """Takes in what comes back; returns when it is recorded, so that the peer's copy may go."""

    def __init__(self, alarms: Alarms, recorded: Callable[[], Awaitable[bool]]) -> None:
        """Wait by *recorded* until the disk has taken what was told, for a while."""
        self._alarms = alarms
        self._recorded = recorded

    async def hear(self, channel: str, back: Back) -> None:
        """Take in what came back over *channel*."""
        if isinstance(back, Delivered):
            self._arrived(channel, back)
        else:
            self._answered(channel, back)
        await self._recorded()

    def _arrived(self, channel: str, back: Delivered) -> None:
        now = self._alarms.clock()
        notices = [
            one
            for notices in self._alarms.desk.notices.values()
            for one in notices.values()
            if one.channel == channel and one.reference == back.reference
        ]
        if back.arrived:
            moved = [climbed(one, Rung.DELIVERED, now) for one in notices]
        else:
            moved = [_lost(one, back.words, now) for one in notices]
        if moved != notices:
            self._alarms.moved(channel, moved[0].letter, moved, back.words, news=True)

    def _answered(self, channel: str, back: Reply) -> None:
        desk, now = self._alarms.desk, self._alarms.clock()
        kind = desk.reach.ways[channel].address
        known = [(name, desk.reach.address(name, kind)) for name in desk.reach.officers]
        officer = sender(back.sender, known)
        if officer is None:
            log.warning("reply.stranger", channel=channel)
            return
        understood = meant(back.text, officer, desk)
        if understood.unclear:
            log.warning("reply.unclear", channel=channel, officer=officer)
            return
        names = [alarm.id for alarm in understood.alarms]
        act = Act(now, officer, None, channel, "alarm/answer", names[0], {"alarms": [*names]})
        note = clean(back.text)
        self._alarms.answer(names, Answer(officer, channel, now, note=note), act)


def _lost(notice: Notice, words: str, now: float) -> Notice:
    """Return a notice of which we know that it has not arrived: another way is used at once."""
    if notice.rung.height >= Rung.DELIVERED.height:
        return notice
    return replace(notice, trouble=words, limit_at=None if notice.limit_at is None else now)
