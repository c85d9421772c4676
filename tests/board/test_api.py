"""The status document: written in pieces or at once, it is the same, and always JSON."""

import json

from monitor.board.api import document, pieces
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
