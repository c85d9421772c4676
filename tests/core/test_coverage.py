"""coverage: what is worked on takes along all below it, and excuses what can only be seen through it."""

import pytest

from monitor.core.coverage import blamed, components, excused, known_paths, name_of, subjects
from monitor.core.incident import Incident, Stage
from monitor.core.topology import topology_of
from tests.core.town import FEED, town

TOWN = town(risks=(*town().risks.values(), FEED))
CITY = topology_of(TOWN, "city")
DAN_CIRCUITS = {f"dan/{n}/{r}" for n in ("city", "province") for r in ("primary", "backup")}
DAN_DEVICES = {f"dan/{key}" for key in ("router", "server", "video")}


def worked_on(*scope):
    return components(scope, TOWN, CITY.components)


def excuses(*scope):
    return excused(CITY, worked_on(*scope))


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        ("dan/city/primary", {"dan/city/primary"}),
        ("dan/city", {"dan/city/primary", "dan/city/backup"}),
        ("dan/server", {"dan/server", "dan/server/web"}),
        ("dan/video", {"dan/video"}),
        ("dan/router", {"dan/router", "dan/router/management"} | DAN_CIRCUITS),
        ("dan/lan", {"dan/lan", "dan/server", "dan/server/web", "dan/video"}),
        ("risk/bridge", {"risk/bridge", "dan/city/primary", "dan/province/primary"}),
        ("vantage/dan", {"vantage/dan/agent", "vantage/dan/uplink"}),
    ],
)
def test_what_is_worked_on_takes_along_what_belongs_to_it_and_nothing_else(path, broken):
    assert worked_on(path) == broken


def test_a_center_is_worked_on_with_the_daemon_that_stands_in_it():
    inside = {name for name in CITY.components if name.startswith("dan/")}

    assert worked_on("dan") == inside | {"vantage/dan/agent", "vantage/dan/uplink"}
    assert worked_on("dan/power") == worked_on("dan")


def test_a_network_is_worked_on_with_its_trunks_and_all_links_to_it():
    found = worked_on("network/province")

    assert {"network/province", "network/province/anchor"} <= found
    assert {"dan/province/primary", "fang/province/backup"} <= found
    assert not {name for name in found if "/city" in name}


def test_a_carrier_is_worked_on_with_its_circuits():
    assert worked_on("carrier/telecom") == {"carrier/telecom"} | {
        name for name, circuit in TOWN.circuits.items() if circuit.carrier == "telecom"
    }


def test_work_on_a_power_feed_may_take_all_that_hangs_on_it():
    assert {"risk/street", "dan/lan", "dan/video", "fang/server"} <= worked_on("risk/street")
    assert "fang/router" not in worked_on("risk/street")


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (["dan/city/primary"], {"dan/city/primary"}),
        (["dan/city"], {"dan/city", "dan/city/primary", "dan/city/backup"}),
        (["dan"], {"dan", "dan/city", "dan/province"} | DAN_CIRCUITS | DAN_DEVICES),
        (["dan/router"], {"dan/router", "dan/city", "dan/province"} | DAN_CIRCUITS),
        (["dan/lan"], {"dan/server", "dan/video"}),
        (["risk/bridge", "dan/video"], {"dan/city/primary", "dan/province/primary", "dan/video"}),
        (["vantage/dan"], set()),
        (["gone", "gone/city", "risk/gone", "network/gone"], set()),
    ],
    ids=lambda value: " ".join(sorted(value)) or "nothing",
)
def test_subjects_are_covered_with_all_that_is_below_them(scope, covered):
    assert set(subjects(scope, TOWN)) == covered


def test_a_network_covers_its_links_and_circuits_everywhere():
    found = set(subjects(["network/city"], TOWN))

    assert {"network/city", "dan/city", "dan/city/primary", "fang/city/backup"} <= found
    assert not {name for name in found if "province" in name}


def test_everything_that_can_be_worked_on_has_a_name_in_words():
    names = {path: name_of(path, TOWN) for path in known_paths(TOWN)}

    assert not [path for path, name in names.items() if path in (name.zh, name.en) and "/" in path]
    assert name_of("dan/city", TOWN).zh == "dan至city链路"
    assert name_of("dan/gone", TOWN).zh == "dan/gone"


def test_work_on_one_circuit_excuses_the_looks_pinned_to_it_and_none_that_has_another_way():
    assert excuses("dan/province/primary") == {"dan/province/primary/icmp"}
    assert "dan/server/ping" not in excuses("dan/city/primary")


def test_work_on_both_circuits_of_a_link_excuses_what_is_only_seen_over_them():
    assert {"dan/city/primary/icmp", "dan/city/backup/icmp", "dan/server/ping"} <= excuses("dan/city")


def test_work_where_the_daemon_itself_stands_excuses_all_of_its_looks():
    assert excuses("vantage/city") >= {"dan/city/primary/icmp", "network/province/icmp"}


def cause(component, *explains, planned=False, stage=Stage.CONFIRMED):
    return Incident(
        "i", component, (component,), stage, 0.0, 1.0, tuple(f"city:{e}" for e in explains), planned=planned
    )


@pytest.mark.parametrize(
    ("incidents", "found"),
    [
        ([cause("dan/lan", "dan/server/ping")], {"dan/server/ping"}),
        ([cause("dan/lan", "dan/server/ping", planned=True)], set()),
        ([cause("dan/lan", "dan/server/ping", stage=Stage.RECOVERING)], set()),
        ([cause("dan/lan", "dan/server/ping"), cause("dan/power", "dan/server/ping", planned=True)], set()),
        ([cause("dan/lan", "gone")], set()),
    ],
    ids=["another-cause", "planned", "over", "both", "no-longer-looked-at"],
)
def test_blamed_on_another_cause_is_what_no_planned_work_explains(incidents, found):
    assert blamed(CITY, incidents) == found


def test_what_another_daemon_sees_is_no_check_of_ours():
    theirs = Incident("i", "dan/lan", ("dan/lan",), Stage.CONFIRMED, 0.0, 1.0, ("dan:dan/server/ping",))

    assert blamed(CITY, [theirs]) == set()
