"""witnesses: what we see and what we are told, as evidence; what cannot tell is left out."""

import time

import pytest

from monitor.core.agent import Agent, Presence
from monitor.core.detection import Belief, Verdict, manner
from monitor.core.inventory import Look
from monitor.core.joint import Miss
from monitor.core.learning import Learned
from monitor.core.topology import observation_id, topology_of
from monitor.core.world import Check, World
from monitor.engine.watch import Watch
from monitor.engine.witnesses import Budget, Witnesses, onset
from tests.core.town import town

CITY = topology_of(town(), "city")


@pytest.fixture
def world():
    return World(town(), "city", "boot")


def evidence(world, now):
    witnesses = Witnesses(world, {}, Budget(26.0, 0.01))
    return witnesses.testify(CITY.observations, now).evidence


def test_a_word_proves_nothing_of_what_broke_while_it_was_under_way(world):
    now, clock = time.time(), time.monotonic()
    world.agents["dan"] = Agent("dan", Presence.ONLINE, heard_at=clock)
    heartbeat = evidence(world, now)["dan:heartbeat"]

    assert heartbeat.llr < 0
    assert heartbeat.sent_at == pytest.approx(now - 1.0, abs=0.1)


@pytest.mark.parametrize(("seconds", "shown"), [(1.0, False), (5.5, True), (20.0, True)])
def test_our_own_connection_weighs_the_more_the_longer_it_is_away(world, seconds, shown):
    world.broker_lost_at = time.monotonic() - seconds
    said = Witnesses(world, {}, Budget(26.0, 0.01)).testify(CITY.observations, time.time())
    miss = said.misses["city:broker"]

    assert (miss.score >= miss.suspect) is shown
    assert (miss.score >= miss.confirm) is (seconds > 10.0)


def test_a_connection_that_is_there_proves_little(world):
    assert -2.0 < evidence(world, time.time())["city:broker"].llr < 0.0


@pytest.mark.parametrize(("good", "answers"), [(0, False), (1, True)])
def test_what_is_down_and_begins_to_answer_proves_only_what_it_has_got_past(world, good, answers):
    check = Check("dan/city/primary/icmp", "dan/city/primary", Look("icmp", "icmp", None, 1.0, 1.0))
    how = manner(1.0, None, suspicions_per_year=26.0, false_alarms_per_year=0.01)
    belief = Belief(Verdict.DOWN, since=90.0, reason="timeout", good=good)
    watch = Watch(check, how, mark="", belief=belief, learned=Learned())
    watch.reading.last_at = 100.0
    said = Witnesses(world, {check.id: watch}, Budget(26.0, 0.01)).testify(CITY.observations, 101.0)
    name = observation_id("city", check.id)

    assert (name in said.answering, name in said.misses, name in said.evidence) == (
        answers,
        not answers,
        not answers,
    )


def test_one_old_miss_does_not_make_a_fault_old():
    misses = [Miss(12.0, began, 200.0, 6.0, 12.0) for began in (100.0, 190.0, 190.5, 191.0)]

    assert onset(misses) == 190.0
