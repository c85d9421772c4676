"""Roll call: silence is missing evidence, told once, and of all together only as our own trouble."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.agent import Agent, Presence, Track
from monitor.core.rollcall import Hush, Silence, after, fallen, hushed, silence
from tests.core.agent_ground import VALID_FOR, WALL, Ear


def online(vantage, heard_at, valid_for=VALID_FOR, **known):
    agent = Agent(vantage, Presence.ONLINE, boot="b", heard_at=heard_at, valid_for=valid_for)
    return replace(Track(agent), **known)


def test_nobody_is_silent_before_its_time():
    assert silence([online("a", 10), online("b", 12)], 39.9, since=0) == Silence()


def test_one_that_is_overdue_while_another_speaks_is_silent_on_its_own():
    assert silence([online("a", 10), online("b", 39)], 40, since=0) == Silence(("a",))


def test_the_only_one_is_silent_on_its_own():
    assert silence([online("a", 10)], 40, since=0) == Silence(("a",))


def test_all_that_fall_silent_within_a_heartbeat_do_so_together():
    tracks = [online("a", 10), online("b", 14), online("c", 19)]

    waiting = [silence(tracks, now, since=0) for now in (40, 44, 48.9)]
    found = silence(tracks, 49, since=0)

    assert waiting == [Silence()] * 3
    assert found == Silence(("a", "b", "c"), together=True)


def test_one_is_not_waited_for_longer_than_a_heartbeat_and_a_little():
    tracks = [online("a", 10), online("slow", 10, valid_for=3600)]

    found = silence(tracks, 40 + 15, since=0)

    assert found == Silence(("a",))


def test_a_will_halves_no_more_than_the_patience_to_one_heartbeat():
    track = online("a", 10, lost_at=12.0)

    early, late = silence([track], 21.9, since=0), silence([track], 22, since=0)

    assert early == Silence()
    assert late == Silence(("a",))


def test_a_will_says_little_of_one_who_is_pushed_off_the_broker_by_its_double():
    track = online("a", 10, lost_at=12.0)
    doubled = replace(track, agent=replace(track.agent, duplicate=True))

    assert silence([doubled], 39, since=0) == Silence()


def test_after_a_will_anybody_who_spoke_since_proves_that_it_is_alone():
    tracks = [online("a", 10, lost_at=12.0), online("b", 13)]

    assert silence(tracks, 22, since=0) == Silence(("a",))


def test_nobody_is_judged_for_a_time_in_which_we_could_not_hear():
    tracks = [online("a", 10), online("b", 12)]

    early = silence(tracks, 60 + VALID_FOR - 1, since=60)
    late = silence(tracks, 60 + VALID_FOR, since=60)

    assert early == Silence()
    assert late.together


def test_nobody_is_judged_before_we_hear_at_all():
    assert silence([online("a", 10)], 1e6, since=float("inf")) == Silence()


def test_one_that_we_have_begun_to_listen_to_is_given_its_time():
    track = online("a", 10, listened_at=100.0)

    assert silence([track], 129, since=0) == Silence()


def test_one_that_was_never_heard_is_not_missed():
    assert silence([Track(Agent("a"))], 1e6, since=0) == Silence()


def test_one_that_was_there_in_an_earlier_run_of_ours_is_missed():
    ear = Ear("a", boots=("b1",))

    found = silence([ear.track], VALID_FOR, since=0)
    step = fallen(ear.track, VALID_FOR, WALL)

    assert found == Silence(("a",))
    assert step.told == (("agent_silent", {}),)


def test_one_that_we_do_not_listen_to_is_not_judged():
    track = online("a", 10)
    shut = replace(track, agent=replace(track.agent, quarantined=True))

    assert silence([shut], 1e6, since=0) == Silence()


def test_one_that_said_farewell_is_not_missed():
    track = online("a", 10)
    gone = replace(track, agent=replace(track.agent, presence=Presence.STOPPED))

    assert silence([gone], 1e6, since=0) == Silence()


def test_silence_is_told_with_its_length_and_since_the_last_word():
    step = fallen(online("a", 10), 41, WALL + 41)

    assert step.told == (("agent_silent", {"seconds": 31}),)
    assert step.track.agent.since == WALL + 10


class TestAHush:
    """All agents silent together: told once when it begins and once when it is over."""

    def setup_method(self):
        self.ears = {name: Ear(name) for name in "abc"}
        for ear in self.ears.values():
            ear.beat(10)
            ear.take(fallen(ear.track, 45, WALL + 45, together=True))
        self.hush = hushed(self.tracks(), 45)

    def tracks(self):
        return [ear.track for ear in self.ears.values()]

    def after(self, now):
        calm = after(self.hush, self.tracks(), "abc", now, since=0)
        self.hush = calm.hush or self.hush
        return calm

    def test_tells_nothing_of_single_agents(self):
        assert [ear.whats() for ear in self.ears.values()] == [["agent_online"]] * 3

    def test_lasts_while_nobody_is_heard(self):
        assert self.after(1e6).hush == Hush(10)

    def test_is_over_at_once_when_all_are_back(self):
        for ear in self.ears.values():
            ear.beat(100, n=2)

        calm = self.after(101)

        assert (calm.hush, calm.back, calm.left) == (None, ("a", "b", "c"), ())
        assert [ear.whats() for ear in self.ears.values()] == [["agent_online"]] * 3

    def test_leaves_behind_whoever_does_not_come_back_in_time(self):
        self.ears["a"].beat(100, n=2)
        self.ears["b"].beat(109, n=2)

        waiting, over = self.after(101), self.after(101 + VALID_FOR)

        assert waiting.hush is not None
        assert (over.hush, over.back, over.left) == (None, ("a", "b"), ("c",))


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 100), min_size=1),
    st.floats(0, 300),
    st.floats(0, 200),
)
def test_silence_never_comes_early_and_never_later_than_a_heartbeat_and_a_little(heard, now, since):
    tracks = [online(name, at) for name, at in heard.items()]

    found = silence(tracks, now, since)
    overdue = {name for name, at in heard.items() if now >= max(at, since) + VALID_FOR}
    surely = {name for name, at in heard.items() if now >= max(at, since) + VALID_FOR + 15}

    assert set(found.vantages) <= overdue
    assert surely <= set(found.vantages)
    assert not found.together or set(found.vantages) == set(heard)


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 10), min_size=2))
def test_all_cut_off_at_one_moment_are_always_told_together(heard):
    tracks = [online(name, at) for name, at in heard.items()]
    told = []
    for tick in range(2000):
        found = silence(tracks, tick / 10, since=0)
        if found.vantages:
            told.append(found)
            break

    assert told == [Silence(tuple(heard), together=True)]
