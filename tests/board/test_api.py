"""The status document: written in pieces or at once, it is the same, and always JSON."""

import json

from monitor.board.api import document, pieces
from monitor.core.health import SubjectKind
from monitor.core.observation import failed
from tests.board import city


def test_the_pieces_make_the_document():
    written = b"".join(pieces(city.cut(), city.vitals(), city.NOW))

    assert json.loads(written) == document(city.cut(), city.vitals(), city.NOW)


def test_a_city_without_centers_is_a_document_too():
    written = b"".join(pieces(city.world({}), city.vitals(), city.NOW))

    assert json.loads(written)["centers"] == []


def test_a_stale_round_trip_time_is_not_shown():
    world = city.world()
    city.watch(world, "maojian/city/primary", "icmp", failed("timeout"))
    world.readings["maojian/city/primary/icmp"].rtt = 0.002
    link = document(world, city.vitals(), city.NOW)["centers"][0]["links"][0]

    assert link["circuits"][0]["rtt"] is None


def test_what_nobody_looks_at_is_neither_up_nor_unknown():
    world = city.world()
    del world.statuses["maojian/province"]
    link = document(world, city.vitals(), city.NOW)["centers"][0]["links"][1]

    assert (link["health"], link["reason"]) == (None, "not_looked_at_from_here")


def test_a_peers_words_have_no_way_in():
    world = city.world()
    city.watch(world, "maojian/city/primary", "icmp", failed("timeout", "<script>hostile</script>"))

    assert "hostile" not in json.dumps(document(world, city.vitals(), city.NOW))


def test_what_is_suspected_says_since_when_and_why_and_so_does_what_it_is_part_of():
    world = city.cut()
    city.say(world, "maojian/city", SubjectKind.LINK, suspected=True)
    link = document(world, city.vitals(), city.NOW)["centers"][0]["links"][0]
    primary, backup = link["circuits"]

    assert (primary["suspected_since"], primary["suspected_reason"]) == (city.NOW - 3, "timeout")
    assert link["suspected_since"] == city.NOW - 3
    assert "suspected_since" not in backup


def test_the_zone_is_told_where_it_is_known():
    zoned = json.loads(b"".join(pieces(city.cut(), city.vitals(), city.NOW, "Asia/Shanghai")))

    assert zoned["timezone"] == "Asia/Shanghai"
    assert "timezone" not in document(city.cut(), city.vitals(), city.NOW)
