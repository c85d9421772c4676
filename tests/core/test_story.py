"""story: an incident is one sentence that a duty officer can act on, and the same facts for every program.

The sentences are those of components that break in a city of five centers, found by the diagnosis itself.
"""

import json
from dataclasses import replace

import pytest

from monitor.core.ending import Ending
from monitor.core.incident import Change, Other, Stage
from monitor.core.inventory import Name, Risk, RiskKind
from monitor.core.story import Call, Left
from monitor.core.story_facts import LOOKS, incident_facts, incident_news
from monitor.vantages.wire import Entry
from tests.core.story_ground import AT, BRIDGE, SUBSTATION, Ground

PRIMARY, BACKUP = "danjiangkou/province/primary", "danjiangkou/province/backup"

FAULTS = [
    (
        PRIMARY,
        (
            "丹江口至省网主用电路 09:14:07 起中断，备用电路（卫星）正常"
            "；报修中国电信 0719-555-0101，电路号 DA-P-A。"
        ),
        (
            "Danjiangkou to provincial network, primary circuit: down since 09:14:07; backup circuit "
            "(satellite) up; call China Telecom 0719-555-0101 about circuit DA-P-A."
        ),
    ),
    (
        "danjiangkou/city/backup",
        (
            "丹江口至市网备用电路 09:14:07 起中断，主用电路正常，已无备用"
            "；报修中国移动 0719-555-0102，电路号 DA-C-B。"
        ),
        (
            "Danjiangkou to city network, backup circuit: down since 09:14:07; primary circuit up; "
            "no backup left; call China Mobile 0719-555-0102 about circuit DA-C-B."
        ),
    ),
    (
        "danjiangkou/power",
        "丹江口供电或路由器 09:14:07 起故障，全中心失联。",
        "Danjiangkou, power or router: faulty since 09:14:07; the whole center is cut off.",
    ),
    (
        "yunyang/lan",
        "郧阳局域网 09:14:07 起故障，视频终端、指挥服务器不可用，对外链路正常。",
        (
            "Yunyang, LAN: faulty since 09:14:07; "
            "devices out of reach: video terminal, command server; links up."
        ),
    ),
    (
        "yunyang/video",
        "郧阳视频终端 09:14:07 起无法访问。",
        "Yunyang, video terminal: out of reach since 09:14:07.",
    ),
    (
        "yunyang/server/http",
        "郧阳指挥服务器 http 服务 09:14:07 起不可用，指挥系统网页打不开，设备本身正常。",
        (
            "Yunyang, command server, http service: failing since 09:14:07; "
            "the command system's pages do not open; the device itself is up."
        ),
    ),
    (
        "yunyang/router/management",
        "郧阳路由器管理地址 09:14:07 起无应答，业务不受影响。",
        "Yunyang, router's own address: silent since 09:14:07; traffic is not affected.",
    ),
    (
        "network/city",
        "市网核心 09:14:07 起中断，丹江口、郧阳、房县等 4 个中心至市网链路中断。",
        (
            "City network, core: down since 09:14:07; "
            "links down: 4 centers (Danjiangkou, Yunyang, Fangxian …) to city network."
        ),
    ),
    (
        "network/city/anchor",
        "市网应答主机 09:14:07 起无应答，网络本身正常。",
        "Host that answers for the city network: silent since 09:14:07; the network itself is up.",
    ),
    (
        "vantage/city/uplink",
        "市中心观测点本机接入 09:14:07 起中断，本观测点已与各网隔离，其余情况未知。",
        (
            "Own uplink of the monitor at city: down since 09:14:07; "
            "this monitor is cut off from every network, all else is unknown."
        ),
    ),
    (
        "vantage/danjiangkou/agent",
        "丹江口观测程序或观测点本机接入 09:14:07 起故障，它所见的情况暂缺。",
        (
            "Monitor at Danjiangkou or own uplink of the monitor at Danjiangkou: faulty since 09:14:07; "
            "what it sees is missing."
        ),
    ),
    (
        "broker",
        "MQTT 服务器 09:14:07 起无响应，其他观测点的消息暂时收不到。",
        "MQTT broker: silent since 09:14:07; nothing is heard of the other vantages.",
    ),
    (
        "carrier/telecom",
        (
            "中国电信网络 09:14:07 起故障，市中心、丹江口、郧阳等 5 个中心共 9 条链路仅剩一路"
            "；报修中国电信 0719-555-0101。"
        ),
        (
            "China Telecom's network: faulty since 09:14:07; "
            "on one circuit only: 9 links of 5 centers (municipal center, Danjiangkou, Yunyang …); "
            "call China Telecom 0719-555-0101."
        ),
    ),
    (
        "risk/bridge",
        (
            "汉江大桥管道 09:14:07 起中断，丹江口至市网、省网链路仅剩一路"
            "；报修中国电信 0719-555-0101，电路号 DA-C-A、DA-P-A。"
        ),
        (
            "Hanjiang bridge duct: cut since 09:14:07; "
            "on one circuit only: Danjiangkou to city network, provincial network; "
            "call China Telecom 0719-555-0101 about circuit DA-C-A, DA-P-A."
        ),
    ),
    (
        "risk/south",
        "城南供电线路 09:14:07 起中断，丹江口、房县失联。",
        "Southern feed: out since 09:14:07; cut off: Danjiangkou, Fangxian.",
    ),
]
CALL_ZH = "；报修中国电信 0719-555-0101，电路号 DA-P-A"
STAGES = [
    (
        {"stage": Stage.SUSPECTED, "confirmed_at": None},
        "丹江口至省网主用电路 09:14:07 起疑似中断，备用电路（卫星）正常。",
    ),
    (
        {"stage": Stage.RECOVERING, "recovering_at": AT + 364},
        "丹江口至省网主用电路 09:20:11 恢复，再观察 30 秒；此前中断 6 分 4 秒。",
    ),
    (
        {"stage": Stage.RECOVERING, "recovering_at": AT + 364, "hold": 60.0},
        "丹江口至省网主用电路 09:20:11 恢复，再观察 1 分钟；此前中断 6 分 4 秒。",
    ),
    (
        {"stage": Stage.CLOSED, "recovering_at": AT + 364, "closed_at": AT + 394},
        "丹江口至省网主用电路 09:20:11 恢复正常，09:14:07 起中断 6 分 4 秒。",
    ),
    (
        {"stage": Stage.CLOSED, "recovering_at": AT + 364, "closed_at": AT + 484, "relapses": 2},
        "丹江口至省网主用电路 09:20:11 恢复正常，09:14:07 起中断 6 分 4 秒，其间复发 2 次。",
    ),
    (
        {"stage": Stage.CLOSED, "recovering_at": AT + 90_364, "closed_at": AT + 90_394},
        "丹江口至省网主用电路 10:20:11 恢复正常，11-24 09:14:07 起中断 25 小时 6 分。",
    ),
    (
        {"stage": Stage.CLOSED, "confirmed_at": None, "closed_at": AT + 4},
        "丹江口至省网主用电路 09:14:07 起疑似中断，现已排除。",
    ),
    (
        {"stage": Stage.CLOSED, "unwatched": True, "closed_at": AT + 60},
        "丹江口至省网主用电路 09:14:07 起中断，现已不再监视。",
    ),
    (
        {"stage": Stage.CLOSED, "unwatched": True, "confirmed_at": None, "closed_at": AT + 60},
        "丹江口至省网主用电路 09:14:07 起疑似中断，现已不再监视。",
    ),
    (
        {"relapses": 2},
        f"丹江口至省网主用电路 09:14:07 起中断，备用电路（卫星）正常{CALL_ZH}；第 2 次复发。",
    ),
    ({"planned": True}, "丹江口至省网主用电路 09:14:07 起中断，计划检修中，备用电路（卫星）正常。"),
    (
        {"behind": "network/province"},
        "丹江口至省网主用电路 09:14:07 起中断，现被省网的故障遮蔽，状态未知。",
    ),
    (
        {"called": ("danjiangkou/power",)},
        f"丹江口至省网主用电路 09:14:07 起中断，备用电路（卫星）正常{CALL_ZH}；原判断为丹江口供电，现更正。",
    ),
    (
        {"confidence": 0.912, "others": (Other((), 0.08, 2.5),)},
        (
            f"丹江口至省网主用电路 09:14:07 起中断，备用电路（卫星）正常{CALL_ZH}"
            "；把握 91%，也可能只是检测有误。"
        ),
    ),
    (
        {"confidence": 0.912, "others": (Other(("danjiangkou/power",), 0.08, 2.5),)},
        (
            f"丹江口至省网主用电路 09:14:07 起中断，备用电路（卫星）正常{CALL_ZH}"
            "；把握 91%，也可能是丹江口供电。"
        ),
    ),
]


@pytest.fixture(scope="module")
def ground():
    return Ground(BRIDGE, SUBSTATION)


@pytest.mark.parametrize(("broken", "zh", "en"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_told_in_one_sentence(ground, broken, zh, en):
    assert ground.story(broken).sentence == {"zh": zh, "en": en}


@pytest.mark.parametrize(("facts", "zh"), STAGES)
def test_every_turn_of_a_life_is_told(ground, facts, zh):
    assert ground.story(PRIMARY, **facts).sentence["zh"] == zh


def test_where_several_carriers_have_to_mend_something_each_is_named():
    members = (PRIMARY, "danjiangkou/city/backup")
    ground = Ground(Risk("trench", RiskKind.DUCT, Name("均州路管沟", "Junzhou road trench"), members))

    assert ground.story("risk/trench").sentence["zh"] == (
        "均州路管沟 09:14:07 起中断，丹江口至市网、省网链路仅剩一路；报修中国电信 0719-555-0101，"
        "电路号 DA-P-A；报修中国移动 0719-555-0102，电路号 DA-C-B。"
    )


def test_a_link_that_has_lost_both_circuits_says_so_in_both_incidents():
    ground = Ground()
    told = {
        story.incident.component: story.sentence["zh"]
        for story in ground.stories(*ground.incidents(PRIMARY, BACKUP))
    }

    assert told == {
        PRIMARY: "丹江口至省网主用电路 09:14:07 起中断，备用电路亦不通，与省网失去联络，至市网链路正常"
        ""
        "；报修中国电信 0719-555-0101，电路号 DA-P-A。",
        BACKUP: "丹江口至省网备用电路 09:14:07 起中断，主用电路亦不通，与省网失去联络，至市网链路正常"
        ""
        "；报修中国移动 0719-555-0102，电路号 DA-P-B。",
    }


def test_what_is_recovering_no_longer_takes_anything_from_another_incident():
    ground = Ground()
    first, second = ground.incidents(PRIMARY, BACKUP)
    well = {"stage": Stage.RECOVERING, "recovering_at": AT + 60}
    story = ground.stories(first, ground.changed(second, **well))[0]

    assert "失去联络" not in story.sentence["zh"]
    assert story.lost == ()


def test_a_group_of_many_is_named_in_part_and_counted(ground):
    parts = ("power", "router", "lan", "video", "server")
    story = ground.story("danjiangkou/power", group=tuple(f"danjiangkou/{part}" for part in parts))

    assert story.sentence == {
        "zh": "丹江口供电或路由器、局域网、视频终端等 5 处之一 09:14:07 起故障，全中心失联。",
        "en": "Danjiangkou, power, router, LAN, video terminal or another of 5: faulty since 09:14:07; "
        "the whole center is cut off.",
    }


def test_where_either_circuit_of_a_link_may_be_broken_the_other_is_not_called_well(ground):
    sentence = ground.story(PRIMARY, group=(PRIMARY, BACKUP)).sentence["zh"]

    assert sentence.startswith("丹江口至省网主用电路或至省网备用电路 09:14:07 起中断，至省网链路仅剩一路；")


def test_a_trunk_hides_what_lies_beyond_it():
    ground = Ground(vantage="crossing")
    story = ground.story("network/city-province")

    assert story.sentence["zh"] == "市网与省网间干线 09:14:07 起中断，其后 11 处状态未知。"
    assert "fangxian/province/primary" in story.touched


def test_whoever_is_touched_by_an_incident_is_named_with_all_that_it_is_part_of(ground):
    assert ground.story(PRIMARY).touched == {"danjiangkou", "danjiangkou/province", PRIMARY}
    assert ground.story("yunyang/server/http").touched == {"yunyang", "yunyang/server"}
    assert ground.story("broker").touched == set()
    assert "network/city" in ground.story("network/city").touched
    assert "fangxian/city/backup" in ground.story("network/city").touched
    assert "danjiangkou/server" in ground.story("danjiangkou/power").touched


def test_what_still_works_is_what_no_fault_takes_away_and_somebody_can_see(ground):
    assert ground.story("yunyang/lan").works == ("yunyang/city", "yunyang/province", "yunyang/router")
    assert ground.story("danjiangkou/power").works == ()
    assert "danjiangkou/city" in ground.story(PRIMARY).works
    assert "danjiangkou/province" not in ground.story(PRIMARY).works


def test_the_looks_that_would_decide_are_named_only_where_something_is_undecided(ground):
    assert ground.story("network/city").deciding == ()
    assert ground.story("vantage/danjiangkou/agent").deciding


def test_facts_name_everything_that_they_mention(ground):
    for broken, _, _ in FAULTS:
        facts = incident_facts(ground.story(broken))
        named = {entry["path"] for entry in facts["names"]}
        mentioned = {facts["component"], *facts["group"], *facts["lost"], *facts["works"]}
        mentioned |= {one["subject"] for one in facts["reduced"]}

        assert mentioned <= named


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({}, None),
        ({"stage": Stage.CLOSED}, "recovered"),
        ({"stage": Stage.CLOSED, "confirmed_at": None}, "withdrawn"),
        ({"stage": Stage.CLOSED, "behind": "danjiangkou/power"}, "part"),
        ({"stage": Stage.CLOSED, "unwatched": True}, "unwatched"),
        ({"stage": Stage.CLOSED, "unwatched": True, "confirmed_at": None}, "unwatched"),
    ],
)
def test_of_a_closed_incident_it_is_told_why(known, reason):
    assert incident_facts(Ground().story(PRIMARY, **known))["reason"] == reason


def test_facts_are_json_of_a_bounded_size_and_all_is_counted(ground):
    facts = incident_facts(ground.story("network/province"))

    assert json.loads(json.dumps(facts)) == facts
    assert (facts["failing"], len(facts["evidence"])) == (33, LOOKS)
    assert facts["affected"] == 5


def test_the_longest_facts_are_an_event_that_other_vantages_can_be_told(ground):
    many = tuple(f"danjiangkou/{'x' * 30}/{number}" for number in range(100))
    named = Name(
        "丹江口市防汛抗旱联合应急指挥中心至省网主用电路", "Danjiangkou joint command, primary circuit"
    )
    story = replace(
        ground.story(PRIMARY, group=many, explains=many, against=many, called=many),
        lost=many,
        reduced=tuple(Left(path, (f"{path}/primary", f"{path}/backup")) for path in many),
        works=many,
        hidden=many,
        calls=(Call(named, "0719-555-0101", many),) * 100,
        deciding=many[:8],
    )
    others = tuple(Other(many, 0.1, 1.0) for _ in range(12))
    way = ("2001:db8:1234:5678:9abc:def0:1234:5678",) * 30
    ending = Ending(PRIMARY, "city", AT, way[0], reached=False, how="silence", hops=way, was=way, was_at=AT)
    known = replace(story.incident, group=many, others=others, endings=(ending,) * 8)
    told = replace(story, incident=known, endings=dict.fromkeys(("zh", "en"), (way[0] * 3,) * 8))
    facts = incident_facts(replace(told, names=dict.fromkeys(many, named)))
    entry = Entry(boot="b", seq=1, at=AT, kind="incident", subject=PRIMARY, data=facts)

    assert entry.data == facts
    assert len(entry.payload()) < 49_152


def test_an_event_says_what_the_stage_was_before(ground):
    (incident,) = ground.incidents(PRIMARY)
    story = ground.story(PRIMARY)
    begun, changed = (
        incident_news(Change(before, incident), story)
        for before in (None, ground.changed(incident, stage=Stage.SUSPECTED))
    )

    assert (begun["was"], changed["was"], changed["stage"]) == (None, "suspected", "confirmed")


def test_a_story_is_told_anew_only_when_something_has_changed():
    ground = Ground()
    incidents = ground.incidents(PRIMARY)
    first = ground.told(incidents)
    again = ground.told(incidents)
    other = ground.told([ground.changed(incidents[0], relapses=1)])

    assert again[incidents[0].id] is first[incidents[0].id]
    assert "复发" in other[incidents[0].id].sentence["zh"]


def test_what_is_no_longer_declared_is_passed_over(ground):
    gone = "danjiangkou/old"
    others = (Other((gone,), 0.3, 1.0),)
    story = ground.story(
        PRIMARY, group=(PRIMARY, gone), called=(gone,), explains=(f"city:{gone}",), others=others
    )

    assert story.incident.group == (PRIMARY,)
    assert story.sentence["zh"].endswith(f"；原判断为{gone}，现更正。")
