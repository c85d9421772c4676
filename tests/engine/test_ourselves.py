"""ourselves: what is wrong with us is an alarm of its own, once it lasts, until it has been away a while."""

from datetime import UTC, time

import pytest

from monitor.core.alarm import Address, Area
from monitor.core.planned import Span
from monitor.core.vitals import OutputVitals
from monitor.engine.ourselves import OVER, OVERDUE, WELL_EVERY, Ourselves
from monitor.engine.proving import Proving
from monitor.kit.courier import Fate, Receipt
from tests.engine.duty_ground import Sink, room


class Patient(Ourselves):
    """Ourselves, looked at when the test says so."""

    def __init__(self, built, gaps=(), well=None):
        self.built, self.offset = built, 0.0
        super().__init__(
            built.world,
            built.vitals,
            built.alarms,
            lambda: gaps,
            UTC,
            lambda: built.clock() + self.offset,
            well=well,
        )

    def after(self, seconds):
        """Let time pass, look, and return what is open: the end of each name."""
        self.built.shift += seconds
        self.built.alarms.looked_at = self.built.clock()
        self.look()
        alarms = self.built.alarms.desk.alarms.values()
        return [alarm.subject for alarm in alarms if alarm.closed_at is None]


async def test_a_disk_that_cannot_be_written_is_told_when_it_lasts_and_over_when_it_is():
    hall = Sink()
    async with room({"hall": hall.open(Address.NONE)}) as built:
        patient = Patient(built)
        built.vitals.store.trouble = "no space left on the disk"
        assert patient.after(0) == []
        assert patient.after(4) == ["own/store"]
        await hall.until(1)
        built.vitals.store.trouble = ""
        assert patient.after(1) == ["own/store"]
        assert patient.after(OVER) == []
        await hall.until(2)

    assert "无法把事件写入磁盘，暂存内存（磁盘空间不足）" in hall.brought[0].short
    assert hall.brought[1].text.startswith("本监控程序（丹江口）")
    assert "已排除" in hall.brought[1].text


async def test_what_comes_and_goes_is_told_once():
    async with room({"hall": Sink().open(Address.NONE)}) as built:
        patient = Patient(built)
        seen = []
        for _ in range(6):
            built.vitals.reload_ok = False
            seen += patient.after(5)
            built.vitals.reload_ok = True
            seen += patient.after(5)
        names = {alarm.id for alarm in built.alarms.desk.alarms.values()}

    assert set(seen) == {"own/config"}
    assert len(names) == 1


@pytest.mark.parametrize(
    ("name", "own", "subject"),
    [
        ("channel-sms", OutputVitals(connected=False, trouble="busy"), "own/output-channel-sms"),
        ("mqtt", OutputVitals(connected=True, trouble="certificate ends in 3 days"), "own/doubt-mqtt"),
        (
            "report/city",
            OutputVitals(connected=True, trouble="no collecting daemon acknowledges our log"),
            "own/neighbour-report/city",
        ),
    ],
)
async def test_a_peer_that_is_away_is_told_after_a_while(name, own, subject):
    async with room({"hall": Sink().open(Address.NONE)}) as built:
        patient = Patient(built)
        built.vitals.outputs[name] = own
        assert patient.after(5) == []
        assert patient.after(61) == [subject]
        assert built.alarms.desk.alarms.popitem()[1].area is Area.OURSELVES


async def test_a_clock_that_is_set_is_told_and_moves_no_plan():
    async with room({"hall": Sink().open(Address.NONE)}) as built:
        patient = Patient(built)
        patient.offset = 3600.0
        assert patient.after(1) == ["own/clock"]
        (alarm,) = built.alarms.desk.alarms.values()

    assert "3600" in alarm.facts["sentence"]["zh"]


async def test_a_gap_in_the_roster_is_told_before_it_comes():
    async with room({"hall": Sink().open(Address.NONE)}) as built:
        gap = Span(1_800_086_400.0, 1_800_090_000.0)
        assert Patient(built, (gap, gap)).after(0) == ["own/roster"]
        (alarm,) = built.alarms.desk.alarms.values()

    assert "01-16 08:00 - 01-16 09:00 (+1)" in alarm.facts["sentence"]["en"]


async def test_alarms_that_do_not_go_on_are_seen_by_the_auditor():
    async with room({"hall": Sink().open(Address.NONE)}) as built:
        patient = Patient(built)
        built.happens()
        (alarm,) = built.alarms.desk.alarms.values()
        assert patient.standstill() == ""
        # The part that goes through the plans is broken: what is due stays undone.
        built.alarms.desk.turn = lambda *_: None
        built.alarms.desk.alarms[alarm.id] = alarm_due(alarm, built.clock())
        built.shift += OVERDUE + 1
        built.alarms.looked_at = built.clock()

        assert alarm.id in patient.standstill()
        assert "own/alarms" in patient.after(0)
        built.shift += 100
        assert patient.standstill() == "nobody looks at what is due"


def alarm_due(alarm, now):
    return type(alarm)(**{name: getattr(alarm, name) for name in alarm.__slots__} | {"due_at": now})


@pytest.mark.parametrize(
    ("answer", "failed"),
    [(Receipt(Fate.TAKEN), ""), (Receipt(Fate.REFUSED, "no such number"), "sms: no such number")],
)
async def test_the_routine_test_has_to_arrive_and_says_nothing_more(answer, failed):
    sms = Sink(answers=[answer])
    async with room({"sms": sms.open(Address.PHONE)}) as built:
        patient = Patient(built)
        proving = Proving(built.alarms, patient, ["sms"], time(8, 30), UTC, built.clock, patience=1.0)
        assert (await proving.prove()).startswith(failed)
        assert built.alarms.desk.alarms == {}
        assert patient.after(0) == (["own/proof"] if failed else [])
        assert all(message.short.startswith("【演练】告警渠道例行测试") for message in sms.brought[:2])


async def test_what_an_earlier_run_told_of_itself_is_over_once_it_is_seen_to_be(tmp_path):
    async with room({"hall": Sink().open(Address.NONE)}, tmp_path) as built:
        built.vitals.reload_ok = False
        assert Patient(built).after(0) == ["own/config"]
    async with room({"hall": Sink().open(Address.NONE)}, tmp_path) as built:
        patient = Patient(built)
        patient.take_up()
        assert patient.after(1) == ["own/config"]
        assert patient.after(OVER) == []


async def test_where_another_daemon_acknowledges_us_it_is_said_now_and_then_that_we_are_well():
    async with room({"hall": Sink().open(Address.NONE)}) as built:
        said = []
        patient = Patient(built, well=lambda: said.append(built.clock()))
        for _ in range(4):
            patient.after(WELL_EVERY / 2)

    assert len(said) == 2
