"""sentence: one sentence says where, since when, what still works and whom to call."""

from datetime import UTC

import pytest

from monitor.core.health import Health, Status, SubjectKind
from monitor.core.inventory import (
    Carrier,
    Center,
    Circuit,
    Device,
    Inventory,
    Level,
    Link,
    Name,
    Network,
    Role,
)
from monitor.core.quality import Decline, Severity
from monitor.core.sentence import WORDS, Scene, duration, sentence

NETWORKS = {
    "city": Network("city", Name("市网", "the city network")),
    "province": Network("province", Name("省网", "the province")),
}
TELECOM = Carrier("telecom", Name("中国电信", "China Telecom"), "0719-555-0101")


def circuit(network, role):
    return Circuit("dan", network, role, "10.0.0.1", carrier="telecom", number=f"SY-{network}-{role}")


LINKS = tuple(Link("dan", n, tuple(circuit(n, r) for r in Role)) for n in NETWORKS)
DAN = Center(
    "dan",
    Name("丹江口市指挥中心", "Danjiangkou"),
    Level.COUNTY,
    LINKS,
    (Device("dan", "router", Name("路由器", "router"), "10.0.0.2"),),
)
CITY = Inventory(Name("十堰", "Shiyan"), NETWORKS, {"telecom": TELECOM}, {"dan": DAN}, {})
AT = 9 * 3600 + 14 * 60 + 7.0


def tell(status, before=None, statuses=(), language="zh"):
    scene = Scene(CITY, {s.subject: s for s in (*statuses, status)}, UTC)
    return sentence(status, before, scene, language)


def link(health, reason="timeout"):
    return Status("dan/province", SubjectKind.LINK, Health(health), AT, reason)


def test_a_center_that_lost_everything():
    center = Status("dan", SubjectKind.CENTER, Health.DOWN, AT, "all_links_down")

    assert (
        tell(center)
        == "丹江口市指挥中心 09:14:07 起与市网、省网的链路全部中断，主备电路均不通；该中心目前全部失联。"
    )


def test_of_a_center_whose_links_are_not_looked_at_it_is_not_said_that_they_are_lost():
    router = Status("dan/router", SubjectKind.DEVICE, Health.DOWN, AT, "timeout")
    said = tell(Status("dan", SubjectKind.CENTER, Health.DOWN, AT, "device_down"), statuses=[router])

    assert said == "丹江口市指挥中心 09:14:07 起从本观测点所见设备均无法访问；其链路不从本观测点检测。"


def test_a_center_that_lost_all_links_names_only_those_that_are_looked_at():
    center = Status("dan", SubjectKind.CENTER, Health.DOWN, AT, "all_links_down")

    assert "与省网的链路" in tell(center, statuses=[link("down")])


def test_a_center_that_lost_one_link_says_which_and_what_still_works():
    center = Status(
        "dan", SubjectKind.CENTER, Health.DEGRADED, AT, "link_down", works=("dan/city", "dan/router")
    )

    assert tell(center, statuses=[link("down")], language="en") == (
        "Danjiangkou is degraded since 09:14:07 (a link is down); "
        "its link to the province is down: no circuit answers; "
        "still works: the link to the city network, router."
    )


def test_a_link_on_backup_says_whom_to_call_about_the_primary():
    primary = Status("dan/province/primary", SubjectKind.CIRCUIT, Health.DOWN, AT, "timeout")

    said = tell(link("on_backup", "primary_down"), statuses=[primary])

    assert said == (
        "丹江口市指挥中心 09:14:07 起至省网主用电路中断，备用电路正常；"
        "主用由中国电信承载，电路号 SY-province-primary，报修 0719-555-0101。"
    )


def test_a_recovery_says_how_long_the_whole_trouble_lasted():
    before = Status("dan/province", SubjectKind.LINK, Health.ON_BACKUP, AT + 60, ill_since=AT)
    now = Status("dan/province", SubjectKind.LINK, Health.UP, AT + 192)

    assert tell(now, before) == "丹江口市指挥中心至省网链路 09:17:19 恢复正常；异常共历时 3 分 12 秒。"


def test_a_center_that_is_up_again_does_not_claim_what_was_not_seen():
    router = Status("dan/router", SubjectKind.DEVICE, Health.UNKNOWN, AT, "behind_link")

    assert "1 台设备尚待检测" in tell(Status("dan", SubjectKind.CENTER, Health.UP, AT), statuses=[router])


@pytest.mark.parametrize("language", list(WORDS))
@pytest.mark.parametrize("health", list(Health))
@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("dan", "center"),
        ("dan/city", "link"),
        ("dan/city/backup", "circuit"),
        ("dan/router", "device"),
        ("network/city", "network"),
    ],
)
def test_whatever_happens_can_be_told(subject, kind, health, language):
    said = tell(Status(subject, SubjectKind(kind), health, AT, "timeout"), language=language)

    assert said.endswith(WORDS[language].sentence["end"])
    assert "{" not in said


@pytest.mark.parametrize(
    ("seconds", "told"), [(4.4, "4 秒"), (192, "3 分 12 秒"), (7_500, "2 小时 5 分"), (-1, "0 秒")]
)
def test_a_duration_has_two_units_at_most(seconds, told):
    assert duration(seconds, WORDS["zh"]) == told


LOSS = Decline("loss", Severity.WARN, AT, loss=0.204)
SLOW = Decline("slow", Severity.MINOR, AT, rtt=0.0931, usual=0.0204)


def degraded(subject, kind, decline):
    return Status(subject, SubjectKind(kind), Health.DEGRADED, AT, decline.reason, decline=decline)


def test_a_lossy_circuit_says_how_much_it_loses_and_whom_to_call():
    circuit_ = degraded("dan/city/primary", "circuit", LOSS)

    assert tell(circuit_) == (
        "丹江口市指挥中心 09:14:07 起至市网主用电路丢包 20%（影响明显）；"
        "主用由中国电信承载，电路号 SY-city-primary，报修 0719-555-0101。"
    )
    assert "circuit to the city network loses 20% of all packets since 09:14:07 (serious); " in tell(
        circuit_, language="en"
    )


def test_a_slow_circuit_says_what_is_usual_and_troubles_no_carrier_while_nobody_notices():
    assert tell(degraded("dan/city/primary", "circuit", SLOW), language="en") == (
        "Danjiangkou's primary circuit to the city network is slow since 09:14:07: "
        "a round trip takes 93 ms, usually at most 20 ms (hardly noticeable)."
    )


def test_a_link_whose_circuit_is_lossy_does_not_claim_to_have_lost_its_backup():
    told = tell(degraded("dan/city", "link", LOSS), language="en")
    center = Status("dan", SubjectKind.CENTER, Health.DEGRADED, AT, "link_degraded", decline=LOSS)
    whole = tell(center, statuses=[degraded("dan/city", "link", LOSS)], language="en")

    assert "backup" not in told + whole
    assert "its link to the city network loses 20% of all packets (serious)" in whole


@pytest.mark.parametrize("language", list(WORDS))
@pytest.mark.parametrize("decline", [LOSS, SLOW, Decline("intermittent", Severity.CRITICAL, AT, loss=0.4)])
@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("dan/city", "link"),
        ("dan/city/backup", "circuit"),
        ("dan/router", "device"),
        ("network/city", "network"),
    ],
)
def test_whatever_has_become_worse_can_be_told(subject, kind, decline, language):
    said = tell(degraded(subject, kind, decline), language=language)

    assert said.endswith(WORDS[language].sentence["end"])
    assert "{" not in said
