"""pulse: it stands still if looks or records do, and not because somebody else is away."""

from monitor.core.vitals import Vitals
from monitor.engine.pulse import PATIENCE, Pulse


class Life:
    """A daemon of which each part moves or not."""

    def __init__(self):
        self.vitals, self.now = Vitals(), 0.0
        self.pulse = Pulse(self.vitals)

    def lives(self, seconds, shortest=1.0, *, looks=True, commits=True, ticks=True):
        """Return what stood still in the end."""
        said = ""
        for _ in range(int(seconds / 10)):
            self.now += 10.0
            self.vitals.ticks += ticks
            self.vitals.looks += looks
            self.vitals.store.commits += commits
            said = self.pulse.standstill(self.now, shortest)
        return said


def test_what_looks_and_records_moves():
    assert Life().lives(1000) == ""


def test_a_beat_that_has_stopped_is_seen_at_once():
    life = Life()
    life.lives(20)

    assert life.lives(10, ticks=False) == "the beat of the looks"


def test_no_looks_for_a_minute_is_a_standstill_unless_they_are_that_rare():
    assert Life().lives(PATIENCE + 20, looks=False) == "the looks"
    assert Life().lives(PATIENCE + 20, 60.0, looks=False) == ""
    assert Life().lives(PATIENCE + 20, None, looks=False) == ""


def test_nothing_recorded_for_a_minute_is_one_unless_the_disk_is_known_to_be_bad():
    life = Life()
    assert life.lives(PATIENCE + 20, commits=False) == "the log of events"
    life.vitals.store.trouble = "no space left"
    assert life.lives(PATIENCE + 20, commits=False) == ""


def test_what_moves_again_is_well_again():
    life = Life()
    life.lives(PATIENCE + 20, looks=False)

    assert life.lives(10) == ""
