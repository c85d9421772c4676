"""planned_news: a duty officer reads what is worked on, until when, on whose order, and what is left."""

from datetime import datetime

import pytest

from monitor.core.health import Health, Status, SubjectKind
from monitor.core.planned import Once, Span, Window
from monitor.core.planned_news import By, Turn, What, ended, left_over, planned_news
from tests.core.story_ground import ZONE, city

CITY = city()
BEGIN = datetime(2026, 11, 24, 22, 0, tzinfo=ZONE)
END = datetime(2026, 11, 25, 4, 0, tzinfo=ZONE)
SPAN = Span(BEGIN.timestamp(), END.timestamp())
WINDOW = Window(
    "fibre",
    ("danjiangkou/province/primary",),
    Once(BEGIN, END),
    document="十动办〔2026〕12 号",
    note="更换光缆",
    who="李伟",
)


def said(turn, language="zh"):
    return planned_news(turn, CITY, ZONE)["sentence"][language]


def down(*subjects):
    return {s: Status(s, SubjectKind.CIRCUIT, Health.DOWN, 0.0) for s in subjects}


NAME = "丹江口至省网主用电路计划检修"
PAPERS = "；文号 十动办〔2026〕12 号；更换光缆；登记人 李伟"


@pytest.mark.parametrize(
    ("turn", "sentence"),
    [
        (Turn(What.ADDED, WINDOW, SPAN, 0.0), f"{NAME}已登记，11-24 22:00 至 11-25 04:00{PAPERS}。"),
        (Turn(What.BEGUN, WINDOW, SPAN, SPAN.begin), f"{NAME}开始，预计 11-25 04:00 结束{PAPERS}。"),
        (
            Turn(What.WITHDRAWN, WINDOW, SPAN, 0.0, by=By("王强")),
            f"{NAME}已取消，原定 11-24 22:00 至 11-25 04:00{PAPERS}；操作人 王强。",
        ),
        (ended(WINDOW, SPAN, SPAN.end, []), f"{NAME}结束，历时 6 小时 0 分{PAPERS}。"),
        (
            ended(WINDOW, SPAN, SPAN.begin + 5400, [], by=By("李伟")),
            f"{NAME}提前结束，历时 1 小时 30 分{PAPERS}。",
        ),
        (
            ended(WINDOW, SPAN, SPAN.end, ["danjiangkou/province/primary"]),
            f"{NAME} 11-25 04:00 到期，超时未恢复：丹江口至省网主用电路{PAPERS}。",
        ),
        (
            ended(WINDOW, SPAN, SPAN.begin + 5400, ["danjiangkou/province/primary"]),
            f"{NAME}提前结束，历时 1 小时 30 分；尚未恢复：丹江口至省网主用电路{PAPERS}。",
        ),
        (
            Turn(What.MISSED, WINDOW, SPAN, SPAN.end + 60),
            f"{NAME}（11-24 22:00 至 11-25 04:00）期间未在监视{PAPERS}。",
        ),
    ],
    ids=lambda value: value.what if isinstance(value, Turn) else "",
)
def test_every_turn_is_one_sentence_in_chinese(turn, sentence):
    assert said(turn) == sentence


def test_the_same_is_said_in_english():
    overrun = ended(WINDOW, SPAN, SPAN.end, ["danjiangkou/province/primary"])

    assert said(overrun, "en").startswith(
        "Danjiangkou to provincial network, primary circuit: planned work was to end at 11-25 04:00; not well"
    )


def test_an_end_on_the_same_day_is_told_without_its_date():
    span = Span(SPAN.begin, SPAN.begin + 3600)

    assert "预计 23:00 结束" in said(Turn(What.BEGUN, WINDOW, span, span.begin))


def test_of_many_things_three_are_named_and_all_counted():
    scope = ("danjiangkou", "yunyang", "fangxian", "zhushan")
    window = Window("night", scope, WINDOW.when)

    assert said(Turn(What.BEGUN, window, SPAN, SPAN.begin)) == (
        "丹江口、郧阳、房县等 4 处计划检修开始，预计 11-25 04:00 结束。"
    )


def test_the_event_says_what_is_covered_so_that_reports_can_leave_it_out():
    window = Window("link", ("danjiangkou/city",), WINDOW.when)
    data = planned_news(Turn(What.BEGUN, window, SPAN, SPAN.begin), CITY, ZONE)

    assert data["covered"] == ["danjiangkou/city", "danjiangkou/city/primary", "danjiangkou/city/backup"]
    assert (data["covering"], data["from"], data["to"]) == (3, SPAN.begin, SPAN.end)


def test_only_an_end_says_what_is_left():
    assert "left" not in planned_news(Turn(What.BEGUN, WINDOW, SPAN, SPAN.begin), CITY, ZONE)
    assert planned_news(ended(WINDOW, SPAN, SPAN.end, []), CITY, ZONE)["left"] == []


def test_of_a_whole_that_is_down_its_parts_are_not_told_again():
    window = Window("center", ("danjiangkou",), WINDOW.when)
    whole = down("danjiangkou/city", "danjiangkou/city/primary", "danjiangkou/city/backup", "yunyang")

    assert left_over(window, CITY, whole) == ("danjiangkou/city",)


def test_what_is_worked_on_by_others_too_is_not_left():
    statuses = {
        "danjiangkou/city": Status("danjiangkou/city", SubjectKind.LINK, Health.MAINTENANCE, 0.0, "planned")
    }

    assert left_over(Window("center", ("danjiangkou",), WINDOW.when), CITY, statuses) == ()
