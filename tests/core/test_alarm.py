"""alarm: told once, step by step until somebody answers, again when that is too old, and when it is over."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.alarm import Address, Answer, Plan, Rung, Severity, Step
from monitor.core.alarm.ladder import Way
from monitor.core.roster import Officer
from tests.core.alarm_ground import CUT, OFFICERS, PLAN, WAYS, Room


def test_a_confirmed_incident_is_told_to_those_on_duty_once():
    room = Room().hears().brings(Rung.DELIVERED).at(110).waits().hears(confidence=0.99).at(399).waits()

    assert room.told == ["100 alarm zhang sms", "100 alarm li sms"]


def test_a_suspicion_is_told_to_nobody():
    assert Room().hears(stage="suspected").told == []


def test_planned_work_is_told_to_nobody():
    assert Room().hears(planned=True).told == []


def test_what_nobody_answers_is_escalated_and_then_repeated():
    room = Room().hears().brings(Rung.DELIVERED)
    for now in (399, 400, 700, 1000, 1599, 1600):
        room.at(now).waits().brings(Rung.DELIVERED)

    told = "zhang sms", "li sms", "wang sms", "- siren"
    assert room.told[2:6] == [f"400 escalated {one}" for one in told]
    assert room.told[6:10] == [f"1000 repeat {one}" for one in told]
    assert room.told[10:] == [f"1600 repeat {one}" for one in told]


def test_an_answer_ends_the_steps_until_it_is_too_old():
    room = Room().hears().brings(Rung.DELIVERED).at(200).answers(Answer("zhang", "sms", 200.0))
    for now in (400, 1000, 3799, 3800):
        room.at(now).waits()

    assert room.told[2:] == ["3800 again zhang sms", "3800 again li sms"]
    assert room.alarm.answer is None


def test_an_answer_climbs_on_what_was_brought_and_not_on_what_still_waits():
    room = Room().hears().brings(Rung.HANDED_OVER, "sms").answers(Answer("zhang", "sms", 100.0))
    rungs = [one.rung for one in room.desk.of(CUT["incident"])]

    assert rungs == [Rung.ACKNOWLEDGED, Rung.ACKNOWLEDGED]


def test_the_end_is_told_to_everybody_who_was_told_and_then_all_is_settled():
    room = Room().hears().brings(Rung.DELIVERED).at(400).waits().brings(Rung.DELIVERED)
    room.at(500).hears(stage="closed")
    assert room.told[6:] == [f"500 recovery {one}" for one in ("zhang sms", "li sms", "wang sms", "- siren")]
    room.brings(Rung.DELIVERED)
    assert not room.desk.alarms
    assert not room.desk.notices


def test_who_could_not_be_told_of_it_is_not_told_that_it_is_over():
    room = Room().hears().brings(Rung.REFUSED, "sms", limit_at=None).at(500).hears(stage="closed")

    assert [line for line in room.told if "recovery" in line] == []


def test_an_incident_that_is_withdrawn_before_it_is_confirmed_opens_no_alarm():
    assert Room().hears(stage="suspected").hears(stage="closed").desk.alarms == {}


def test_the_end_follows_its_beginning_though_both_still_wait():
    room = Room().hears().at(130).hears(stage="closed")
    waiting = [f"{one.officer} {one.what}" for one in room.desk.waiting("sms")]

    assert waiting == ["zhang alarm", "li alarm", "zhang recovery", "li recovery"]
    assert room.desk.alarms


def test_what_does_not_arrive_in_time_goes_another_way_and_once():
    room = Room().hears().brings(Rung.HANDED_OVER, "sms")
    for now in (159, 160, 170):
        room.at(now).waits()

    # Li has no mail address.
    assert room.told[2:] == ["160 alarm zhang mail"]


def test_what_is_refused_goes_another_way_at_once():
    room = Room().hears()
    first, second = list(room.desk.waiting("sms"))
    room.brings(Rung.REFUSED, "sms", trouble="no such number")

    assert room.told[2:] == ["100 alarm zhang mail"]
    assert first.id != second.id


def test_where_a_step_reaches_nobody_its_other_channels_are_used_at_once():
    officers = {"zhang": Officer("zhang", "张伟", email="zhang@example.org"), "li": Officer("li", "李娜")}

    assert Room(officers=officers).hears().told == ["100 alarm zhang mail"]


def test_what_becomes_more_urgent_is_told_anew_though_somebody_answered():
    room = Room().hears().brings(Rung.DELIVERED).answers(Answer("zhang", "sms", 150.0))
    room.at(200).hears(lost_links=1, kind="circuit")

    assert room.told[2:] == ["200 alarm zhang sms", "200 alarm li sms"]
    assert (room.alarm.severity, room.alarm.answer) == (Severity.CRITICAL, None)


def test_another_cause_than_was_told_is_told_to_those_who_were_told():
    room = Room().hears().brings(Rung.DELIVERED).at(120).hears(component="dan/power")

    assert room.told[2:] == ["120 correction zhang sms", "120 correction li sms"]


def test_whoever_edits_the_plans_changes_no_alarm_that_is_open():
    room = Room().hears().brings(Rung.DELIVERED)
    other = Plan("other", (Step(0.0, ("leaders",), ("mail",)),))
    room.desk.escalation = replace(room.desk.escalation, plans={"urgent": other})
    room.at(400).waits()

    assert room.told[2] == "400 escalated zhang sms"


def test_planned_work_over_an_open_alarm_holds_it_and_its_end_lets_it_go_on():
    room = Room().hears().brings(Rung.DELIVERED).at(200).hears(planned=True)
    room.at(1000).waits()
    assert len(room.told) == 2
    room.at(1100).hears(planned=False)

    assert room.told[2] == "1100 escalated zhang sms"


def test_a_muted_alarm_says_only_that_it_is_over_and_goes_on_afterwards():
    room = Room().hears().brings(Rung.DELIVERED)
    room._did(lambda turn: room.desk.mute(CUT["incident"], 2000.0, turn, 200.0))
    room.at(1999).waits()
    assert len(room.told) == 2
    room.at(2000).waits()

    assert room.told[2] == "2000 escalated zhang sms"


def test_steps_that_were_missed_while_nobody_looked_are_taken_once():
    room = Room().hears().brings(Rung.DELIVERED).at(90_000).waits()

    ends = ("zhang sms", "li sms", "wang sms", "- siren")
    assert room.told[2:] == [f"90000 escalated {end}" for end in ends]
    assert room.alarm.due_at == 90_600


def test_codes_are_times_of_day_and_differ():
    room = Room().hears().hears(incident="b").hears(incident="c")

    assert [alarm.code for alarm in room.desk.alarms.values()] == ["0001", "0001a", "0001b"]
    assert room.desk.find("0001B").id == "c"


def test_an_alarm_without_any_plan_is_none():
    room = Room()
    room.desk.escalation = replace(room.desk.escalation, rules=())

    assert room.hears().desk.alarms == {}


ACTS = {
    "hear": lambda room: room.hears(),
    "worse": lambda room: room.hears(lost_links=1),
    "rename": lambda room: room.hears(component=f"c{room.now}"),
    "planned": lambda room: room.hears(planned=True),
    "wait": lambda room: room.waits(),
    "bring": lambda room: room.brings(),
    "deliver": lambda room: room.brings(Rung.DELIVERED),
    "refuse": lambda room: room.brings(Rung.REFUSED, "sms"),
    "answer": lambda room: room.answers(Answer("li", "socket", room.now)) if room.desk.alarms else room,
    "close": lambda room: room.hears(stage="closed"),
}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.floats(1, 900)), max_size=25))
def test_whatever_happens_a_recovery_never_comes_without_its_problem_and_all_is_settled_in_the_end(acts):
    room = Room().hears()
    for act, later in acts:
        ACTS[act](room.at(room.now + later))
    for _ in range(3):
        room.at(room.now + 4000).hears(stage="closed").waits().brings(Rung.DELIVERED)

    assert not room.desk.alarms
    problems, recoveries = ends(room.told, recovery=False), ends(room.told, recovery=True)
    assert recoveries <= problems
    assert len(set(room.told)) == len(room.told)


def ends(told, *, recovery):
    lines = (line.split(" ", 2) for line in told)
    return {end for _, what, end in lines if (what == "recovery") is recovery}


@pytest.mark.parametrize("ways", [WAYS, {"sms": Way(Address.PHONE, reports=False)}])
def test_nobody_is_reached_over_a_channel_that_is_not_there(ways):
    plan = replace(PLAN, steps=(Step(0.0, ("duty",), ("fax", "sms")),))

    assert Room(plan=plan, ways=ways).hears().told == ["100 alarm zhang sms", "100 alarm li sms"]
    assert OFFICERS["li"].phone
