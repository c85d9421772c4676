"""diagnosis: the likeliest set of broken components, how sure that is, and what else it may be."""

from dataclasses import replace

import pytest

from monitor.core.detection import Belief, Verdict, manner, revise
from monitor.core.diagnosis import Diagnosis, Evidence, Tuning, diagnose, llr_of
from monitor.core.inventory import Bearer, Circuit, Risk, RiskKind, Role
from monitor.core.observation import failed
from monitor.core.topology import topology_of
from tests.core.puzzles import evidence_of, network
from tests.core.town import NAME, PING, center, town

CITY = topology_of(town(), "city")
BAD, GOOD = Evidence(22.0, 100.0), Evidence(-12.0, 100.0)


def answer(*broken, topology=CITY, **kwargs):
    return diagnose(topology, evidence_of(topology, broken), **kwargs)


def look(seen, ways, **kwargs):
    """Diagnose a network of one-letter components; *seen*: x bad, o good, ? missing, as *ways* come."""
    topology = network({str(n): way for n, way in enumerate(ways)}, kwargs.pop("rates", None))
    letters = {"x": BAD, "o": GOOD}
    evidence = {str(n): letters[letter] for n, letter in enumerate(seen) if letter in letters}
    return diagnose(topology, evidence, **kwargs)


def test_nothing_bad_is_nothing_broken():
    assert answer() == Diagnosis()
    assert diagnose(CITY, {}) == Diagnosis()


@pytest.mark.parametrize("component", sorted(CITY.components))
def test_every_single_fault_is_named_up_to_what_no_look_tells_apart(component):
    (cause,) = answer(component).causes

    assert component in cause.group


@pytest.mark.parametrize(
    "pair",
    [
        ("dan/city/primary", "dan/city/backup"),
        ("fang/city/backup", "dan/province/primary"),
        ("fang/server", "dan/video"),
        ("network/city", "fang/province/primary"),
        ("fang/lan", "dan/server/web"),
        ("muni/province/primary", "fang/power"),
    ],
    ids=" + ".join,
)
def test_two_faults_at_once_are_two_causes(pair):
    groups = [cause.group for cause in answer(*pair).causes]

    assert len(groups) == 2
    assert all(any(name in group for group in groups) for name in pair)


@pytest.mark.parametrize(
    ("seen", "ways", "causes"),
    [
        pytest.param("xo", ["ab", "a"], "b", id="a-good-look-acquits"),
        pytest.param("xx", ["ab", "ac"], "a", id="one-fault-is-likelier-than-two"),
        pytest.param("xx?", ["ab", "ac", "a"], "a", id="what-is-missing-acquits-nobody"),
        pytest.param("xxo", ["ab", "ac", "a"], "bc", id="unless-the-one-is-acquitted"),
        pytest.param("x", ["ab|ac"], "a", id="what-all-alternatives-cross-is-likelier-than-each-of-them"),
        pytest.param("xxo", ["ab|ac", "ab|ac", "a"], "bc", id="both-alternatives-when-that-is-acquitted"),
        pytest.param("ox", ["ab|ac", "b"], "b", id="one-alternative-may-be-broken-behind-a-good-look"),
    ],
)
def test_good_and_bad_looks_together_point_at_the_cause(seen, ways, causes):
    found = look(seen, ways, rates={"b": 0.5, "c": 0.5})

    assert sorted(found.components) == [*causes]


def test_the_more_fragile_of_two_is_named_and_the_other_with_it():
    (cause,) = look("x", ["ab"], rates={"a": 0.3, "b": 3.0}).causes

    assert cause.group == ("b", "a")


def test_of_what_old_looks_hardly_tell_apart_the_narrower_is_named():
    ways = ["ab", "ac", "ad"]
    topology = network(dict(zip("012", ways, strict=True)), {"a": 1.5, "b": 1.0, "c": 1.0, "d": 1.0})
    before = Evidence(-12.0, 99.0, age=0.5)
    evidence = {"0": BAD, "1": before, "2": before}

    (cause,) = diagnose(topology, evidence, since=100.0, tuning=Tuning(stale=0.01)).causes

    assert cause.group == ("b", "a")


def test_a_device_that_is_all_that_is_looked_at_in_its_center_is_called_by_its_own_name():
    fang = center("fang", networks=("city",), devices=("radio",))
    (link,), (radio,) = fang.links, fang.devices
    blind = replace(link, circuits=tuple(Circuit("fang", "city", role, "192.0.2.1") for role in Role))
    inventory = town(risks=(), centers=("dan",))
    centers = {"fang": replace(fang, links=(blind,), devices=(replace(radio, looks=(PING,)),))}
    inventory = replace(inventory, centers={**inventory.centers, **centers})

    (cause,) = answer("fang/radio", topology=topology_of(inventory, "city")).causes

    assert cause.component == "fang/radio"
    assert {"fang/lan", "fang/power", "fang/router"} < {*cause.group}


def test_what_evidence_tells_apart_is_a_rival_not_a_group():
    found = look("xx", ["ab", "bc"], rates={"a": 3.0, "b": 0.05, "c": 3.0})

    assert found.causes[0].group == ("b",)
    assert [(rival.instead_of, rival.causes) for rival in found.rivals] == [(("b",), ("a", "c"))]
    assert found.rivals[0].behind == pytest.approx(3.19, abs=0.01)


def test_confidence_and_rivals_share_one_probability():
    found = look("xx", ["ab", "bc"], rates={"a": 9.0, "b": 0.05, "c": 9.0})

    assert found.confidence + sum(rival.confidence for rival in found.rivals) == pytest.approx(1.0)
    assert found.causes[0].confidence == pytest.approx(found.confidence)


def test_a_shared_duct_is_one_cause_and_two_faults_its_rival():
    found = answer("dan/city/primary", "dan/province/primary")

    assert found.components == ("risk/bridge",)
    assert found.rivals[0].causes == ("dan/city/primary", "dan/province/primary")


def test_a_single_first_miss_blames_nobody_yet():
    found = diagnose(CITY, {"city:fang/server/ping": Evidence(4.6, 100.0)})

    assert found.components == ()
    assert found.failing == 1


def test_evidence_that_is_too_old_tells_nothing():
    name = "city:fang/city/primary/icmp"

    assert diagnose(CITY, {name: Evidence(22.0, 100.0, age=3.1)}).failing == 0
    assert diagnose(CITY, {name: Evidence(22.0, 100.0, age=2.9)}).failing == 1


def test_observations_that_nobody_knows_any_more_do_no_harm():
    assert diagnose(CITY, {"city:gone": BAD}) == Diagnosis()


class TestFreshness:
    """Good looks count only if they were sent after the first miss."""

    WAYS = ("ab", "a")
    RATES = {"a": 3.0, "b": 0.3}  # noqa: RUF012 - never changed

    def found(self, sent_at, since, age=0.0):
        topology = network(dict(zip("01", self.WAYS, strict=True)), self.RATES)
        return diagnose(topology, {"0": BAD, "1": Evidence(-12.0, sent_at, age)}, since=since)

    def test_a_good_look_after_the_first_miss_acquits(self):
        assert self.found(101.0, 100.0).components == ("b",)

    def test_one_from_before_does_not(self):
        assert self.found(99.0, 100.0).components == ("a",)

    def test_without_a_first_miss_all_count(self):
        assert self.found(99.0, None).components == ("b",)

    def test_an_old_good_look_still_breaks_a_tie(self):
        topology = network({"0": "ab", "1": "a"})
        evidence = {"0": BAD, "1": Evidence(-12.0, 99.0, age=0.1)}

        assert diagnose(topology, evidence, since=100.0).components == ("b",)


def test_looks_that_are_older_than_the_fault_tell_nothing_apart():
    topology = network({"0": "ab", "1": "a"})
    evidence = {"0": BAD, "1": Evidence(-12.0, 99.0)}
    (cause,) = diagnose(topology, evidence, since=100.0, tuning=Tuning(stale=0.01)).causes

    assert set(cause.group) == {"a", "b"}
    assert cause.confidence > 0.98


class TestBeliefs:
    """A belief becomes evidence."""

    HOW = manner(1.0, Bearer.FIBRE, suspicions_per_year=26, false_alarms_per_year=0.01)

    def weigh(self, belief):
        return llr_of(belief, self.HOW)

    def test_up_is_what_one_answer_is_worth(self):
        assert self.weigh(Belief(Verdict.UP)) == pytest.approx(-9.2, abs=0.01)

    def test_down_is_as_much_as_it_took_to_believe_it(self):
        assert self.weigh(Belief(Verdict.DOWN)) == self.HOW.confirm

    def test_a_doubt_is_its_score(self):
        missed = revise(
            Belief(Verdict.UP), failed("timeout"), sent=1.0, at=1.0, how=self.HOW, model=self.HOW.prior
        )

        assert self.weigh(missed) == pytest.approx(4.6, abs=0.1)

    @pytest.mark.parametrize(
        "belief", [Belief(), Belief(Verdict.DOWN, good=1)], ids=["unknown", "recovering"]
    )
    def test_what_cannot_tell_is_missing(self, belief):
        assert self.weigh(belief) is None


class TestRefusals:
    """Who refuses has answered: the way to it works."""

    def test_a_refusing_server_is_a_broken_service_even_if_its_ping_is_missing(self):
        evidence = {"city:fang/server/web": Evidence(22.0, 0.0, path_up=True)}

        assert diagnose(CITY, evidence).components == ("fang/server/web",)

    def test_a_silent_one_may_be_anything_on_the_way(self):
        evidence = {"city:fang/server/web": Evidence(22.0, 0.0)}

        assert len(diagnose(CITY, evidence).causes[0].group) > 1


class TestOurOwnTrouble:
    """What is wrong with us, the broker or an agent is never taken for the city's."""

    @pytest.mark.parametrize("far", [BAD, GOOD], ids=["silent", "answering"])
    def test_a_far_end_that_answers_does_not_acquit_the_core_behind_it(self, far):
        seen = evidence_of(CITY, {"network/province"})
        ends = {f"city:muni/province/{role}/icmp": far for role in ("primary", "backup")}
        found = diagnose(CITY, {**seen, **ends})

        assert found.components == ("network/province",)
        assert not found.doubts

    def test_all_our_looks_failing_is_our_own_uplink(self):
        seen = {n: BAD for n, o in CITY.observations.items() if o.vantage == "city" and o.check != "broker"}
        (cause,) = diagnose(CITY, {**seen, "city:broker": GOOD}).causes

        assert "vantage/city/uplink" in cause.group

    def test_a_silent_agent_is_the_agent_when_its_center_is_well(self):
        found = answer("vantage/dan/agent")

        assert found.causes[0].group == ("vantage/dan/agent", "vantage/dan/uplink")

    def test_all_agents_silent_at_once_is_the_broker(self):
        evidence = evidence_of(CITY, {"broker"})

        assert diagnose(CITY, evidence).components == ("broker",)

    def test_even_if_our_own_connection_to_it_is_away(self):
        ours = {name: seen for name, seen in evidence_of(CITY, ()).items() if name.startswith("city:")}

        assert diagnose(CITY, {**ours, "city:broker": BAD}).components == ("broker",)


class TestDoubts:
    """A look may be wrong, and so may the inventory."""

    def test_one_odd_look_is_not_a_contradiction(self):
        # The ping fails, and all that is on its way is acquitted.
        found = look("xooo", ["ab", "a", "b", "ab"])

        assert found.components == ()
        assert [(doubt.observation, doubt.component) for doubt in found.doubts] == [("0", None)]
        assert not found.inventory_doubtful

    def test_looks_that_cross_the_same_and_differ_are_weighed_against_each_other(self):
        assert look("xo", ["a", "a"]).components == ()
        assert look("xxo", ["a", "a", "a"]).components == ("a",)
        assert look("xoo", ["ab|a", "a", "b"]).components == ()

    def test_several_are_the_inventory_s(self):
        ways = [f"k{c}" for c in "abcdefgh"]
        found = look("xxxxxxoo", ways)

        assert found.components == ("k",)
        assert found.causes[0].against == ("6", "7")
        assert found.inventory_doubtful

    def test_a_core_is_named_though_some_circuits_are_declared_on_the_wrong_one(self):
        """One in ten good looks would acquit the core, were they beyond doubt."""
        ways = {f"{n}": "k" + chr(97 + n) for n in range(10)} | {"10": "mz"}
        topology = network(ways)
        evidence = {str(n): BAD for n in range(9)} | {"9": GOOD, "10": GOOD}

        assert diagnose(topology, evidence).components == ("k",)


class TestWiring:
    """What is declared may not be what is wired."""

    CENTERS = ("dan", "fang", "hu", "ji", "ke", "lu", "mo")
    CIRCUITS = tuple(f"{center}/city/primary" for center in CENTERS)

    def switch(self, *members):
        risk = Risk("switch", RiskKind.EQUIPMENT, NAME, members)
        return topology_of(town(risks=(risk,), centers=self.CENTERS), "city")

    def test_a_circuit_that_fails_with_what_others_share_may_share_it_too(self):
        seen = evidence_of(self.switch(*self.CIRCUITS), {"risk/switch"})
        found = diagnose(self.switch(*self.CIRCUITS[:-1]), seen)

        assert [(cause.component, cause.beside) for cause in found.causes] == [
            ("risk/switch", None),
            ("mo/city/primary", "risk/switch"),
        ]
        assert found.inventory_doubtful

    def test_a_circuit_that_works_without_what_it_is_declared_to_share_is_doubted(self):
        seen = evidence_of(self.switch(*self.CIRCUITS[:-1]), {"risk/switch"})
        found = diagnose(self.switch(*self.CIRCUITS), seen)

        assert found.components == ("risk/switch",)
        assert {doubt.observation for doubt in found.doubts} == {"city:mo/city/primary/icmp"}

    def test_good_looks_over_one_circuit_weigh_as_one_together(self):
        """Else three looks over one wrongly declared circuit would acquit what six others accuse."""
        topology = self.switch(*self.CIRCUITS)
        seen = evidence_of(topology, {"risk/switch"})
        good = dict.fromkeys(topology.lines["dan/city/primary"], GOOD)
        found = diagnose(topology, {**seen, **good})

        assert len(good) == 3
        assert found.components == ("risk/switch",)
        assert found.inventory_doubtful


class TestPlannedWork:
    """What is being worked on explains all behind it."""

    def test_it_is_blamed_first_and_said_to_be_planned(self):
        (cause,) = look("xx", ["ab", "ac"], rates={"b": 90.0, "c": 90.0}, planned={"a"}).causes

        assert (cause.component, cause.planned) == ("a", True)

    def test_other_causes_are_named_all_the_same(self):
        found = look("xx", ["ab", "cd"], planned={"a"})

        assert [cause.planned for cause in found.causes].count(False) == 1

    def test_of_many_that_are_worked_on_the_one_that_explains_all_is_named_for_sure(self):
        (cause,) = look("xxxx", ["ab", "ac", "ad", "ae"], planned=set("abcde")).causes

        assert (cause.component, cause.confidence > 0.95) == ("a", True)

    def test_several_that_are_worked_on_are_likelier_than_one_that_is_not(self):
        found = look("xxxx", ["ab", "ac", "ad", "ae"], planned=set("bcde"))

        assert {cause.component for cause in found.causes} == set("bcde")

    def test_a_planned_component_that_does_not_exist_does_no_harm(self):
        assert look("x", ["a"], planned={"nothing"}).components == ("a",)


class TestEvidenceForAndAgainst:
    """Each cause says what it explains and what contradicts it."""

    def test_a_cause_lists_what_fails_because_of_it(self):
        (cause,) = answer("fang/city/primary").causes

        assert cause.explains == ("city:fang/city/primary/icmp",)
        assert cause.against == ()

    def test_both_circuits_explain_what_needs_one_of_them(self):
        primary, backup = answer("fang/city/primary", "fang/city/backup").causes
        either = {
            "city:fang/server/ping",
            "city:fang/server/web",
            "city:fang/video/web",
            "city:fang/router/ping",
        }

        assert either <= {*primary.explains} & {*backup.explains}


def test_a_search_without_time_gives_its_best_answer_and_says_so():
    ways = [f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop"]
    found = look("x" * 64, ways, tuning=Tuning(effort=1))

    assert not found.exact
    assert len(found.causes) == 8


def test_with_time_it_is_exact():
    ways = [f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop"]
    found = look("x" * 64, ways)

    assert found.exact
    assert len(found.causes) == 8
