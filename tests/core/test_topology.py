"""topology: what can break, and what each look crosses, follow from the inventory alone."""

from dataclasses import replace

import pytest

from monitor.core.checks import checks_of
from monitor.core.diagnosis import Evidence, diagnose
from monitor.core.inventory import Look, Vantage
from monitor.core.topology import Kind, observation_id, topology_of
from monitor.core.topology.model import is_open
from tests.core.puzzles import network
from tests.core.town import DUCT, FEED, NAME, PING, center, town

CITY = topology_of(town(), "city")


def crossed(observation, topology=CITY):
    return set(topology.observations[observation].alternatives)


def test_every_part_of_a_center_can_break_on_its_own():
    kinds = {name: c.kind for name, c in CITY.components.items() if c.center == "fang"}

    assert kinds == {
        "fang/power": Kind.POWER,
        "fang/lan": Kind.LAN,
        "fang/router": Kind.ROUTER,
        "fang/router/management": Kind.MANAGEMENT,
        "fang/city/primary": Kind.CIRCUIT,
        "fang/city/backup": Kind.CIRCUIT,
        "fang/province/primary": Kind.CIRCUIT,
        "fang/province/backup": Kind.CIRCUIT,
        "fang/server": Kind.DEVICE,
        "fang/server/web": Kind.SERVICE,
        "fang/video": Kind.DEVICE,
    }


def test_so_can_what_all_centers_share():
    shared = {name for name, component in CITY.components.items() if component.center is None}

    assert shared == {
        "broker",
        "network/city",
        "network/city/anchor",
        "network/province",
        "network/province/anchor",
        "vantage/province/agent",
        "vantage/province/uplink",
        "carrier/telecom",
        "carrier/mobile",
        "risk/bridge",
    }


def test_every_component_has_a_name_in_both_languages_and_a_rate():
    assert all(c.name.zh and c.name.en and c.rate > 0 for c in CITY.components.values())


def test_every_check_of_every_vantage_is_an_observation():
    inventory = town()
    checks = {observation_id(v.id, c) for v in inventory.vantages.values() for c in checks_of(inventory, v)}

    assert CITY.observations.keys() == checks | {"city:broker", "province:heartbeat", "dan:heartbeat"}


def test_everything_that_is_crossed_is_a_component():
    ways = [*CITY.observations.values()]
    named = {name for o in ways for one in (*o.alternatives, *o.reports, *o.way) for name in one}

    assert named <= CITY.components.keys()


def test_a_look_at_a_circuit_is_pinned_to_it():
    inside = {"vantage/city/uplink", "muni/power", "muni/lan", "muni/router", "network/city"}
    end = {"fang/city/primary", "carrier/telecom", "fang/router", "fang/power"}

    assert crossed("city:fang/city/primary/icmp") == {frozenset(inside | end)}


def test_a_look_at_a_device_may_go_over_either_circuit_of_the_way():
    ways = crossed("city:fang/server/ping")

    assert len(ways) == 2
    assert {one for way in ways for one in way if one.startswith("fang/city")} == {
        "fang/city/primary",
        "fang/city/backup",
    }
    assert all({"fang/lan", "fang/router", "fang/power", "fang/server"} <= way for way in ways)


def test_a_daemon_in_a_center_reaches_a_network_over_the_center_s_own_circuits():
    circuits = [
        {c for c in way if c.startswith("muni/province")} for way in crossed("city:network/province/icmp")
    ]

    assert sorted(circuits, key=sorted) == [{"muni/province/backup"}, {"muni/province/primary"}]


def test_a_daemon_in_no_center_reaches_a_further_network_through_its_own_and_the_trunk():
    standing = {"city": Vantage("city", NAME, networks=("city", "province"))}
    topology = topology_of(town(vantages=standing), "city")

    (way,) = crossed("city:network/province/icmp", topology)
    assert {"network/city", "network/city-province", "network/province"} <= way
    assert topology.components["network/city-province"].kind is Kind.TRUNK


def test_a_router_answers_without_the_lan_and_not_with_the_same_part_that_forwards():
    for way in crossed("city:fang/router/ping"):
        assert "fang/lan" not in way
        assert {"fang/router", "fang/router/management"} <= way


def test_only_a_look_that_is_not_alone_asks_for_a_service():
    assert "fang/server/web" in CITY.components
    assert "fang/video/web" not in CITY.components


def test_who_refuses_has_proven_the_way_but_not_the_service():
    observation = CITY.observations["city:fang/server/web"]

    carriers = {"carrier/telecom", "carrier/mobile"}
    assert {way | {"fang/server/web"} for way in observation.way} == {
        way - carriers for way in observation.alternatives
    }
    assert CITY.observations["city:fang/server/ping"].way == ()


def test_from_inside_a_center_its_devices_are_at_hand():
    assert crossed("dan:dan/server/ping") == {
        frozenset({"vantage/dan/uplink", "dan/power", "dan/lan", "dan/server"})
    }


def test_the_words_of_an_agent_come_over_its_center_s_circuits_and_through_the_broker():
    heartbeat, look = CITY.observations["dan:heartbeat"], CITY.observations["dan:dan/server/ping"]
    over = {next(c for c in way if c.startswith("dan/city/")) for way in heartbeat.alternatives}

    assert look.reports == heartbeat.alternatives
    assert over == {"dan/city/primary", "dan/city/backup"}
    assert all({"broker", "vantage/dan/agent", "network/city"} <= way for way in heartbeat.alternatives)


def test_our_own_looks_are_never_missing():
    assert all(o.reports == () for o in CITY.observations.values() if o.vantage == "city")


def test_the_broker_may_be_beyond_our_uplink_but_its_answer_does_not_prove_that():
    observation = CITY.observations["city:broker"]

    assert observation.alternatives == (frozenset({"broker", "vantage/city/uplink"}),)
    assert observation.proves == (frozenset({"broker"}),)


def test_a_silent_far_end_may_be_the_core_s_fault_an_answering_one_does_not_acquit_the_core():
    observation = CITY.observations["dan:dan/city/primary/icmp"]

    (whole,), (proven,) = observation.alternatives, observation.proves
    assert whole - proven == {"network/city"}


def test_an_anchor_looked_at_over_one_circuit_crosses_that_circuit_alone():
    (way,) = crossed("dan:dan/city/primary/anchor")

    assert {"dan/city/primary", "network/city", "network/city/anchor"} <= way
    assert "dan/city/backup" not in way


def test_a_daemon_that_looks_through_no_network_hears_nobody():
    topology = topology_of(town(), "dan")

    assert {o.vantage for o in topology.observations.values()} == {"dan"}
    assert "broker" not in topology.components
    assert {way.network for way in topology.exits} == {"city", "province"}


def test_whom_it_hears_can_be_said():
    topology = topology_of(town(), "city", ["dan"])

    assert {o.vantage for o in topology.observations.values()} == {"city", "dan"}


def test_a_shared_risk_lies_on_every_way_of_its_members():
    topology = topology_of(town(risks=(DUCT, FEED)), "city")
    for observation in topology.observations.values():
        for way in observation.alternatives:
            assert ("risk/bridge" in way) is bool({*DUCT.members} & way)
            assert ("risk/street" in way) is bool({"dan/power", "fang/server"} & way)


def test_a_look_that_may_have_gone_over_either_circuit_acquits_nothing_that_one_of_them_shares():
    for name in ("city:dan/server/ping", "dan:heartbeat"):
        observation = CITY.observations[name]

        assert any("risk/bridge" in way for way in observation.alternatives)
        assert not any("risk/bridge" in way or "carrier/mobile" in way for way in observation.proves)


def test_looks_over_one_circuit_are_known_to_be():
    assert set(CITY.lines["dan/city/primary"]) == {
        "city:dan/city/primary/icmp",
        "dan:dan/city/primary/icmp",
        "dan:dan/city/primary/anchor",
    }


def test_a_risk_breaks_as_often_as_is_declared():
    topology = topology_of(town(risks=(replace(DUCT, per_year=4.0),)), "city")

    assert topology.components["risk/bridge"].rate == 4.0
    assert CITY.components["risk/bridge"].rate == 0.3


def test_circuits_of_one_carrier_share_it_without_being_told():
    assert all("carrier/telecom" in way for way in crossed("city:fang/city/primary/icmp"))


def test_our_own_center_s_power_is_an_unlikely_cause_for_we_are_running():
    assert CITY.components["muni/power"].rate < CITY.components["fang/power"].rate


def test_own_looks_get_old_after_two_periods_heard_ones_when_their_word_lapses():
    topology = topology_of(town(), "city", valid_for=30.0)

    assert topology.observations["city:fang/server/web"].max_age == 21.0
    assert topology.observations["dan:dan/server/web"].max_age == 31.0


def test_a_link_has_one_alternative_for_each_circuit():
    passage = next(p for p in CITY.passages if p.subject == "dan/city")

    assert passage.over == ("dan/city/primary", "dan/city/backup")
    assert len(passage.alternatives) == 2


def test_a_center_without_devices_has_no_lan_that_anybody_could_miss():
    inventory = town()
    bare = replace(inventory, centers={**inventory.centers, "bare": center("bare", devices=())})

    assert "bare/lan" not in topology_of(bare, "city").components


@pytest.mark.parametrize(
    ("other", "crosses"),
    [
        pytest.param(Vantage("x", NAME, center="muni"), {"muni/lan"}, id="in-our-own-center"),
        pytest.param(Vantage("x", NAME, networks=("city",)), {"network/city"}, id="in-a-network-of-ours"),
        pytest.param(Vantage("x", NAME, center="fang"), {"fang/router", "network/city"}, id="in-a-center"),
        pytest.param(Vantage("x", NAME, networks=("else",)), set(), id="nobody-knows-where"),
    ],
)
def test_the_words_of_another_daemon_cross_what_lies_between(other, crosses):
    inventory = town()
    inventory = replace(inventory, vantages={"city": inventory.vantages["city"], "x": other})
    if "else" in other.networks:
        inventory = replace(
            inventory, networks={**inventory.networks, "else": replace(inventory.networks["city"], id="else")}
        )
    ways = topology_of(inventory, "city").observations["x:heartbeat"].alternatives

    ends = {"broker", "vantage/x/agent", "vantage/x/uplink", "vantage/city/uplink"}
    assert all(ends | crosses <= way for way in ways)


def test_components_that_all_looks_cross_alike_are_one_class():
    topology = network({"1": "abx", "2": "abc|abd"})

    assert {frozenset(members) for members in topology.classes} == {
        frozenset("ab"),
        frozenset("x"),
        frozenset("c"),
        frozenset("d"),
    }


def test_an_alternative_that_is_open_only_when_another_is_does_not_count():
    topology = network({"1": "ab|abc"})

    (row,) = topology.rows
    assert row.alternatives == (frozenset({topology.class_of["a"]}),)


def test_a_way_is_open_as_long_as_one_alternative_is_whole():
    ways = (frozenset("ab"), frozenset("cd"))

    assert is_open(ways, frozenset("a"))
    assert not is_open(ways, frozenset("ad"))
    assert is_open((), frozenset("a"))


# What a router says of its circuits.


def with_word(about="fang/province/primary"):
    """Return the city in which a router tells how one of its circuits is."""
    inventory = town(risks=())
    fang = inventory.centers["fang"]
    router, *others = fang.devices
    word = Look("uplink", "snmp", None, 10.0, 5.0, about=about)
    told = replace(router, looks=(*router.looks, word))
    centers = inventory.centers | {"fang": replace(fang, devices=(told, *others))}
    return topology_of(replace(inventory, centers=centers), "city")


def test_a_router_that_says_that_its_interface_is_down_speaks_of_the_circuit():
    topology = with_word()
    observation = topology.observations["city:fang/router/uplink"]

    assert "fang/router/uplink" not in topology.components
    assert all("fang/province/primary" in way for way in observation.alternatives)
    assert all("fang/province/primary" not in way for way in observation.way)


def test_an_interface_that_is_up_does_not_prove_that_its_circuit_works():
    observation = with_word().observations["city:fang/router/uplink"]

    assert observation.proves
    assert all("fang/province/primary" not in way for way in observation.proves)


def test_a_circuit_that_nobody_looks_at_is_named_by_the_router_s_word():
    topology = with_word()
    evidence = {
        name: Evidence(-12.0, 100.0)
        for name in topology.observations
        if name.startswith("city:fang/") and "province" not in name
    }
    evidence["city:fang/router/uplink"] = Evidence(22.0, 100.0, path_up=True)
    found = diagnose(topology, evidence)

    assert [cause.component for cause in found.causes] == ["fang/province/primary"]


WORDS = tuple(f"{center}/province/{role}" for center in ("dan", "fang") for role in ("primary", "backup"))


def seen_from_the_city_alone(*, reaches=True):
    """Return the city that sees nothing of the province, but by what two routers tell of their circuits."""
    inventory = town(risks=(), vantages={"city": Vantage("city", NAME, networks=("city",))})
    centers = dict(inventory.centers)
    for key in ("dan", "fang"):
        router, *others = centers[key].devices
        told = (
            Look(about.rpartition("/")[2], "snmp", None, 10.0, 5.0, about=about, reaches=reaches)
            for about in WORDS
            if about.startswith(key)
        )
        centers[key] = replace(centers[key], devices=(replace(router, looks=(PING, *told)), *others))
    return topology_of(replace(inventory, centers=centers), "city")


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        pytest.param(WORDS[2:3], [WORDS[2]], id="one-circuit"),
        pytest.param(WORDS[2:], [WORDS[3], WORDS[2]], id="both-of-a-county-while-another-reaches-the-core"),
        pytest.param(WORDS, ["network/province"], id="all-of-all-counties"),
    ],
)
def test_what_the_routers_tests_have_in_common_is_named(bad, named):
    topology = seen_from_the_city_alone()
    bad = {f"city:{about.replace('province', 'router')}" for about in bad}
    evidence = {
        name: Evidence(22.0, 100.0, path_up=True) if name in bad else Evidence(-12.0, 100.0)
        for name in topology.observations
    }

    assert sorted(cause.component for cause in diagnose(topology, evidence).causes) == sorted(named)


def test_a_port_that_is_up_does_not_prove_that_the_core_behind_it_works():
    states, tests = (seen_from_the_city_alone(reaches=reaches).observations for reaches in (False, True))

    assert not any("network/province" in way for way in states["city:dan/router/primary"].proves)
    assert all("network/province" in way for way in tests["city:dan/router/primary"].proves)
