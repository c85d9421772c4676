"""health: a center is as its checks are believed to be, and what a fault hides is unknown."""

from dataclasses import replace

import pytest

from monitor.core.detection import Belief, Doubt, Verdict
from monitor.core.health import Health, Status, SubjectKind, View, assess_center, assess_network
from monitor.core.inventory import Center, Circuit, Device, Level, Link, Name, Role
from monitor.core.loss import SERVICE
from monitor.core.quality import Decline, Severity

NAME = Name("丹江口", "Danjiangkou")
LOSS = Decline("loss", Severity.WARN, 6.0, loss=0.2)
MISS = Doubt(SERVICE, 5.0, 5.0, 5.0, 0.5, "timeout", "no answer within 1 s")
LETTERS = {
    "u": Belief(Verdict.UP, since=1.0, reason="ok"),
    "d": Belief(Verdict.DOWN, since=5.0, reason="timeout"),
    "m": Belief(Verdict.UP, since=1.0, reason="ok", doubt=MISS),
    "s": Belief(Verdict.UP, since=1.0, reason="ok", suspected=True, doubt=MISS),
    "l": Belief(Verdict.DEGRADED, since=6.0, reason="loss", decline=LOSS),
    "t": Belief(Verdict.UP, since=1.0, reason="ok", strained=True),
    "?": Belief(Verdict.UNKNOWN, since=3.0, reason="own_lag"),
}


def circuit(network, role):
    return Circuit("dan", network, role, near="10.0.0.1")


CENTER = Center(
    "dan",
    NAME,
    Level.COUNTY,
    links=tuple(Link("dan", n, tuple(circuit(n, role) for role in Role)) for n in ("city", "province")),
    devices=(Device("dan", "router", NAME, "10.0.0.2"), Device("dan", "video", NAME, "10.0.0.3")),
)
SUBJECTS = (
    "dan/city/primary",
    "dan/city/backup",
    "dan/province/primary",
    "dan/province/backup",
    "dan/router",
    "dan/video",
)


def network(health="up", *, suspected=False, reason="ok"):
    return Status("network/province", SubjectKind.NETWORK, Health(health), 0.0, reason, suspected=suspected)


def say(letters, *, networks=None, before=None, own=False, way="city", good=None, **more):
    """Assess a center whose circuits and devices are believed to be as the letters say, in order."""
    beliefs = {subject: [LETTERS[letter]] for subject, letter in zip(SUBJECTS, letters, strict=False)}
    view = View(beliefs, before or {}, networks or {}, way, own, good or {}, **more)
    return {status.subject: status for status in assess_center(CENTER, view)}


@pytest.mark.parametrize(
    ("letters", "center", "city"),
    [
        pytest.param("uuuuuu", "up", "up", id="all-is-well"),
        pytest.param("duuuuu", "on_backup", "on_backup", id="primary-down-is-on-backup"),
        pytest.param("uduuuu", "degraded", "degraded", id="backup-down-is-redundancy-lost"),
        pytest.param("dduuuu", "degraded", "down", id="one-link-down-is-degraded"),
        pytest.param("dddduu", "down", "down", id="all-links-down-is-down"),
        pytest.param("uuuudu", "degraded", "up", id="one-of-several-devices-down-is-degraded"),
        pytest.param("??uuuu", "unknown", "unknown", id="a-link-we-cannot-see-is-unknown"),
        pytest.param("?duuuu", "unknown", "unknown", id="one-down-one-unknown-is-unknown"),
        pytest.param("?uuuuu", "up", "up", id="a-backup-that-works-carries-the-link"),
        pytest.param("uuuuu?", "up", "up", id="an-unknown-device-does-not-darken-a-center"),
    ],
)
def test_a_center_is_as_its_links_and_devices_are(letters, center, city):
    said = say(letters)

    assert (said["dan"].health, said["dan/city"].health) == (center, city)


def test_a_center_says_what_still_works():
    said = say("dduu??")

    assert said["dan"].works == ("dan/province",)


def test_devices_behind_a_dead_link_are_unknown_not_down():
    said = say("dduudd")

    assert {said[d].health for d in ("dan/router", "dan/video")} == {Health.UNKNOWN}
    assert said["dan/router"].reason == "behind_link"


def test_a_device_that_was_last_seen_before_its_link_died_is_unknown_however_good_it_looked():
    said = say("dduuuu", good={"dan/router": 4.0, "dan/video": 6.0})

    assert said["dan/router"].reason == "behind_link"
    assert said["dan/video"].health is Health.UP


def test_an_illness_is_as_old_as_its_first_sign_whatever_it_was_meanwhile():
    first = say("duuuuu")
    worse = say("dduuuu", before=first)

    assert worse["dan/city"].ill_since == first["dan/city"].ill_since == 5.0
    assert say("uuuuuu", before=worse)["dan/city"].ill_since is None


def test_devices_at_hand_are_down_whatever_the_links_are():
    said = say("dddddu", own=True, way=None)

    assert said["dan/router"].health is Health.DOWN


def test_a_device_is_not_called_down_while_its_link_is_under_suspicion():
    before = say("uuuuuu")
    said = say("ssuudu", before=before)

    assert (said["dan/router"].health, said["dan/router"].suspected) == (Health.UP, True)


def test_circuits_behind_a_silent_network_are_unknown():
    said = say("uudduu", networks={"province": network("down")})

    assert said["dan/province"].health is Health.UNKNOWN
    assert said["dan/province/primary"].reason == "behind_network"


def test_a_circuit_is_not_called_down_while_its_network_is_under_suspicion():
    before = say("uuuuuu")
    said = say("uuduuu", networks={"province": network(suspected=True)}, before=before)

    assert (said["dan/province"].health, said["dan/province"].suspected) == (Health.UP, True)


def test_a_circuit_is_not_called_down_while_its_network_s_anchor_has_missed_a_look():
    before = say("uuuuuu")
    said = say("uuduuu", networks={"province": network()}, doubtful=["province"], before=before)

    assert (said["dan/province"].health, said["dan/province"].suspected) == (Health.UP, True)


def test_a_circuit_behind_a_network_stays_unknown_while_we_are_too_busy_to_look_at_that():
    before = say("uudduu", networks={"province": network("down")})
    said = say("uudduu", networks={"province": network("unknown", reason="own_lag")}, before=before)

    assert said["dan/province/primary"].reason == "behind_network"
    assert said["dan"].health is Health.UNKNOWN


def test_a_circuit_is_called_down_though_its_network_is_not_looked_at():
    said = say("uudduu", networks={"province": network("unknown", reason="not_looked_yet")})

    assert said["dan/province"].health is Health.DOWN


def test_a_circuit_that_was_down_before_stays_so_whatever_its_network_s_anchor_misses():
    before = say("uuduuu")
    said = say("uuduuu", networks={"province": network()}, doubtful=["province"], before=before)

    assert said["dan/province/primary"].health is Health.DOWN


def test_a_link_is_not_called_on_backup_while_its_backup_is_under_suspicion():
    before = say("uuuuuu")
    said = say("dsuuuu", before=before)

    assert (said["dan/city"].health, said["dan/city"].suspected) == (Health.UP, True)
    assert said["dan/city/primary"].health is Health.DOWN


def test_a_center_is_not_called_degraded_while_its_other_link_is_under_suspicion():
    before = say("uuuuuu")
    said = say("ddssuu", before=before)

    assert (said["dan"].health, said["dan"].suspected) == (Health.UP, True)
    assert said["dan/city"].health is Health.DOWN


def test_our_own_circuits_are_not_hidden_by_the_network_they_lead_to():
    said = say("uudduu", networks={"province": network("down")}, own=True)

    assert said["dan/province"].health is Health.DOWN


def test_a_health_keeps_the_time_since_which_it_holds():
    first = say("duuuuu")
    later = say(
        "duuuuu", before={"dan": first["dan"].__class__("dan", SubjectKind.CENTER, Health.ON_BACKUP, 2.0)}
    )

    assert (first["dan/city"].since, later["dan"].since) == (5.0, 2.0)


def test_what_is_not_looked_at_is_not_spoken_of():
    said = say("uu")

    assert set(said) == {"dan", "dan/city", "dan/city/primary", "dan/city/backup"}


def test_amber_shows_on_circuit_link_and_center():
    said = say("suuuuu")

    assert [said[s].suspected for s in ("dan/city/primary", "dan/city", "dan")] == [True, True, True]


@pytest.mark.parametrize(
    ("looks", "before", "said"),
    [
        pytest.param("d", "up", "down timeout", id="its-anchor-is-silent"),
        pytest.param("uu du", "up", "degraded timeout", id="silent-over-one-circuit-that-is-whole"),
        pytest.param("uu dd", "up", "up ok", id="a-cut-circuit-says-nothing-of-the-network"),
        pytest.param("uu ds", "up", "up ok", id="nor-does-a-suspected-one"),
        pytest.param("uu dm", "up", "up ok", id="nor-one-that-has-missed-its-latest-look"),
        pytest.param("dm dm", "up", "up ok", id="an-anchor-that-is-judged-first-waits-for-its-circuits"),
        pytest.param("du dd", "up", "down timeout", id="silent-over-the-only-circuit-that-is-left"),
        pytest.param("dd dd", "up", "unknown behind_link", id="nobody-sees-it-behind-cut-circuits"),
        pytest.param("dd ds", "up", "up ok", id="nothing-new-until-the-last-circuit-is-decided"),
        pytest.param("dd ds", None, "unknown behind_link", id="nothing-is-claimed-that-was-never-seen"),
    ],
)
def test_a_network_is_as_its_anchor_is_over_the_circuits_that_are_whole(looks, before, said):
    seen = [(LETTERS[look[0]], [LETTERS[way] for way in look[1:]]) for look in looks.split()]
    status = assess_network("network/province", seen, before and network(before))

    assert f"{status.health} {status.reason}" == said


def test_a_lossy_circuit_is_degraded_and_so_is_the_link_it_carries():
    said = say("luuuuu")

    assert [said[s].health for s in ("dan/city/primary", "dan/city", "dan")] == ["degraded"] * 3
    assert [said[s].severity for s in ("dan/city/primary", "dan/city", "dan")] == ["warn"] * 3
    assert (said["dan/city"].reason, said["dan"].reason) == ("loss", "link_degraded")
    assert said["dan/city"].active is Role.PRIMARY


def test_a_lossy_circuit_with_a_cut_backup_has_first_of_all_no_backup():
    said = say("lduuuu")

    assert (said["dan/city"].health, said["dan/city"].reason) == ("degraded", "backup_down")


def test_a_lossy_backup_leaves_the_link_alone():
    said = say("uluuuu")

    assert (said["dan/city/backup"].health, said["dan/city"].health) == ("degraded", "up")


@pytest.mark.parametrize(
    "view",
    [
        pytest.param({"networks": {"province": replace(network("degraded"), decline=LOSS)}}, id="known"),
        pytest.param({"strained": ["province"]}, id="under-test"),
    ],
)
def test_what_the_network_loses_is_not_held_against_a_circuit_behind_it(view):
    assert say("uuluuu", **view)["dan/province/primary"].health is Health.UP
    assert say("luuuuu", **view)["dan/city/primary"].health is Health.DEGRADED
    assert say("uuluuu", **view, own=True)["dan/province/primary"].health is Health.DEGRADED


def test_what_was_said_of_a_circuit_before_is_not_taken_back_for_that():
    before = say("uuluuu")
    said = say("uuluuu", before=before, strained=["province"])

    assert said["dan/province/primary"].health is Health.DEGRADED


@pytest.mark.parametrize("way", ["l", "t"])
def test_what_a_circuit_loses_is_not_held_against_the_devices_behind_it(way):
    assert say(way + "uuulu")["dan/router"].health is Health.UP
    assert say("uuuulu")["dan/router"].health is Health.DEGRADED
