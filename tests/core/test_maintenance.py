"""maintenance: what is wrong only because it is worked on is under maintenance, all else is said as it is.

A center is a line of letters, one for each of its circuits and devices: `u` up, `d` down, `s` suspected,
`?` unknown to us; in capitals it may fail because of planned work.
"""

import pytest

from monitor.core.health import Health, Status, SubjectKind, View, assess_center, assess_network
from monitor.core.inventory import Role
from monitor.core.maintenance import found_when, said
from tests.core.test_health import CENTER, LETTERS, SUBJECTS, network


def find(letters, *, networks=None, before=None, way="city"):
    """Return how a center is found to be."""
    pairs = list(zip(SUBJECTS, letters, strict=True))
    beliefs = {subject: [LETTERS[letter.lower()]] for subject, letter in pairs}
    planned = {subject for subject, letter in pairs if letter.isupper()}
    view = View(beliefs, before or {}, networks or {}, way, planned=planned)
    return {status.subject: status for status in assess_center(CENTER, view)}


def say(letters, **others):
    """Return what is then said of it."""
    return {subject: said(status, None, 9.0) for subject, status in find(letters, **others).items()}


def healths(letters, *subjects, **others):
    told = say(letters, **others)
    return [str(told[f"dan/{subject}" if subject else "dan"].health) for subject in subjects]


@pytest.mark.parametrize(
    ("letters", "primary", "link", "center"),
    [
        pytest.param("Duuuuu", "maintenance", "maintenance", "maintenance", id="primary-worked-on"),
        pytest.param("uDuuuu", "up", "maintenance", "maintenance", id="backup-worked-on"),
        pytest.param("DDuuuu", "maintenance", "maintenance", "maintenance", id="both-worked-on"),
        pytest.param("DDDDuu", "maintenance", "maintenance", "maintenance", id="all-worked-on"),
        pytest.param("Dduuuu", "maintenance", "down", "degraded", id="the-other-circuit-fails-really"),
        pytest.param(
            "Duuduu", "maintenance", "maintenance", "degraded", id="another-link-has-lost-its-backup"
        ),
        pytest.param("DDdduu", "maintenance", "maintenance", "down", id="the-other-link-fails-really"),
        pytest.param("duuuuu", "down", "on_backup", "on_backup", id="nothing-is-worked-on"),
        pytest.param("uuuuDu", "up", "up", "maintenance", id="a-device-is-worked-on"),
        pytest.param("uuuuDd", "up", "up", "degraded", id="another-device-fails-really"),
        pytest.param("Suuuuu", "up", "up", "up", id="a-suspicion-is-no-maintenance"),
        pytest.param(
            "D?uuuu", "maintenance", "maintenance", "maintenance", id="the-other-circuit-is-unknown"
        ),
        pytest.param("?Duuuu", "unknown", "maintenance", "maintenance", id="the-primary-is-unknown-to-us"),
        pytest.param("?uuuuu", "unknown", "up", "up", id="unknown-for-our-own-reasons"),
    ],
)
def test_a_whole_is_under_maintenance_if_nothing_else_is_wrong_with_it(letters, primary, link, center):
    assert healths(letters, "city/primary", "city", "") == [primary, link, center]


def test_a_suspicion_of_what_is_not_worked_on_is_shown_and_ends_no_maintenance():
    told = say("Dsuuuu", before=find("Duuuuu"))

    assert [(told[s].health, told[s].suspected) for s in ("dan/city", "dan")] == [
        (Health.MAINTENANCE, True)
    ] * 2
    assert not say("DSuuuu", before=find("Duuuuu"))["dan"].suspected


def test_a_link_that_is_worked_on_still_carries_traffic_over_its_other_circuit():
    told = say("Duuuuu")

    assert told["dan/city"].active is Role.BACKUP
    assert "dan/city" in told["dan"].works


def test_devices_behind_links_that_are_worked_on_are_under_maintenance_with_them():
    assert healths("DDuudd", "router", "video") == ["maintenance", "maintenance"]


def test_devices_behind_links_of_which_one_circuit_failed_really_are_unknown():
    assert healths("Dduudd", "router", "") == ["unknown", "degraded"]


@pytest.mark.parametrize(
    ("planned", "health"), [(True, "maintenance"), (False, "unknown")], ids=["worked-on", "down"]
)
def test_circuits_behind_a_network_are_as_excusable_as_the_network(planned, health):
    core = Status("network/city", SubjectKind.NETWORK, Health.DOWN, 5.0, "timeout", planned=planned)

    assert healths("Dduuuu", "city/primary", "city/backup", networks={"city": core}) == [health, health]


def test_a_network_behind_circuits_that_are_worked_on_is_under_maintenance():
    way = [LETTERS["d"]]
    behind = assess_network("network/city", [(LETTERS["d"], way)], network(), way_planned=True)

    assert said(behind, None, 9.0).health is Health.MAINTENANCE


def test_a_network_whose_anchor_is_worked_on_is_under_maintenance():
    core = assess_network("network/city", [(LETTERS["d"], [])], None, planned=True)

    assert said(core, None, 9.0).health is Health.MAINTENANCE


# Since when.

UP = Status("dan", SubjectKind.CENTER, Health.UP, 1.0)
DOWN = Status("dan", SubjectKind.CENTER, Health.DOWN, 5.0, "timeout", ill_since=5.0)
PLANNED = Status("dan", SubjectKind.CENTER, Health.DOWN, 5.0, "timeout", ill_since=5.0, planned=True)


def test_what_falls_silent_in_a_window_is_under_maintenance_since_then():
    assert said(PLANNED, UP, 9.0).since == 5.0


def test_what_was_down_before_is_under_maintenance_since_the_window_opened():
    told = said(PLANNED, DOWN, 9.0)

    assert (told.health, told.reason, told.since, told.ill_since) == (Health.MAINTENANCE, "planned", 9.0, 5.0)


def test_maintenance_goes_on_whatever_it_would_be_without_it():
    before = said(PLANNED, UP, 9.0)
    worse = Status("dan", SubjectKind.CENTER, Health.DEGRADED, 20.0, "link_down", planned=True)

    assert said(worse, before, 30.0).since == 5.0


def test_when_the_window_ends_it_is_down_since_it_fell_silent():
    assert said(DOWN, said(PLANNED, UP, 9.0), 30.0) == DOWN


def test_how_a_thing_under_maintenance_really_was_is_not_known_after_a_restart():
    assert found_when(said(PLANNED, UP, 9.0)).health is Health.UNKNOWN
    assert found_when(DOWN) is DOWN
