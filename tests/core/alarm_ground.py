"""A small duty room to escalate in: three officers, two channels and a siren, and one plan."""

from dataclasses import replace
from datetime import UTC

from monitor.core.alarm import Address, Escalation, Plan, Rule, Rung, Step
from monitor.core.alarm.desk import Desk, Turn
from monitor.core.alarm.ladder import Reach, Way
from monitor.core.roster import Officer

OFFICERS = {
    "zhang": Officer("zhang", "张伟", "13900000001", "zhang@example.org"),
    "li": Officer("li", "李娜", "13900000002"),
    "wang": Officer("wang", "王主任", "13900000009", "wang@example.org", "en"),
}
WAYS = {
    "sms": Way(Address.PHONE, reports=True),
    "mail": Way(Address.EMAIL, reports=False),
    "siren": Way(Address.NONE, reports=False),
}
PLAN = Plan(
    "urgent",
    (
        Step(0.0, ("duty",), ("sms",), ("mail",), 60.0),
        Step(300.0, ("duty", "leaders"), ("sms", "siren")),
    ),
    repeat=600.0,
    answer_holds=3600.0,
)
CUT = {
    "incident": "20261124-091407",
    "stage": "confirmed",
    "component": "dan/province/primary",
    "kind": "circuit",
    "center": "dan",
    "name": {"zh": "丹江口至省网主用电路", "en": "Danjiangkou to the provincial network, primary circuit"},
    "confidence": 0.97,
    "since": 100.0,
    "planned": False,
    "lost_links": 0,
    "works": [],
    "carriers": [{"name": {"zh": "移动", "en": "Mobile"}, "hotline": "10086", "numbers": ["DJK-1"]}],
    "sentence": {
        "zh": "丹江口至省网主用电路 09:14:07 起中断，备用电路（4G/5G）正常；断点在 10.0.0.1 之后；"
        "报修移动 10086，电路号 DJK-1。",
        "en": "Danjiangkou to the provincial network, primary circuit: down since 09:14:07, backup circuit "
        "up; report to Mobile 10086, circuit DJK-1.",
    },
}


def people(word):
    return {"duty": ["zhang", "li"], "leaders": ["wang"]}.get(word, [word])


def desk(plan=PLAN, officers=OFFICERS, ways=WAYS):
    escalation = Escalation({plan.id: plan}, (Rule(plan.id),))
    return Desk(Reach(officers, ways, people), escalation, UTC)


def facts(**changes):
    return CUT | changes


def named(number):
    """Return the facts of one of many incidents."""
    name = {"zh": f"电路{number}", "en": f"circuit {number}"}
    sentence = {"zh": f"电路{number} 09:14:07 起中断。", "en": f"circuit {number} down since 09:14:07."}
    return facts(incident=f"i{number}", component=f"c{number}", name=name, sentence=sentence)


class Room:
    """Plays a story: at what second what happens, and what is told."""

    def __init__(self, **more):
        self.desk = desk(**more)
        self.now = 100.0
        self.told = []

    def at(self, now):
        self.now = now
        return self

    def hears(self, **changes):
        return self._did(lambda turn: self.desk.heed(facts(**changes), turn, self.now))

    def waits(self):
        return self._did(lambda turn: self.desk.turn(turn, self.now))

    def answers(self, answer, name=CUT["incident"]):
        return self._did(lambda turn: self.desk.answer(name, answer, turn))

    def brings(self, rung=Rung.HANDED_OVER, channel=None, **how):
        """Move everything that waits (for *channel*) to a rung."""
        for way in [channel] if channel else list(self.desk.reach.ways):
            moved = [replace(one, rung=rung, moved_at=self.now, **how) for one in self.desk.waiting(way)]
            self._did(lambda turn, moved=moved: self.desk.moved(moved, turn, self.now))
        return self

    def _did(self, act):
        turn = Turn()
        act(turn)
        self.told += [line(one, self.now) for one in turn.notices.values() if is_new(one, self.now)]
        return self

    @property
    def alarm(self):
        return self.desk.alarms[CUT["incident"]]


def is_new(notice, now):
    return notice is not None and notice.rung is Rung.COMPOSED and notice.composed_at == now


def line(notice, now):
    return f"{now:g} {notice.what} {notice.officer or '-'} {notice.channel}"
