"""diagnosis, before anything breaks: what the looks would confuse or miss, and what would help."""

from dataclasses import replace

from monitor.core.diagnosis.identifiability import Aid, identifiability, suggestions
from monitor.core.inventory import Vantage
from monitor.core.topology import topology_of
from tests.core.puzzles import network
from tests.core.town import FEED, NAME, town


def test_components_that_fail_alike_are_one_group():
    report = identifiability(network({"1": "abc", "2": "c"}))

    assert report.groups == (("a", "b"),)
    assert report.known == 1


def test_what_no_look_crosses_is_unseen():
    assert identifiability(network({"1": "a"}, {"z": 1.0})).unseen == ("z",)


def test_what_another_way_covers_is_hidden():
    report = identifiability(network({"1": "xa|xb"}))

    assert report.hidden == ("a", "b")
    assert report.known == 1


def test_a_city_that_is_looked_at_from_all_sides_confuses_power_and_router():
    groups = identifiability(topology_of(town(), "city")).groups

    assert ("fang/power", "fang/router") in groups
    assert ("dan/power", "dan/router") in groups


def test_and_a_daemon_with_its_own_plug():
    groups = identifiability(topology_of(town(), "city")).groups

    assert any({"vantage/dan/agent", "vantage/dan/uplink"} == {*group} for group in groups)


def test_a_signal_of_the_mains_tells_power_from_router():
    first = suggestions(town(), "city")[0]

    assert first.aid is Aid.POWER
    assert first.apart >= 1


def test_like_additions_at_several_places_are_one_suggestion():
    places = {place for one in suggestions(town(), "city") if one.aid is Aid.POWER for place in one.places}

    assert places == {"muni", "dan", "fang"}


def test_a_feed_that_two_centers_share_is_not_told_from_their_power_by_one_signal():
    feed = replace(FEED, members=("dan", "fang"))
    report = identifiability(topology_of(town(risks=(feed,)), "city"))

    assert not any("risk/street" in group for group in report.groups)
    assert suggestions(town(risks=(feed,)), "city")


def test_a_device_that_nothing_looks_at_is_offered_a_look():
    inventory = town()
    center = inventory.centers["fang"]
    devices = tuple(replace(device, looks=()) for device in center.devices)
    inventory = replace(inventory, centers={**inventory.centers, "fang": replace(center, devices=devices)})

    assert {"fang/server", "fang/video"} <= {*identifiability(topology_of(inventory, "city")).unseen}
    device = next(one for one in suggestions(inventory, "city") if one.aid is Aid.DEVICE)
    assert {"fang/server", "fang/video"} <= {*device.places}
    assert device.shown >= 2


def test_a_network_that_nobody_looks_through_is_offered_a_daemon():
    inventory = town(vantages={"city": Vantage("city", NAME, networks=("city",))})
    unseen = identifiability(topology_of(inventory, "city")).unseen

    assert "fang/province/primary" in unseen
    assert any(one.aid in {Aid.VANTAGE, Aid.AGENT} for one in suggestions(inventory, "city"))


def test_where_all_is_told_apart_nothing_is_suggested():
    helpful = suggestions(town(), "city")
    told = [(one.apart, one.shown) for one in helpful]

    assert (0, 0) not in told
