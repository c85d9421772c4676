"""told: what is reported to us is believed at the first word, and proves nothing of the way it came."""

from dataclasses import replace

from monitor.core.checks import checks_of
from monitor.core.detection import Belief, Verdict, manner
from monitor.core.diagnosis import Evidence, diagnose
from monitor.core.inventory import Device, Look, Name
from monitor.core.judge import Judge
from monitor.core.learning import Learned
from monitor.core.observation import failed, ok, poor
from monitor.core.report import Told
from monitor.core.topology import topology_of
from monitor.core.world import Reading
from tests.core.town import town

HOW = manner(10.0, None, suspicions_per_year=26, false_alarms_per_year=0.01, told=True)


def judged(*findings):
    """Return the verdict after each finding, a second apart."""
    judge, verdicts = Judge(HOW, Belief(), Learned(), Reading()), []
    for at, finding in enumerate(findings):
        judge.take(finding, float(at), float(at))
        verdicts.append(str(judge.belief.verdict))
    return verdicts


def test_one_word_decides_down_and_degraded_and_a_second_of_good_looks_the_end():
    assert judged(ok(), failed("silent")) == ["up", "down"]
    assert judged(ok(), poor("reported_degraded"), ok()) == ["up", "degraded", "up"]
    assert judged(failed("silent"), ok(), ok(), ok()) == ["down", "down", "down", "up"]


def test_without_being_told_one_miss_decides_nothing():
    judge = Judge(replace(HOW, told=False), Belief(Verdict.UP), Learned(), Reading())
    judge.take(failed("timeout"), 0.0, 0.0)

    assert judge.belief.verdict is Verdict.UP


# What it proves.

JOB = Look("job", "heartbeat", None, 10.0, 5.0, told=Told.BY_THING)
ROLL = Look("roll", "manual", None, 10.0, 5.0, told=Told.BY_PERSON)


def told_town():
    """Return the city with a thing that reports and a radio at `dan`."""
    inventory = town()
    own = tuple(Device("dan", look.name, Name("设备", "device"), "", looks=(look,)) for look in (JOB, ROLL))
    changed = replace(inventory.centers["dan"], devices=inventory.centers["dan"].devices + own)
    return replace(inventory, centers=inventory.centers | {"dan": changed})


def broken(*, told):
    """Return what is broken when two devices of `dan` miss, and a third one reported a second ago, or not."""
    topology = topology_of(told_town(), "city", heard=())
    seen = dict.fromkeys(("city:dan/server/ping", "city:dan/video/web"), Evidence(30.0, 100.0))
    reported = {"city:dan/job/job": Evidence(-12.0, 101.0)} if told else {}
    return diagnose(topology, seen | reported, since=100.0).components


def test_a_good_report_acquits_nothing_that_broke_since():
    assert broken(told=True) == broken(told=False) == ("dan/power",)


def test_a_roll_call_crosses_the_device_alone_and_is_behind_no_network():
    inventory = told_town()
    observations = topology_of(inventory, "city").observations
    check = checks_of(inventory, inventory.vantages["city"])["dan/roll/roll"]

    assert observations["city:dan/roll/roll"].alternatives == (frozenset({"dan/roll"}),)
    assert check.network is None
    assert "dan/city/primary" in frozenset().union(*observations["city:dan/job/job"].alternatives)
