"""duty desk: times without anybody on duty are told ahead, each once, and by name is told who is there."""

from datetime import UTC, date, datetime, time

from monitor.core.inventory import Name
from monitor.core.roster import Officer, Roster, Rota
from monitor.engine.duty import MOST, DutyDesk

PEOPLE = {name: Officer(name, name) for name in ("zhang", "wang")}
ALL_DAY = Rota("r", Name("班", "shift"), time(0), time(0), (("zhang",),), date(2026, 1, 1))
HALF = Rota("r", Name("班", "shift"), time(0), time(12), (("zhang",),), date(2026, 1, 1))
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


class Desk(DutyDesk):
    """A desk whose clock the test moves, and what it told."""

    def __init__(self, roster):
        self.now, self.told = NOON, []
        super().__init__(roster, UTC, lambda: self.now)
        self.tell = lambda what, **data: self.told.append((what, data))


def roster(*rotas):
    return Roster(PEOPLE, ("wang",), rotas)


def test_a_roster_that_leaves_no_gap_is_no_news():
    desk = Desk(roster(ALL_DAY))
    desk.look_ahead()

    assert desk.told == []
    assert desk.names() == ["zhang"]


def test_each_gap_is_told_once_with_its_times_and_new_ones_as_they_come_near():
    desk = Desk(roster(HALF))
    desk.look_ahead()
    first = list(desk.told)
    for hour in range(24):
        desk.now = NOON + hour * 3600.0
        desk.look_ahead()

    assert len(first) == MOST
    assert first[0][0] == "duty_gap"
    assert first[0][1]["sentence"]["zh"] == "11-24 12:00 至 11-25 00:00 无人值班。"
    assert len(desk.told) == MOST + 1


def test_the_leader_is_named_where_nobody_is_on_duty():
    assert Desk(roster(HALF)).names() == ["wang"]


def test_another_roster_is_looked_at_at_once():
    desk = Desk(roster(ALL_DAY))
    desk.look_ahead()
    desk.adopt(roster(HALF))

    assert len(desk.told) == MOST


def test_without_a_roster_there_is_nothing_to_tell():
    desk = Desk(Roster())
    desk.look_ahead()

    assert (desk.told, desk.names()) == ([], [])
