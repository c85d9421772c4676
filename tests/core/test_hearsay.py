"""Hearsay: a word counts once and only of the present boot; what it says of time is a label."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.agent import Order, Presence
from monitor.core.hearsay import PAST_BOOTS, Worth, age, single, spoke
from monitor.core.rollcall import fallen
from tests.core.agent_ground import HEARTBEAT, VALID_FOR, WALL, Ear, word


def test_the_first_word_is_told_once():
    ear = Ear()

    ear.beat(10, n=1)
    ear.beat(20, n=2)

    assert ear.whats() == ["agent_online"]
    assert ear.agent.presence is Presence.ONLINE
    assert ear.agent.since == WALL + 10


def test_a_belief_shows_a_daemon_at_work_as_well_as_a_heartbeat_does():
    ear = Ear()

    ear.believe(10)

    assert ear.whats() == ["agent_online"]
    assert ear.agent.heard_at == 10


def test_a_word_that_comes_twice_counts_once():
    ear = Ear()

    for _ in range(3):
        ear.beat(10, n=5)

    assert ear.worths == [Worth.FRESH, Worth.REPEATED, Worth.REPEATED]


def test_words_of_different_topics_may_overtake_each_other():
    ear = Ear()
    ear.believe(10, n=90, topic="x")

    ear.believe(10, n=40, topic="y")

    assert ear.worths == [Worth.FRESH, Worth.FRESH]


def test_a_word_of_an_older_session_is_a_repetition():
    ear = Ear()
    ear.beat(10, session=2, n=1)

    ear.believe(11, session=1, n=500)

    assert ear.worths[-1] is Worth.REPEATED


def test_a_will_of_an_older_session_is_ignored():
    ear = Ear()
    ear.beat(10, session=2, n=1)

    ear.will(11, session=1)

    assert ear.track.lost_at is None


def test_a_will_of_a_boot_that_was_followed_by_another_is_ignored():
    ear = Ear()
    ear.beat(10, boot="b1")
    ear.beat(20, boot="b2")

    ear.will(21, boot="b1")

    assert ear.track.lost_at is None
    assert not ear.agent.duplicate


def test_a_will_of_a_boot_that_nobody_knows_does_not_speak_for_the_one_that_is_online():
    ear = Ear()
    ear.beat(10, boot="b1")

    ear.will(11, boot="b0")

    assert ear.agent.boot == "b1"
    assert ear.track.lost_at is None


def test_after_a_will_nothing_of_that_session_counts_any_more():
    ear = Ear()
    ear.beat(10, n=1)
    ear.will(11)

    ear.believe(12, n=400)

    assert ear.worths[-1] is Worth.REPEATED


def test_a_new_session_takes_back_what_the_will_said():
    ear = Ear()
    ear.beat(10)
    ear.will(11)

    ear.beat(12, session=2)

    assert ear.track.lost_at is None
    assert ear.whats() == ["agent_online"]


def test_a_farewell_is_told_and_a_new_run_is_online_again():
    ear = Ear()
    ear.beat(10, n=1)
    ear.farewell(20)

    ear.beat(30, boot="b2")

    assert ear.whats() == ["agent_online", "agent_stopped", "agent_online"]


def test_a_belief_that_comes_after_the_farewell_of_its_session_raises_nobody_from_the_dead():
    ear = Ear()
    ear.beat(10, n=1)
    ear.farewell(20, n=7)

    ear.believe(21, n=6)

    assert ear.agent.presence is Presence.STOPPED


def test_a_kept_farewell_of_somebody_whom_we_never_heard_is_no_news():
    ear = Ear()

    ear.farewell(10, retained=True)

    assert ear.agent.presence is Presence.STOPPED
    assert ear.whats() == []


def test_a_kept_farewell_of_somebody_whom_we_heard_is_news():
    ear = Ear()
    ear.beat(10, n=1)

    ear.farewell(20, retained=True)

    assert ear.whats() == ["agent_online", "agent_stopped"]


def test_silence_that_ends_is_told_with_its_length():
    ear = Ear()
    ear.beat(10, n=1)
    ear.take(fallen(ear.track, 41, WALL + 41))

    ear.beat(70, n=2)

    assert ear.whats() == ["agent_online", "agent_silent", "agent_back"]
    assert ear.told[-1].details == {"restarted": False, "seconds": 60}


def test_who_comes_back_from_silence_as_another_run_is_said_to_have_restarted():
    ear = Ear()
    ear.beat(10)
    ear.take(fallen(ear.track, 41, WALL + 41))

    ear.beat(70, boot="b2")

    assert ear.told[-1].details["restarted"] is True


def test_a_restart_within_the_time_allowed_is_no_news_of_ours():
    ear = Ear()
    ear.beat(10)

    ear.beat(14, boot="b2")

    assert ear.whats() == ["agent_online"]
    assert ear.agent.boot == "b2"


class TestAWordThatTheBrokerHadKept:
    """Its age is what the sender's own clock says, set right by what we know of that clock."""

    def test_counts_from_when_it_was_sent(self):
        ear = Ear()

        ear.kept(100, old=8)

        assert ear.agent.presence is Presence.ONLINE
        assert ear.agent.heard_at == 92

    def test_shows_nobody_at_work_when_it_is_older_than_it_claims_to_hold(self):
        ear = Ear()

        ear.kept(100, old=31)

        assert ear.agent.presence is Presence.UNHEARD
        assert ear.agent.boot == "b1"

    def test_is_not_trusted_if_it_comes_from_the_future_and_the_clock_is_not_known(self):
        ear = Ear()

        ear.kept(100, old=8, offset=3600)

        assert ear.agent.presence is Presence.UNHEARD

    def test_is_as_old_as_the_known_clock_says(self):
        ear = Ear()
        for n in range(1, 4):
            ear.beat(10 * n, n=n, offset=3600)

        said = word(100, offset=3600, took=12)

        assert age(ear.track, said) == 12

    def test_does_not_measure_the_clock(self):
        ear = Ear()

        ear.kept(100, old=8)

        assert ear.agent.clock_offset is None

    def test_of_a_past_boot_is_late_and_nothing_else(self):
        ear = Ear()
        ear.beat(10, boot="b1")
        ear.beat(20, boot="b2")

        ear.kept(30, boot="b1", session=3)

        assert ear.worths[-1] is Worth.PAST
        assert not ear.agent.duplicate


class TestTwoDaemonsUnderOneName:
    """The one that came last is followed; the other is told of, and changes nothing."""

    def test_are_noticed_with_the_first_word_of_the_one_before(self):
        ear = Ear()
        ear.beat(10, boot="a", n=1)
        ear.beat(12, boot="b", n=1)

        ear.beat(20, boot="a", n=2)

        assert ear.agent.duplicate
        assert ear.agent.boot == "b"
        assert ear.told[-1] == ("agent_doubled", {"boot": "b", "other": "a"})

    def test_are_told_once_however_long_they_go_on(self):
        ear = Ear()
        ear.beat(10, boot="a", n=1)

        for n in range(2, 30):
            ear.beat(10 * n, boot="b", n=n)
            ear.beat(10 * n + 1, boot="a", n=n)

        assert ear.whats() == ["agent_online", "agent_doubled"]

    def test_are_one_again_after_only_one_has_spoken_for_a_while(self):
        ear = Ear()
        ear.beat(10, boot="a", n=1)
        ear.beat(12, boot="b", n=1)
        ear.beat(20, boot="a", n=2)

        ear.take(single(ear.track, 20 + VALID_FOR))
        early = ear.agent.duplicate
        ear.take(single(ear.track, 20 + 2 * VALID_FOR))

        assert early
        assert not ear.agent.duplicate
        assert ear.whats()[-1] == "agent_single"

    def test_the_one_that_stays_is_followed_once_the_other_is_silent(self):
        ear = Ear()
        ear.beat(10, boot="a", n=1)
        ear.beat(12, boot="b", n=1)
        ear.beat(20, boot="a", n=2)
        ear.take(fallen(ear.track, 42, WALL + 42))

        ear.beat(50, boot="a", n=5)

        assert ear.agent.boot == "a"
        assert ear.agent.presence is Presence.ONLINE

    def test_are_told_from_yesterday_played_back_at_its_own_pace(self):
        ear = Ear()
        for n in range(1, 5):
            ear.beat(10 * n, boot="a", n=n)
        ear.beat(50, boot="b", n=1)

        for n in range(1, 5):
            ear.beat(50 + 10 * n, boot="a", n=n, took=50)

        assert ear.worths[-4:] == [Worth.REPEATED] * 4
        assert not ear.agent.duplicate

    def test_are_told_from_what_was_said_before_our_start_and_is_played_back(self):
        ear = Ear(boots=("a", "b"))
        ear.beat(10, boot="b", n=1)

        ear.beat(20, boot="a", n=7, took=86_400)

        assert ear.worths[-1] is Worth.REPEATED
        assert not ear.agent.duplicate

    def test_are_noticed_though_the_first_has_not_spoken_since_our_start(self):
        ear = Ear(boots=("a", "b"))
        ear.beat(10, boot="b", n=1)

        ear.beat(20, boot="a", n=7)

        assert ear.agent.duplicate

    def test_are_noticed_though_the_clock_of_one_is_an_hour_off(self):
        ear = Ear()
        for n in range(1, 4):
            ear.beat(10 * n, boot="a", n=n, offset=3600)
        ear.beat(40, boot="b", n=1)

        ear.beat(50, boot="a", n=4, offset=3600)

        assert ear.agent.duplicate


class TestTheClock:
    """It is measured by the quickest of the latest heartbeats; told when it is wrong and when right again."""

    def test_offset_is_positive_if_it_is_ahead(self):
        ear = Ear()

        ear.beat(10, offset=100.0, took=0.02)

        assert abs(ear.agent.clock_offset - 99.98) < 1e-6

    def test_is_told_once_it_is_wrong_for_sure(self):
        ear = Ear()

        for n in range(1, 20):
            ear.beat(HEARTBEAT * n, n=n, offset=3600)

        assert ear.whats() == ["agent_online", "agent_clock"]
        assert ear.told[-1].details == {"offset": 3600, "wrong": True}

    def test_is_told_when_it_is_right_again(self):
        ear = Ear()
        for n in range(1, 4):
            ear.beat(HEARTBEAT * n, n=n, offset=-3600)

        for n in range(4, 12):
            ear.beat(HEARTBEAT * n, n=n)

        assert ear.whats() == ["agent_online", "agent_clock", "agent_clock"]
        assert ear.told[-1].details == {"offset": 0, "wrong": False}

    def test_is_not_wrong_because_a_few_words_were_held_up(self):
        ear = Ear()

        for n, took in enumerate([30, 20, 10, 0.01, 0.01, 9, 9, 9, 9, 0.01], 1):
            ear.beat(HEARTBEAT * n, n=n, took=took, steady=n > 2)

        assert ear.whats() == ["agent_online"]

    def test_is_measured_anew_for_each_boot(self):
        ear = Ear()
        ear.beat(10, boot="a", offset=3600)

        ear.beat(20, boot="b", steady=False)

        assert ear.agent.clock_offset is None

    def test_wavering_about_the_limit_is_not_told_again_and_again(self):
        ear = Ear()

        for n in range(1, 60):
            ear.beat(HEARTBEAT * n, n=n, offset=2.1 if n % 2 else 1.9)

        assert ear.whats() == ["agent_online", "agent_clock"]


def test_what_an_agent_claims_for_its_silence_is_bounded():
    hasty, slow = Ear(), Ear()

    hasty.beat(10, valid_for=0.001)
    slow.beat(10, valid_for=1e6)

    assert hasty.agent.valid_for == 3
    assert slow.agent.valid_for == 10_800


def test_the_boots_remembered_are_bounded_and_the_oldest_go():
    ear = Ear()

    for number in range(3 * PAST_BOOTS):
        ear.beat(number, boot=f"b{number}")

    assert len(ear.track.past) == PAST_BOOTS
    assert f"b{3 * PAST_BOOTS - 2}" in ear.track.past
    assert "b0" not in ear.track.past


def test_the_latest_boot_of_earlier_runs_is_the_one_we_wait_for():
    ear = Ear(boots=("a", "b", "c"))

    assert ear.agent.boot == "c"
    assert set(ear.track.past) == {"a", "b"}


ORDERS = st.tuples(st.integers(1, 3), st.integers(1, 6))
WORDS = st.lists(st.tuples(st.sampled_from("abc"), ORDERS, st.sampled_from("xyz")), max_size=60)


@given(WORDS)
def test_what_is_taken_of_one_boot_on_one_topic_grows(words):
    ear, taken = Ear(), {}
    for now, (boot, (session, n), topic) in enumerate(words):
        ear.believe(float(now), boot, session, n, topic)
        if ear.worths[-1] is Worth.FRESH:
            taken.setdefault((boot, topic), []).append(Order(session, n))

    assert all(a < b for orders in taken.values() for a, b in pairwise(orders))


@given(WORDS)
def test_all_played_back_once_more_brings_nothing_new(words):
    ear = Ear()
    for now, (boot, (session, n), topic) in enumerate(words):
        ear.believe(float(now), boot, session, n, topic)
    before, ear.worths = ear.track, []

    for boot, (session, n), topic in words:
        ear.believe(86_400.0, boot, session, n, topic)

    assert Worth.FRESH not in ear.worths
    assert ear.agent.boot == before.agent.boot


@given(st.lists(st.floats(0, 5), min_size=1, max_size=20), st.floats(-1e4, 1e4))
def test_the_offset_errs_by_no_more_than_the_quickest_of_the_latest_took(delays, offset):
    ear = Ear()

    for n, took in enumerate(delays, 1):
        ear.beat(10.0 * n, n=n, offset=offset, took=took)

    assert abs(ear.agent.clock_offset - (offset - min(delays[-5:]))) < 1e-5


@given(WORDS)
def test_there_is_always_one_present_boot_and_it_is_not_past(words):
    ear = Ear()

    for now, (boot, (session, n), topic) in enumerate(words):
        ear.believe(float(now), boot, session, n, topic)

        assert ear.agent.boot not in ear.track.past


def test_any_word_of_the_present_boot_is_a_sign_of_life():
    step = spoke(Ear().track, word(5))

    assert step.track.agent.heard_at == 5
