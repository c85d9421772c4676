"""The metrics: a view of the world, the same in every rendering, with no series left behind."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.registry import CollectorRegistry

from monitor.core.agent import Agent, Presence
from monitor.core.alarm import Answer, Notice, Rung, What
from monitor.core.health import Health
from monitor.core.observation import failed, ok, unknown
from monitor.core.vitals import OutputVitals, StoreVitals
from monitor.outputs.prometheus import FAMILIES, Metrics, Options
from monitor.outputs.prometheus.agents import PRESENCES
from monitor.outputs.prometheus.collector import ViewCollector
from monitor.outputs.prometheus.family import Type
from monitor.outputs.prometheus.health import CODES
from monitor.outputs.prometheus.incidents import MOST
from monitor.outputs.prometheus.labels import Labels
from monitor.outputs.prometheus.text import Format, negotiate
from tests.board import city

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
"""What these versions of Prometheus send."""
ALL_VALUES = Options(values=True)


async def page(metrics, accept=""):
    _, slices = metrics(accept)
    return b"".join([piece async for piece in slices]).decode()


def metrics_of(world, options=None, vitals=None):
    epoch = city.NOW - city.MONOTONIC
    return Metrics(lambda: world, vitals or city.vitals(), options, epoch=lambda: epoch)


def rendered(world, accept="", options=None, vitals=None):
    return asyncio.run(page(metrics_of(world, options, vitals), accept))


def samples(text, read=read_text):
    """Read a page as {(name, labels): value}."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in read(text)
        for sample in family.samples
        if sample.name.startswith("command_monitor_")
    }


def of(text, name, /, **labels):
    """Give the values of all samples called *name* that have these labels."""
    wanted = set(labels.items())
    return [value for (found, has), value in samples(text).items() if found == name and wanted <= has]


def both_renderings(world, options):
    metrics = metrics_of(world, options)
    registry = CollectorRegistry()
    registry.register(ViewCollector(metrics.families, metrics.view))
    return metrics, registry


@pytest.mark.parametrize("options", [None, ALL_VALUES], ids=["usual", "all values"])
@pytest.mark.parametrize(
    ("accept", "read", "generate"),
    [("text/plain", read_text, generate_latest), (OPENMETRICS, read_openmetrics, generate_openmetrics)],
    ids=["text", "openmetrics"],
)
def test_the_fast_page_and_the_collector_say_the_same(accept, read, generate, options):
    metrics, registry = both_renderings(gathering(), options)
    fast = list(read(asyncio.run(page(metrics, accept))))
    slow = list(read(generate(registry).decode()))
    ours = [family for family in fast if family.name.startswith("command_monitor")]

    assert ours == slow


def test_openmetrics_is_read_by_the_strict_parser_and_ends_as_it_should():
    text = rendered(city.cut(), OPENMETRICS, ALL_VALUES)

    assert text.endswith("# EOF\n")
    assert "# UNIT command_monitor_check_rtt_seconds seconds\n" in text
    assert samples(text, read_openmetrics) == samples(rendered(city.cut(), "", ALL_VALUES))


@given(value=st.text(min_size=1))
@settings(max_examples=300, deadline=None)
@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_any_name_that_a_configuration_can_hold_comes_back_as_it_was(value, accept):
    world = city.world({"x": city.Name(value, "X")})
    read = read_openmetrics if accept is OPENMETRICS else read_text
    names = {dict(has).get("name") for (_, has), _ in samples(rendered(world, accept), read).items()}

    assert value in names


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.text(), max_size=4))
def test_labels_with_an_empty_value_are_left_out(pairs):
    labels = Labels(pairs.items())

    assert dict(labels.pairs) == {name: value for name, value in pairs.items() if value}


@pytest.mark.parametrize(
    ("accept", "format_"),
    [
        ("", Format.PROMETHEUS),
        ("*/*", Format.PROMETHEUS),
        ("text/html, */*;q=0.1", Format.PROMETHEUS),
        ("text/plain;version=0.0.4", Format.PROMETHEUS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", Format.OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4;q=0.1", Format.PROMETHEUS),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", Format.PROMETHEUS),
        ("application/openmetrics-text;q=0", Format.PROMETHEUS),
        ("application/openmetrics-text;q=nonsense;;,,=", Format.PROMETHEUS),
        (
            PROMETHEUS_2,
            Format.OPENMETRICS,
        ),
        (
            PROMETHEUS_3,
            Format.OPENMETRICS,
        ),
    ],
)
def test_the_scraper_chooses_the_format(accept, format_):
    assert negotiate(accept) is format_


@pytest.mark.parametrize("kind", ["icmp", "http"])
@pytest.mark.parametrize(
    "finding",
    [
        ok(rtt=0.1, tls_expiry=city.NOW, first_byte=0.1, status=200.0),
        failed("certificate_expired", rtt=0.1, tls_expiry=city.NOW),
        unknown("name_resolution"),
    ],
    ids=["ok", "failed", "unknown"],
)
def test_no_check_has_more_than_ten_series(kind, finding):
    world = city.world()
    for before in (ok(rtt=0.1), failed("timeout"), unknown("own_lag")):
        check = city.watch(world, "maojian/router", kind, before)
    reading = world.readings[check.id]
    reading.finding, reading.failed, reading.unknown, reading.rtt_sum, reading.rtt_count = (
        finding,
        3,
        3,
        1.0,
        9,
    )
    reading.rtt = 0.1
    counts = Counter(dict(has).get("check") for _, has in samples(rendered(world)))

    assert 6 < counts[check.id] <= 10


def test_success_is_absent_while_we_could_not_look():
    world = city.world()
    check = city.watch(world, "maojian/router", "icmp", unknown("name_resolution"))
    text = rendered(world)

    assert of(text, "command_monitor_check_success", check=check.id) == []
    assert of(text, "command_monitor_check_belief", check=check.id) == [CODES["unknown"]]
    assert of(
        text,
        "command_monitor_check_trouble_info",
        check=check.id,
        outcome="unknown",
        reason="name_resolution",
    ) == [1]


def test_open_incidents_are_counted_by_kind_and_stage_those_that_there_are_none_of_too():
    text = rendered(city.blamed())

    assert of(text, "command_monitor_incidents", kind="power", stage="confirmed") == [1]
    assert of(text, "command_monitor_incidents", kind="circuit", stage="suspected") == [1]
    assert of(text, "command_monitor_incidents", kind="broker", stage="recovering") == [0]
    assert sum(of(text, "command_monitor_incidents")) == 3


def test_an_open_incident_is_told_with_whom_to_call():
    world = city.blamed()
    name = next(n for n, one in world.incidents.items() if one.component == "yunyang/province/primary")
    text = rendered(world)
    told = {"incident": name, "component": "yunyang/province/primary", "kind": "circuit", "center": "yunyang"}

    assert of(text, "command_monitor_incident_since_timestamp_seconds", **told) == [city.NOW - 90]
    assert of(text, "command_monitor_incident_confidence_ratio", **told) == [0.99]
    assert of(text, "command_monitor_incident_affected", **told) == [1]
    assert of(
        text,
        "command_monitor_incident_info",
        **told,
        stage="confirmed",
        name="郧阳区至省网主用电路",
        carrier="中国电信",
        number="SY-yun-province",
        hotline="10000",
    ) == [1]


def test_planned_work_can_be_told_from_a_fault():
    world = city.world()
    city.blame(world, "yunyang/power", planned=True)
    city.blame(world, "maojian/power")
    text = rendered(world)

    assert of(text, "command_monitor_incident_info", planned="true", center="yunyang") == [1]
    assert of(text, "command_monitor_incident_info", planned="true", center="maojian") == []


def test_a_flood_of_incidents_is_counted_and_told_in_part():
    world = city.world()
    name = city.blame(world, "yunyang/power")
    for number in range(1_000):
        world.stories[f"i{number}"] = replace(
            world.stories[name], incident=replace(world.incidents[name], id=f"i{number}")
        )
    text = rendered(world)

    assert of(text, "command_monitor_incidents", kind="power", stage="confirmed") == [1_001]
    assert len(of(text, "command_monitor_incident_info")) == MOST


def test_an_incident_that_is_closed_leaves_no_series_and_stays_counted():
    world, vitals = city.blamed(), city.vitals()
    world.incidents.clear()
    world.stories.clear()
    vitals.incidents_confirmed["power"] = 2
    vitals.incidents_withdrawn["circuit"] = 1
    text = rendered(world, vitals=vitals)

    assert "incident=" not in text
    assert of(text, "command_monitor_incidents_confirmed_total", kind="power") == [2]
    assert of(text, "command_monitor_incidents_confirmed_total", kind="circuit") == [0]
    assert of(text, "command_monitor_incidents_withdrawn_total", kind="circuit") == [1]


def test_a_check_that_was_never_looked_at_is_unknown_and_nothing_else():
    world = city.world()
    check = city.watch(world, "maojian/router", "icmp", ok(rtt=0.1))
    del world.readings[check.id], world.beliefs[check.id]
    told = {
        name: value for (name, has), value in samples(rendered(world)).items() if ("check", check.id) in has
    }

    assert told["command_monitor_check_belief"] == -1
    assert set(told) == {"command_monitor_check_belief", "command_monitor_check_looks_total"}


def test_the_reason_exists_only_while_the_check_fails():
    world = city.cut()
    name, subject = "command_monitor_check_trouble_info", "danjiangkou/city/primary"
    before = of(rendered(world), name, subject=subject, reason="timeout", outcome="failed")
    city.watch(world, subject, "icmp", ok(rtt=0.1))

    assert before == [1]
    assert of(rendered(world), name, subject=subject) == []


def test_a_peers_text_is_no_label():
    world = city.world()
    hostile = 'x"} 1\nevil_metric 1 # '
    city.watch(world, "maojian/router", "icmp", failed(hostile, hostile, **{hostile: 1.0}))
    text = rendered(world, options=ALL_VALUES)

    assert "evil" not in text
    assert of(text, "command_monitor_check_trouble_info", reason="other") == [1]
    assert of(text, "command_monitor_check_value", subject="maojian/router") == []


def test_a_circuit_says_how_a_call_over_it_would_be_and_how_much_worse_it_has_become():
    world = city.world()
    city.worsen(world, "maojian/city/primary")
    text = rendered(world)

    assert of(text, "command_monitor_circuit_mos", subject="maojian/city/primary") == [2.63]
    assert of(text, "command_monitor_circuit_fit_for_video", subject="maojian/city/primary") == [0]
    assert of(text, "command_monitor_circuit_mos", subject="maojian/city/backup") == []
    assert of(text, "command_monitor_severity", subject="maojian/city/primary") == [2]
    assert set(of(text, "command_monitor_severity", kind="center")) == {0}


def test_a_check_that_is_gone_leaves_no_series():
    world = city.cut()
    metrics = Metrics(lambda: world, city.vitals())
    before = asyncio.run(page(metrics))
    for things in (world.checks, world.readings, world.beliefs, world.statuses):
        for key in [key for key in things if key.startswith("danjiangkou")]:
            del things[key]
    after = asyncio.run(page(metrics))

    assert "danjiangkou" in before
    assert "danjiangkou" not in after


def test_another_inventory_brings_its_own_names():
    world = city.world()
    metrics = Metrics(lambda: world, city.vitals())
    asyncio.run(page(metrics))
    world.inventory = city.inventory({**city.NAMES, "maojian": city.Name("新名", "New")})
    after = asyncio.run(page(metrics))

    assert of(after, "command_monitor_subject_info", subject="maojian", name="新名") == [1]


async def test_a_world_that_changes_under_a_scrape_breaks_nothing():
    world = city.grown(2_000)
    _, slices = Metrics(lambda: world, city.vitals())("")
    pieces = [await anext(slices)]
    for things in (world.checks, world.readings, world.beliefs, world.statuses):
        things.clear()
    pieces += [piece async for piece in slices]

    assert samples(b"".join(pieces).decode())


def test_each_circuit_link_and_center_says_how_it_is_and_since_when():
    text = rendered(city.cut())
    place = {"kind": "circuit", "center": "yunyang", "network": "province", "role": "primary"}

    assert of(text, "command_monitor_health", subject="yunyang/province/primary", **place) == [3]
    assert of(text, "command_monitor_health", kind="link", center="yunyang", network="province") == [1]
    assert of(text, "command_monitor_health", kind="center", center="danjiangkou") == [3]
    assert of(text, "command_monitor_health", subject="network/city", kind="network", network="city") == [0]
    assert of(text, "command_monitor_health", subject="danjiangkou/router", kind="device") == [-1]
    assert of(text, "command_monitor_health_since_timestamp_seconds", subject="danjiangkou") == [
        city.NOW - 90
    ]
    assert of(text, "command_monitor_suspected", subject="maojian/city/primary") == [1]


def test_a_link_says_which_circuit_carries_it():
    text = rendered(city.cut())
    active = {
        role: of(text, "command_monitor_link_active", subject="yunyang/province", role=role)
        for role in ("primary", "backup")
    }

    assert active == {"primary": [0], "backup": [1]}


def test_a_circuit_tells_whom_to_call():
    told = {"name": "郧阳区 省网", "carrier": "中国电信", "number": "SY-yun-province", "hotline": "10000"}

    text = rendered(city.cut())

    assert of(text, "command_monitor_subject_info", subject="yunyang/province/primary", **told) == [1]


def test_the_certificates_end_is_told_where_there_is_one():
    expiry = of(rendered(city.world()), "command_monitor_check_tls_expiry_timestamp_seconds")

    assert expiry == [city.NOW + 1e6] * 4


def test_the_daemon_tells_how_it_is_itself():
    vitals = city.vitals()
    vitals.reload_ok = False
    text = rendered(city.world(), vitals=vitals)

    assert of(text, "command_monitor_output_connected", output="mqtt") == [1]
    assert of(text, "command_monitor_output_delivered_total", output="mqtt") == [17]
    assert of(text, "command_monitor_config_last_reload_successful") == [0]
    assert of(text, "command_monitor_loop_lag_seconds_bucket", le="0.01") == [98]
    assert of(text, "command_monitor_loop_lag_seconds_count") == [99]
    assert of(text, "command_monitor_vantage_info", vantage="shiyan", city="十堰市") == [1]
    assert "process_resident_memory_bytes" in text
    assert "python_gc_collections_total" in text


def test_the_log_that_can_be_written_is_healthy_with_nothing_to_say():
    text = rendered(city.world())

    assert of(text, "command_monitor_store_healthy") == [1]
    assert of(text, "command_monitor_store_backup_successful") == [1]
    assert of(text, "command_monitor_store_reserve_ready") == [1]
    assert of(text, "command_monitor_store_notice") == [0]


def test_the_log_tells_its_troubles_and_how_far_it_is():
    vitals = city.vitals()
    vitals.store = StoreVitals(
        trouble="disk full",
        notice="a backup took the place of a damaged file",
        pending=12,
        dropped=3,
        recorded=40,
        commits=8,
        commit_seconds=0.004,
        position=4_711,
        size=65_536,
        backup_at=city.NOW - 60,
        backup_trouble="read-only",
        reserve=False,
    )
    told = {name: value for (name, _), value in samples(rendered(city.world(), vitals=vitals)).items()}
    store = {
        name.removeprefix("command_monitor_store_"): value
        for name, value in told.items()
        if "_store_" in name
    }

    assert store == {
        "healthy": 0,
        "notice": 1,
        "pending": 12,
        "dropped_total": 3,
        "recorded_total": 40,
        "commits_total": 8,
        "last_commit_seconds": 0.004,
        "position": 4_711,
        "size_bytes": 65_536,
        "last_backup_timestamp_seconds": city.NOW - 60,
        "backup_successful": 0,
        "reserve_ready": 0,
    }
    assert "disk full" not in rendered(city.world(), vitals=vitals)


def gathering():
    """Give a city with incidents, in which two other vantages are heard and a third is not."""
    world = city.blamed()
    city.listen(world, "maojian", clock_offset=-3.5, backlog=7, gathered=40, repeated=5, refused=2)
    city.listen(world, "danjiangkou", Presence.SILENT, since=city.NOW - 95, duplicate=True, quarantined=True)
    world.agents["yunyang"] = Agent("yunyang")
    city.believe(world, "maojian", up=3, down=1)
    return world


def of_agent(text, agent):
    """Give what is told of one agent, by the end of the name and, after a slash, the verdict counted."""
    return {
        f"{name.removeprefix('command_monitor_agent_')}/{dict(has).get('verdict', '')}".rstrip("/"): value
        for (name, has), value in samples(text).items()
        if ("agent", agent) in has
    }


def test_another_vantage_is_told_with_all_that_is_known_of_it():
    told = of_agent(rendered(gathering()), "maojian")

    assert told == {
        "presence": 0,
        "presence_since_timestamp_seconds": city.NOW - 7_200,
        "last_heard_timestamp_seconds": city.NOW - 1.5,
        "clock_offset_seconds": -3.5,
        "backlog": 7,
        "beliefs/up": 3,
        "beliefs/down": 1,
        "beliefs/degraded": 0,
        "beliefs/unknown": 0,
        "gathered_total": 40,
        "repeated_total": 5,
        "refused_total": 2,
        "duplicate": 0,
        "quarantined": 0,
        "info": 1,
    }


def test_a_silent_vantage_is_neither_online_nor_down_and_holds_no_belief():
    text = rendered(gathering())
    told = of_agent(text, "danjiangkou")

    assert (told["presence"], told["duplicate"], told["quarantined"]) == (2, 1, 1)
    assert of(text, "command_monitor_agent_beliefs", agent="danjiangkou") == [0, 0, 0, 0]


def test_of_a_vantage_never_heard_no_time_and_no_clock_is_told():
    told = of_agent(rendered(gathering()), "yunyang")

    assert told["presence"] == -1
    assert not [name for name in told if "timestamp" in name or "clock" in name]


def test_another_vantage_is_joined_with_its_name_and_center():
    name = {"agent": "maojian", "center": "maojian", "name": "茅箭区", "name_en": "Maojian"}

    assert of(rendered(gathering()), "command_monitor_agent_info", **name) == [1]


def test_every_presence_has_a_number_of_its_own():
    assert set(PRESENCES) == set(Presence)
    assert len(set(PRESENCES.values())) == len(PRESENCES)


def test_a_daemon_that_listens_to_nobody_has_no_series_of_agents():
    assert "command_monitor_agent_presence{" not in rendered(city.world())


def test_nobody_makes_series_by_calling_himself_a_vantage_or_inventing_verdicts():
    world = gathering()
    for name in ('x"} 1\nevil_metric 1 # ', "evil", "shiyan"):
        world.agents[name] = replace(world.agents["maojian"], vantage=name)
    city.believe(world, "maojian", evil=4)
    text = rendered(world)
    agents = {dict(has)["agent"] for (_, has), _ in samples(text).items() if "agent" in dict(has)}

    assert agents == {"maojian", "danjiangkou", "yunyang"}
    assert "evil" not in text


def test_a_vantage_that_a_reload_removed_leaves_no_series():
    world = gathering()
    metrics = metrics_of(world)
    before = asyncio.run(page(metrics))
    world.inventory = city.inventory({name: city.NAMES[name] for name in ("danjiangkou", "yunyang")})
    after = asyncio.run(page(metrics))

    assert 'agent="maojian"' in before
    assert 'agent="maojian"' not in after
    assert 'agent="danjiangkou"' in after


def test_every_health_has_a_number_of_its_own():
    assert set(CODES) == set(Health)
    assert len(set(CODES.values())) == len(CODES)


def test_the_labels_of_every_sample_are_those_declared():
    metrics = metrics_of(gathering(), ALL_VALUES)
    view = metrics.view()
    undeclared = {
        (family.name, name)
        for family in FAMILIES
        for _, labels, ending, _ in family.samples(view)
        for name, _ in labels.pairs + ending.pairs
        if name not in family.labels
    }

    assert undeclared == set()


def test_names_are_by_the_rules():
    for family in FAMILIES:
        assert family.name.startswith("command_monitor_")
        assert not family.unit or family.name.endswith(f"_{family.unit}")
        assert not family.name.endswith(("_total", "_info", "_sum", "_count", "_bucket"))
        assert family.help.endswith(".")
        assert family.type in set(Type)


def test_the_registry_of_our_own_holds_it_all():
    text = generate_latest(metrics_of(gathering()).registry()).decode()

    assert samples(text) == samples(rendered(gathering()))
    assert "process_resident_memory_bytes" in text


def test_alarms_are_counted_by_severity_and_answer_and_the_oldest_that_nobody_answers_is_told():
    it = city.alarmed(city.blamed())
    (first, *others), began = list(it.alarms.values()), city.NOW - 90
    answered = replace(first, answer=Answer("zhang", "sms", city.NOW))
    drill = replace(first, id="drill", drill=True, opened_at=0.0)
    over = replace(first, id="over", closed_at=city.NOW)
    it.alarms = {one.id: one for one in (answered, *others, drill, over)}
    told = samples(rendered(it))
    counts = {
        dict(labels)["answered"]: value
        for (name, labels), value in told.items()
        if name == "command_monitor_alarms"
        and ("severity", "critical") in labels
        and ("area", "circuit") in labels
    }
    oldest = "command_monitor_alarm_oldest_unanswered_timestamp_seconds"

    assert counts == {"true": 1, "false": 2}
    assert told[oldest, frozenset({("severity", "critical")})] == began
    assert len([1 for name, _ in told if name == oldest]) == 1


def test_notices_are_counted_by_channel_and_rung_also_of_a_channel_that_has_none():
    it, vitals = city.alarmed(city.blamed()), city.vitals()
    vitals.outputs |= {"channel-sms": OutputVitals(), "channel-mail": OutputVitals()}
    waiting = Notice("a/1", "a", What.ALARM, "zhang", "sms", city.NOW - 30)
    it.notices = {"a": {"1": waiting, "2": replace(waiting, id="a/2", rung=Rung.DELIVERED)}}
    told = samples(rendered(it, vitals=vitals))
    counts = {
        (dict(labels)["channel"], dict(labels)["rung"]): value
        for (name, labels), value in told.items()
        if name == "command_monitor_notices" and value
    }

    assert counts == {("sms", "composed"): 1, ("sms", "delivered"): 1}
    assert told["command_monitor_notices", frozenset({("channel", "mail"), ("rung", "composed")})] == 0
    waiting_since = "command_monitor_notice_oldest_waiting_timestamp_seconds"
    assert told[waiting_since, frozenset({("channel", "sms")})] == city.NOW - 30
