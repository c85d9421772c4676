"""letters: a short message is never split, says what matters, and always what to answer with."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.core.alarm import SHORTEST, Answer, Severity
from monitor.core.alarm.desk import Turn
from monitor.core.alarm.letters import Item, latest, letter_facts, severity, units
from monitor.engine.letters import SAMPLE, Letters
from tests.core.alarm_ground import Room, desk, facts, named

LETTERS = Letters()


def items(*told):
    """Open alarms for these facts; return an item for each of their notices to Zhang."""
    room, turn = desk(), Turn()
    for one in told:
        room.heed(one, turn, 100.0)
    return [
        Item(notice, room.alarms[notice.alarm], ("李娜",))
        for notice in turn.notices.values()
        if notice.officer == "zhang"
    ]


def written(told, language="zh"):
    return LETTERS.write("k", "13900000001", language, told, unsure=False)


def test_a_message_about_one_alarm_says_all_that_an_officer_needs():
    message = written(items(facts(works=["dan/city"], names=[{"path": "dan/city", "zh": "至市网链路"}])))

    assert message.short == (
        "丹江口至省网主用电路 09:14 起中断，备用电路（4G/5G）正常；报修移动 10086，电路号 DJK-1。回0001"
    )
    for part in (
        "等级：重要",
        "仍可用：至市网链路",
        "把握：97%",
        "报修：移动 10086，电路号 DJK-1",
        "已告知：李娜",
    ):
        assert part in message.text
    assert "20261124-091407" in message.text
    assert "请回复 0001 确认收到" in message.text


def test_what_is_not_over_yet_is_said_in_front():
    (item,) = items(facts())
    said = [
        written([replace(item, notice=replace(item.notice, what=what))]).short[:6]
        for what in ("escalated", "repeat", "again")
    ]

    assert said == ["无人应答，升", "仍无人应答：", "仍未恢复：丹"]


def test_several_alarms_are_counted_and_named_and_answered_together():
    message = written(items(*(named(number) for number in range(5))))

    assert message.short == "5 起告警：电路0、电路1、电路2等。回全部"
    assert message.text.count("起中断") == 5
    assert "逐一回复括号中的代码" in message.text


def test_an_alarm_that_somebody_has_answered_asks_for_no_answer():
    (item,) = items(facts())
    answered = replace(item, alarm=replace(item.alarm, answer=Answer("li", "sms", 1.0)))

    assert written([answered]).short.endswith("DJK-1。")


def test_an_exercise_is_marked_in_every_part():
    (item,) = items(facts())
    message = written([replace(item, alarm=replace(item.alarm, drill=True))])

    assert all(part.startswith("【演练】") for part in (message.title, message.short, message.text))


def test_the_most_urgent_comes_first_and_what_is_over_last():
    room = Room().hears(incident="a").hears(incident="b", lost_links=2).hears(incident="c")
    told = [Item(one, room.desk.alarms[one.alarm]) for name in "abc" for one in room.desk.of(name)]
    told = [
        replace(one, alarm=replace(one.alarm, closed_at=5.0)) if one.alarm.id == "a" else one for one in told
    ]

    assert [one.alarm.id for one in latest(told)] == ["b", "c", "a"]
    assert severity(latest(told)) is Severity.CRITICAL


def test_a_long_list_goes_into_the_text_whole():
    message = written(items(*(named(number) for number in range(2500))))

    assert message.text.count("\n") >= 2500
    assert message.facts["count"] == 2500


@example("00000" + "𝐀" * 21 + "0", [], "en", 2)
@settings(deadline=None, max_examples=60)
@given(
    st.text(min_size=1, max_size=90).filter(str.strip),
    st.lists(st.text("丹江口电路中断备用abc😀 ", min_size=1, max_size=60), max_size=4),
    st.sampled_from(["zh", "en"]),
    st.integers(1, 3),
)
def test_whatever_it_says_a_short_message_is_short_and_says_what_to_answer_with(first, more, language, count):
    text = "；".join([first, *more]) if language == "zh" else "; ".join([first, *more])
    told = [facts(incident=f"i{n}", sentence={language: text}, name={language: first}) for n in range(count)]
    message = written(items(*told), language)

    assert units(message.short) <= SHORTEST
    assert message.short.endswith(
        {("zh", 1): "回0001", ("en", 1): "Reply 0001"}.get(
            (language, count), {"zh": "回全部", "en": "all"}[language]
        )
    )
    assert "\n" not in message.short + message.title


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_templates_may_speak_of_what_the_manual_says(name):
    assert name in letter_facts(items(facts()), "zh")
