"""alarms and outbox: what is confirmed is brought to the right people, once, whatever the channels do."""

import asyncio

import pytest

from monitor.core.act import Act
from monitor.core.alarm import Address, Answer, Plan, Rung, Severity, Step
from monitor.kit.courier import Fate, Receipt
from monitor.ports import Delivered, Reply
from tests.core.alarm_ground import CUT, facts, named
from tests.engine.city import hear
from tests.engine.duty_ground import TAKEN, Sink, room

LATER, UNSURE = Receipt(Fate.LATER, "busy"), Receipt(Fate.UNSURE, "no answer")
REFUSED = Receipt(Fate.REFUSED, "no such number")


def both():
    sms, hall = Sink(), Sink()
    return sms, hall, {"sms": sms.open(Address.PHONE, at_once=2), "hall": hall.open(Address.NONE)}


async def test_a_confirmed_incident_is_brought_to_each_officer_and_each_place():
    sms, hall, channels = both()
    async with room(channels) as built:
        built.happens()
        await sms.until(2)
        await hall.until(1)
        event, heard = await hear(built.feed, lambda e: e.kind == "notice" and e.data["channel"] == "hall")

    assert sorted(message.to for message in sms.brought) == ["13900000001", "13900000002"]
    assert hall.brought[0].to == ""
    assert event.data["rung"] == "handed_over"
    assert "1390000" not in str([e.data for e in heard])


async def test_a_short_message_has_what_matters_and_is_not_split():
    sms, _, channels = both()
    async with room(channels) as built:
        built.happens()
        (message, *_) = await sms.until(2)

    assert (
        message.short
        == "丹江口至省网主用电路 09:14 起中断，备用电路（4G/5G）正常；报修移动 10086，电路号 DJK-1。回0001"
    )
    assert len(message.short) <= 70
    assert "等级：重要" in message.text
    assert "断点在 10.0.0.1 之后" in message.text
    assert CUT["incident"] in message.text


async def test_the_end_follows_in_order():
    sms, _, channels = both()
    closed = {"zh": "丹江口至省网主用电路 09:20:00 恢复正常。", "en": "up."}
    async with room(channels) as built:
        built.happens()
        await sms.until(2)
        built.happens(stage="closed", sentence=closed)
        await sms.until(4)
        await built.until(lambda: not built.alarms.desk.alarms)

    assert [message.short for message in sms.brought[2:]] == ["丹江口至省网主用电路 09:20 恢复正常。"] * 2
    assert sms.brought[2].severity is Severity.INFO


async def test_what_was_surely_not_taken_goes_with_what_came_meanwhile():
    hall = Sink(answers=[LATER, TAKEN])
    async with room({"hall": hall.open(Address.NONE)}) as built:
        built.happens()
        await hall.until(1)
        built.telling.tell([built.telling.event("incident", "c2", named(2))])
        await hall.until(2)
        await built.until(lambda: all(one.rung is Rung.HANDED_OVER for one in built.notices()))

    assert len(hall.brought) == 2
    assert hall.brought[1].facts["count"] == 2
    assert hall.keys[0] != hall.keys[1]


async def test_what_may_have_been_taken_comes_again_under_the_same_key():
    hall = Sink(answers=[UNSURE, LATER, TAKEN])
    async with room({"hall": hall.open(Address.NONE)}) as built:
        built.happens()
        await hall.until(1)
        await built.until(lambda: built.notices()[0].unsure)
        built.telling.tell([built.telling.event("incident", "c2", named(2))])
        await hall.until(4)

    assert hall.keys[0] == hall.keys[1] == hall.keys[2] != hall.keys[3]
    assert [message.unsure for message in hall.brought] == [False, True, True, False]


async def test_a_dead_channel_delays_no_other():
    sms, hall = Sink(gate=asyncio.Event()), Sink()
    async with room({"sms": sms.open(Address.PHONE), "hall": hall.open(Address.NONE)}) as built:
        for number in range(5):
            built.telling.tell([built.telling.event("incident", f"c{number}", named(number))])
            await hall.until(number + 1)

    assert sms.brought == []


@pytest.mark.parametrize("answer", [REFUSED, ValueError("a bug")])
async def test_a_refusal_is_final_and_a_bug_of_a_channel_costs_no_message(answer):
    hall = Sink(answers=[answer, TAKEN])
    async with room({"hall": hall.open(Address.NONE)}) as built:
        built.happens()
        await hall.until(1 if answer is REFUSED else 2)
        await built.until(lambda: built.notices()[0].rung is not Rung.COMPOSED)
        (notice,) = built.notices()

    assert notice.rung is (Rung.REFUSED if answer is REFUSED else Rung.HANDED_OVER)


async def test_a_storm_is_gathered_and_lists_every_alarm():
    hall = Sink()
    async with room({"hall": hall.open(Address.NONE, per_minute=60)}) as built:
        events = [built.telling.event("incident", f"c{n}", named(n)) for n in range(300)]
        built.telling.tell(events)
        await built.until(
            lambda: built.notices() and all(n.rung is Rung.HANDED_OVER for n in built.notices())
        )

    listed = [alarm["subject"] for message in hall.brought for alarm in message.facts["alarms"]]
    assert len(hall.brought) <= 2
    assert sorted(listed) == sorted(f"c{n}" for n in range(300))
    assert "300 起告警" in hall.brought[0].short


async def test_one_person_gets_so_many_messages_a_minute_and_the_rest_together():
    sms = Sink()
    async with room({"sms": sms.open(Address.PHONE, per_minute=4)}) as built:
        for number in range(6):
            built.telling.tell([built.telling.event("incident", f"c{number}", named(number))])
            await asyncio.sleep(0.15)
        zhang = [message for message in sms.brought if message.to == "13900000001"]
        waiting = [one for one in built.notices() if one.rung is Rung.COMPOSED and one.officer == "zhang"]

    assert len(zhang) == 2
    assert len(waiting) >= 3


async def test_what_waited_when_the_daemon_ended_is_brought_by_the_next_run(tmp_path):
    sms = Sink(gate=asyncio.Event())
    async with room({"sms": sms.open(Address.PHONE)}, tmp_path) as built:
        built.happens()
        await built.until(lambda: any(one.letter for one in built.notices()))
    sms = Sink()
    async with room({"sms": sms.open(Address.PHONE)}, tmp_path) as built:
        await sms.until(2)
        await built.until(lambda: all(one.rung is Rung.HANDED_OVER for one in built.notices()))
        built.happens(stage="closed")
        await sms.until(4)

    # The first was under way when that run ended: it may have been taken.
    assert sorted(message.unsure for message in sms.brought) == [False, False, False, True]


async def test_word_of_arrival_climbs_and_word_of_loss_uses_another_way():
    sms, hall = Sink(answers=[Receipt(Fate.TAKEN, reference="r1")]), Sink()
    channels = {"sms": sms.open(Address.PHONE, reports=True), "hall": hall.open(Address.NONE)}
    async with room(channels) as built:
        built.happens()
        await sms.until(2)
        await built.until(lambda: built.notices()[0].reference == "r1")
        await sms.heard(Delivered("r1", arrived=True))

        assert built.notices()[0].rung is Rung.DELIVERED


@pytest.mark.parametrize(
    ("text", "sender", "answered"),
    [
        ("0001", "+86 139 0000 0001", True),
        ("收到", "13900000001", True),
        ("０００１ 收到", "13900000002", True),
        ("9999", "13900000001", False),
        ("你好", "13900000001", False),
        ("没收到", "13900000001", False),
        ("收到", "13911111111", False),
    ],
)
async def test_a_reply_takes_an_alarm_on_if_it_is_clear_and_from_an_officer(text, sender, answered):
    sms = Sink()
    async with room({"sms": sms.open(Address.PHONE)}) as built:
        built.happens()
        await sms.until(2)
        await built.until(lambda: all(one.rung is Rung.HANDED_OVER for one in built.notices()))
        await sms.heard(Reply(sender, text))
        (alarm,) = built.alarms.desk.alarms.values()

    assert (alarm.answer is not None) is answered
    assert {one.rung for one in built.notices()} == {Rung.ACKNOWLEDGED if answered else Rung.HANDED_OVER}


async def test_an_answer_is_an_event_and_an_act_in_one_record(tmp_path):
    async with room(folder=tmp_path) as built:
        built.happens()
        act = Act(1.0, "zhang", 1000, "socket", "alarm/answer", CUT["incident"], {})
        built.alarms.answer([CUT["incident"]], Answer("zhang", "socket", built.clock()), act)
        event, _ = await hear(built.feed, lambda e: e.kind == "alarm" and e.data["what"] == "answered")

    assert event.data["answer"]["who"] == "zhang"


async def test_an_incident_that_began_before_there_was_anybody_to_tell_is_told_once():
    hall = Sink()
    async with room({"hall": hall.open(Address.NONE)}) as built:
        for _ in range(2):
            built.alarms.catch_up([facts(), facts(incident="b", stage="suspected")])
        await hall.until(1)
        await built.until(lambda: built.notices()[0].rung is Rung.HANDED_OVER)

    assert [alarm["alarm"] for message in hall.brought for alarm in message.facts["alarms"]] == [
        CUT["incident"]
    ]


async def test_an_exercise_never_goes_into_one_message_with_what_is_none():
    hall = Sink()
    async with room({"hall": hall.open(Address.NONE)}) as built:
        act = Act(1.0, "zhang", 1000, "socket", "alarm/drill", "drill-1", {})
        built.alarms.drill("drill-1", Severity.CRITICAL, named(9), act)
        built.happens()
        await hall.until(2)

    assert sorted(message.title.startswith("【演练】") for message in hall.brought) == [False, True]


async def test_another_way_is_used_once_though_the_first_is_tried_again_and_again():
    hall, tower = Sink(answers=[Receipt(Fate.UNSURE, "no answer", wait=0.3), TAKEN]), Sink()
    plan = Plan("quick", (Step(0.0, ("duty",), ("hall",), otherwise=("tower",), within=60.0),), repeat=0.0)
    channels = {"hall": hall.open(Address.NONE), "tower": tower.open(Address.NONE)}
    async with room(channels, plan=plan) as built:
        built.happens()
        await built.until(lambda: any(one.unsure for one in built.notices()))
        built.shift += 60.0
        built.alarms.turn()
        await tower.until(1)
        await hall.until(2)
        await built.until(lambda: {one.rung for one in built.notices()} == {Rung.HANDED_OVER})

    assert len(set(hall.keys)) == 1
    assert len(tower.brought) == 1
