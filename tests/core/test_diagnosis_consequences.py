"""diagnosis, its consequences: what a fault does, what it hides, and which looks matter then."""

import pytest

from monitor.core.diagnosis import Evidence, diagnose
from monitor.core.diagnosis.consequences import impact, is_proven, is_watched, masked, predict, spoils
from monitor.core.diagnosis.looks import case, deciding, related
from monitor.core.topology import topology_of
from tests.core.puzzles import evidence_of, network
from tests.core.town import DUCT, FEED, town

CITY = topology_of(town(risks=(DUCT, FEED)), "city")


class TestPrediction:
    """What would be seen if something broke."""

    def test_each_look_fails_is_unheard_or_is_good(self):
        seen = predict(CITY, ["network/city"])

        assert {*seen.failing, *seen.blind, *seen.good} == CITY.observations.keys()
        assert len(seen.failing) + len(seen.blind) + len(seen.good) == len(CITY.observations)

    def test_a_cut_off_daemon_is_unheard_not_failing(self):
        seen = predict(CITY, ["dan/power"])

        assert "dan:heartbeat" in seen.failing
        assert "dan:dan/server/ping" in seen.blind

    def test_as_evidence_it_leads_back_to_what_broke(self):
        answer = diagnose(CITY, predict(CITY, ["fang/lan"]).evidence())

        assert answer.components == ("fang/lan",)


class TestImpact:
    """What is lost, what has less to spare, what nobody can see."""

    def test_one_circuit_lost_leaves_the_other_and_makes_it_indispensable(self):
        effect = impact(CITY, ["fang/city/primary"])
        (reduced,) = effect.reduced

        assert effect.lost == ()
        assert (reduced.subject, reduced.over) == ("fang/city", ("fang/city/backup",))
        assert reduced.points == ("carrier/mobile", "fang/city/backup")

    def test_both_lost_is_the_link_lost(self):
        effect = impact(CITY, ["fang/city/primary", "fang/city/backup"])

        assert effect.lost == ("fang/city",)
        assert effect.reduced == ()

    def test_a_duct_takes_one_circuit_of_each_link(self):
        effect = impact(CITY, ["risk/bridge"])

        assert [(one.subject, one.over) for one in effect.reduced] == [
            ("dan/city", ("dan/city/backup",)),
            ("dan/province", ("dan/province/backup",)),
        ]

    def test_a_center_without_power_loses_its_links_devices_and_services(self):
        assert set(impact(CITY, ["fang/power"]).lost) == {
            *("fang/city", "fang/province", "fang/router", "fang/server", "fang/server/web", "fang/video")
        }

    def test_a_dead_service_is_lost_alone(self):
        assert impact(CITY, ["fang/server/web"]).lost == ("fang/server/web",)

    @pytest.mark.parametrize("component", ["vantage/city/uplink", "muni/router", "muni/lan"])
    def test_who_reaches_no_network_is_isolated(self, component):
        assert impact(CITY, [component]).isolated

    @pytest.mark.parametrize("component", ["network/city", "network/province", "broker", "fang/power"])
    def test_who_reaches_one_is_not(self, component):
        assert not impact(CITY, [component]).isolated

    def test_isolated_all_that_is_not_at_hand_is_unknown(self):
        hidden = impact(CITY, ["vantage/city/uplink"]).masked

        assert CITY.components.keys() - hidden.keys() == {"vantage/city/uplink", "broker"}


class TestMasking:
    """A fault behind a fault cannot be seen."""

    def test_what_is_behind_a_dead_router_is_unknown_behind_it(self):
        hidden = masked(CITY, ["fang/router"])

        assert set(hidden.values()) == {"fang/router"}
        assert {"fang/server", "fang/lan", "fang/city/primary"} <= hidden.keys()
        assert not any(name.startswith("dan/") for name in hidden)

    def test_what_another_way_still_shows_is_not(self):
        assert "fang/server" not in masked(CITY, ["fang/city/primary"])
        assert "fang/server" not in masked(CITY, ["fang/city/primary", "fang/city/backup"])

    def test_nothing_is_behind_nothing(self):
        assert masked(CITY, []) == {}

    def test_an_agent_behind_a_dead_link_is_unknown_and_so_is_what_only_it_sees(self):
        hidden = masked(CITY, ["dan/city/primary", "dan/city/backup"])

        assert "vantage/dan/agent" in hidden


class TestCase:
    """The evidence for and against one component."""

    def test_failing_looks_speak_for_a_cause_good_ones_for_its_innocence(self):
        evidence = evidence_of(CITY, ["fang/city/primary"])

        assert case(CITY, evidence, "fang/city/primary").speaking_for == ("city:fang/city/primary/icmp",)
        assert "city:fang/city/backup/icmp" in case(CITY, evidence, "fang/router").speaking_against

    def test_a_look_with_another_way_speaks_in_part(self):
        evidence = evidence_of(CITY, ["fang/city/primary", "fang/city/backup"])

        assert "city:fang/server/ping" in case(CITY, evidence, "fang/city/primary").partly

    def test_what_we_did_not_hear_is_missing(self):
        name = "city:fang/city/primary/icmp"

        assert case(CITY, {}, "fang/city/primary").missing == (name,)
        assert case(CITY, {name: Evidence(22.0, 0.0, age=9.0)}, "fang/city/primary").missing == (name,)

    def test_a_refusal_speaks_for_the_service_and_against_the_way(self):
        evidence = {"city:fang/server/web": Evidence(22.0, 0.0, path_up=True)}

        assert case(CITY, evidence, "fang/server/web").speaking_for == ("city:fang/server/web",)
        assert "city:fang/server/web" in case(CITY, evidence, "fang/lan").speaking_against


class TestDeciding:
    """The looks that tell the best answer from its rival."""

    def test_the_look_that_one_of_them_would_spoil(self):
        topology = network({"1": "ab", "2": "ab", "3": "a"}, {"a": 1.0, "b": 0.5})
        evidence = {"1": Evidence(22.0, 0.0), "2": Evidence(22.0, 0.0)}

        assert deciding(topology, diagnose(topology, evidence)) == ("3",)

    def test_there_is_none_when_nothing_else_fits(self):
        evidence = evidence_of(CITY, ["network/city"])

        assert deciding(CITY, diagnose(CITY, evidence)) == ()


class TestRelated:
    """What to look at anew after a first miss."""

    def test_all_that_share_a_component_and_nothing_else(self):
        topology = network({"1": "ab", "2": "bc", "3": "cd"})

        assert related(topology, "1") == ("2",)

    def test_those_first_that_split_the_suspects_best(self):
        topology = network({"1": "abcd", "2": "abcd", "3": "d", "4": "ab", "5": "ab"})

        assert related(topology, "1") == ("4", "3", "2", "5")

    def test_at_most_so_many(self):
        first = related(CITY, "city:fang/server/web", most=5)

        assert len(first) == 5
        assert first == related(CITY, "city:fang/server/web")[:5]

    def test_only_our_own_if_wanted(self):
        assert all(name.startswith("city:") for name in related(CITY, "city:fang/server/web", by="city"))

    def test_a_few_of_them_narrow_it_down_to_one(self):
        """Made anew in this order, a handful of looks is enough to name a single fault."""
        for broken in ("fang/city/primary", "fang/server", "fang/lan", "fang/server/web"):
            seen = evidence_of(CITY, [broken])
            first = next(name for name, one in seen.items() if one.llr > 0)
            fresh = [first, *related(CITY, first, by="city")[:12]]
            answer = diagnose(CITY, {name: seen[name] for name in fresh})

            assert broken in answer.causes[0].group


class TestProof:
    """What a component spoils, and what proves that it works."""

    @pytest.mark.parametrize(
        ("component", "look", "spoilt"),
        [
            ("dan/power", "city:dan/server/ping", True),
            ("dan/city/primary", "city:dan/server/ping", False),
            ("fang/power", "city:dan/server/ping", False),
            ("dan/power", "city:nobody/ping", False),
        ],
    )
    def test_a_look_is_spoilt_by_what_no_way_of_it_avoids(self, component, look, spoilt):
        assert spoils(CITY, component, look) is spoilt

    @pytest.mark.parametrize(
        ("component", "looks", "watched"),
        [
            ("dan/video", ["city:dan/video/web"], True),
            ("dan/video", ["city:dan/video/gone", "city:dan/video/web"], True),
            ("dan/video", ["city:dan/video/gone"], False),
            ("dan/gone", ["city:dan/video/web"], False),
        ],
    )
    def test_what_is_declared_and_looked_at_as_before_is_still_watched(self, component, looks, watched):
        assert is_watched(CITY, component, looks) is watched

    @pytest.mark.parametrize(
        ("seen", "proven"),
        [(Evidence(-12.0, 101.0), True), (Evidence(-12.0, 99.0), False), (Evidence(12.0, 101.0), False)],
    )
    def test_a_good_look_past_a_component_proves_it_from_when_it_was_sent(self, seen, proven):
        evidence = {"city:dan/server/ping": seen}

        assert is_proven(CITY, evidence, "dan/power", 100.0) is proven
        assert not is_proven(CITY, evidence, "fang/power", 100.0)
        assert not is_proven(CITY, evidence, "dan/city/primary", 100.0)

    @pytest.mark.parametrize(("later", "proven"), [(100.5, True), (101.5, False)])
    def test_a_look_that_was_outweighed_before_proves_nothing_before_it_is_made_anew(self, later, proven):
        look = "city:dan/server/ping"
        evidence = {look: Evidence(-12.0, 101.0)}

        assert is_proven(CITY, evidence, "dan/power", 100.0, later={look: later}) is proven
