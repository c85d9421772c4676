"""The status document: written in pieces or at once, it is the same, and always JSON."""

import json
from dataclasses import fields
from pathlib import Path

from monitor.board.api import document, pieces
from monitor.core.agent import Agent, Heard
from monitor.core.health import SubjectKind
from monitor.core.observation import failed
from monitor.core.vitals import StoreVitals
from tests.board import city


def test_the_pieces_make_the_document():
    world = city.blamed()
    city.listen(world, "maojian", clock_offset=0.25)
    written = b"".join(pieces(world, city.vitals(), city.NOW, monotonic=lambda: city.MONOTONIC))

    assert json.loads(written) == document(world, city.vitals(), city.NOW, monotonic=lambda: city.MONOTONIC)


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


def test_a_circuit_says_how_a_call_over_it_would_be_and_how_much_worse_it_has_become():
    world = city.world()
    city.worsen(world, "maojian/city/primary")
    primary, backup = document(world, city.vitals(), city.NOW)["centers"][0]["links"][0]["circuits"]

    assert (primary["severity"], primary["mos"], primary["fit_for_video"]) == ("warn", 2.63, False)
    assert (backup["severity"], backup["mos"], backup["fit_for_video"]) == (None, None, None)


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


def test_an_open_incident_is_told_whole_and_named_by_all_that_it_touches():
    told = document(city.blamed(), city.vitals(), city.NOW)
    power, circuit, suspected = told["incidents"]
    centers = {center["id"]: center for center in told["centers"]}

    assert (power["component"], power["group"]) == (
        "danjiangkou/power",
        ["danjiangkou/power", "danjiangkou/router"],
    )
    assert (suspected["stage"], suspected["confirmed_at"]) == ("suspected", None)
    assert centers["danjiangkou"]["incidents"] == [power["incident"]]
    assert centers["danjiangkou"]["devices"][1]["incidents"] == [power["incident"]]
    assert [c["incidents"] for c in centers["yunyang"]["links"][1]["circuits"]] == [[circuit["incident"]], []]
    assert centers["wudangshan"]["incidents"] == []
    assert [network["incidents"] for network in told["networks"]] == [[], []]


def test_the_documentation_says_where_the_keys_of_incidents_stand():
    docs = Path(__file__).parents[2] / "docs"
    told = document(city.blamed(), city.vitals(), city.NOW)["incidents"][0]
    manual = "".join((docs / page).read_text("utf-8") for page in ("mqtt.md", "api.md"))

    assert "(mqtt.md#incidents)" in (docs / "api.md").read_text("utf-8")
    assert [key for key in told if f"`{key}`" not in manual] == []


def agents(world):
    told = document(world, city.vitals(), city.NOW, monotonic=lambda: city.MONOTONIC)["agents"]
    return {agent["vantage"]: agent for agent in told}


def test_another_vantage_is_told_with_all_that_is_known_of_it():
    world = city.world()
    city.listen(world, "maojian", clock_offset=-3.5, backlog=7, gathered=40, repeated=5, refused=2)
    city.believe(world, "maojian", up=3, down=1)

    assert agents(world) == {
        "maojian": {
            "vantage": "maojian",
            "name": {"zh": "茅箭区", "en": "Maojian"},
            "center": "maojian",
            "presence": "online",
            "since": city.NOW - 7_200,
            "heard_at": city.NOW - 1.5,
            "clock_offset": -3.5,
            "duplicate": False,
            "quarantined": False,
            "backlog": 7,
            "gathered": 40,
            "repeated": 5,
            "refused": 2,
            "beliefs": {"up": 3, "degraded": 0, "down": 1, "unknown": 0},
        }
    }


def test_a_vantage_never_heard_has_no_times():
    world = city.world()
    world.agents["maojian"] = Agent("maojian")
    told = agents(world)["maojian"]

    assert (told["presence"], told["since"], told["heard_at"], told["clock_offset"]) == (
        "unheard",
        None,
        None,
        None,
    )


def test_vantages_come_in_the_order_of_the_inventory_and_from_nowhere_else():
    world = city.world()
    for vantage in ("yunyang", "stranger", "shiyan", "maojian"):
        city.listen(world, vantage)

    assert list(agents(world)) == ["maojian", "yunyang"]


def test_what_another_vantage_says_itself_has_no_way_in():
    world = city.world()
    city.listen(world, "maojian", boot="hostile")
    world.heard["maojian"] = {"hostile/check": Heard("hostile", False, "hostile", 0.0, 0.0)}  # noqa: FBT003

    assert "hostile" not in json.dumps(document(world, city.vitals(), city.NOW))


def test_the_event_log_tells_how_it_is():
    vitals = city.vitals()
    vitals.store = StoreVitals("disk full", pending=12, dropped=3, position=4_711, backup_at=city.NOW - 60)
    store = document(city.world(), vitals, city.NOW)["store"]

    assert (store["trouble"], store["pending"], store["dropped"]) == ("disk full", 12, 3)
    assert (store["position"], store["backup_at"], store["reserve"]) == (4_711, city.NOW - 60, True)


def test_a_log_without_a_backup_has_no_time_of_one():
    assert document(city.world(), city.vitals(), city.NOW)["store"]["backup_at"] is None


def test_every_vital_of_the_log_is_told():
    told = document(city.world(), city.vitals(), city.NOW)["store"]

    assert set(told) == {field.name for field in fields(StoreVitals)}


def test_every_key_of_the_log_and_of_a_vantage_is_in_the_documentation():
    world = city.world()
    city.listen(world, "maojian")
    told = document(world, city.vitals(), city.NOW)
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    keys = {*told, *told["store"], *told["agents"][0]}

    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_the_zone_is_told_where_it_is_known():
    zoned = json.loads(b"".join(pieces(city.cut(), city.vitals(), city.NOW, "Asia/Shanghai")))

    assert zoned["timezone"] == "Asia/Shanghai"
    assert "timezone" not in document(city.cut(), city.vitals(), city.NOW)
