"""incident: one cause is one incident with one id, told once when it is sure and once when it is over.

A history is one line per ten seconds: what is seen broken (`?` suspected, `!` confirmed) with the looks that
it explains, behind a bar the looks that are good, and behind an @ what is hidden behind what.
"""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.core.incident import Book, Other, Seen, Sighting, Stage, advance, let_go, recalled
from monitor.core.incident.life import LONGEST_HOLD, LONGEST_PAUSE

HEALED = """
    p!a
    |a
    |a
    |a
    |a
"""
RENAMES, EVENTS = 6, 24
"""In any minute, of one incident, at most."""
STAGES = {"?": Stage.SUSPECTED, "!": Stage.CONFIRMED}


def sighting(word, at, margin=10.0):
    name, mark, looks = word.partition("!" if "!" in word else "?")
    rivals = (Other(("power", "router", "p", "b"), 0.1, margin),)
    return Sighting(name, (name,), 0.99, at, STAGES[mark], explains=tuple(looks), others=rivals)


def moment(line, at, margin):
    line, _, hidden = line.partition("@")
    broken, _, good = line.partition("|")
    seen = tuple(sighting(word, at, margin) for word in broken.split())
    bad = {look for one in seen for look in one.explains}
    masked = dict(pair.split("<") for pair in hidden.split())
    return Seen(seen, set(good.strip()), bad, masked)


def play(history, *, margin=10.0, hold=30.0):
    """Play a history; return the book at its end and what was told, with the time of each."""
    book, told = Book(), []
    for number, line in enumerate(history.strip().splitlines()):
        at = number * 10.0
        book, changes = advance(
            book, moment(line, at, margin), now=at, stamp=lambda since: f"i{since:g}", hold=hold
        )
        told += [f"{at:g} {c.now.id} {c.now.component} {c.now.stage}" for c in changes]
    return book, told


def test_a_fault_is_suspected_confirmed_recovering_and_after_its_hold_closed():
    book, told = play("""
        p?a
        p!a
        p!a
        |a
        |a
        |a
        |a
    """)

    assert told == ["0 i0 p suspected", "10 i0 p confirmed", "30 i0 p recovering", "60 i0 p closed"]
    assert not book.open


def test_a_suspicion_that_does_not_come_true_is_withdrawn_and_was_never_confirmed():
    _, told = play("""
        p?a
        |a
    """)

    assert told == ["0 i0 p suspected", "10 i0 p closed"]


def test_silence_about_everything_is_no_recovery():
    book, told = play("""
        p!a
        |
        |
        |z
    """)

    assert told == ["0 i0 p confirmed"]
    assert book.open["i0"].stage is Stage.CONFIRMED


def test_what_hides_behind_another_fault_neither_recovers_nor_relapses():
    book, told = play("""
        p!a
        core!xyz | a @ p<core
    """)

    assert told == ["0 i0 p confirmed", "10 i0 p confirmed", "10 i10 core confirmed"]
    assert book.open["i0"].behind == "core"


def test_what_recovers_keeps_its_name_until_it_is_sure_to_be_back():
    _, told = play("""
        p!ab
        |ab
        q?a
        q?ab
        q!ab
    """)

    assert told == ["0 i0 p confirmed", "10 i0 p recovering", "40 i0 q confirmed"]


def test_a_relapse_within_the_hold_stays_one_incident_and_doubles_the_hold():
    book, told = play("""
        p!a
        |a
        p!a
        |a
        |a
        |a
        |a
    """)  # the second time it has to be well for two seconds before it is said to recover

    assert told[1:] == ["10 i0 p recovering", "20 i0 p confirmed", "40 i0 p recovering"]
    assert (book.open["i0"].relapses, book.open["i0"].hold) == (1, 60.0)


def test_a_fault_that_returns_soon_after_its_end_has_to_be_quiet_for_longer():
    book, _ = play("""
        p!a
        |a
        |a
        |a
        |a
        p!a
    """)

    assert book.open["i50"].hold == 60.0


@pytest.mark.parametrize(("later", "hold"), [(800.0, 60.0), (1000.0, 30.0)], ids=["soon", "late"])
def test_what_was_closed_is_remembered_over_a_restart_for_a_while(later, hold):
    book, _ = play(HEALED)
    ended = book.ended["p"].closed_at

    book = recalled(book.kept().values(), now=ended + later)
    book, _ = advance(book, moment("p!a", 0.0, 10.0), now=ended + later, stamp=str)

    assert [one.hold for one in book.open.values()] == [hold]


def test_what_relapses_after_a_restart_is_the_incident_that_it_was():
    book, _ = play(HEALED.rstrip().removesuffix("|a"))
    (before,) = book.open.values()

    book = recalled(book.kept().values(), now=55.0)
    book, _ = advance(book, moment("p!a", 55.0, 10.0), now=55.0, stamp=str)

    (now,) = book.open.values()
    assert before.stage is Stage.RECOVERING
    assert (now.id, now.component, now.stage, now.relapses) == (before.id, "p", Stage.CONFIRMED, 1)


def test_no_incident_gets_the_id_of_one_that_is_remembered():
    book, _ = play(HEALED)

    book, _ = advance(book, moment("p!a", 0.0, 10.0), now=70.0, stamp=lambda since: f"i{since:g}")

    assert [*book.open] == ["i0-2"]


def test_what_was_closed_is_not_remembered_for_ever():
    book, _ = play(HEALED)

    book, _ = advance(book, moment("|a", 2000.0, 10.0), now=2000.0, stamp=str)

    assert not book.kept()


def test_what_is_no_longer_watched_is_closed_as_such_and_not_remembered():
    book, _ = play("p!a q!b")

    book, changes = let_go(book, is_watched=lambda one: one.component == "q", now=10.0)

    (change,) = changes
    assert [one.component for one in book.kept().values()] == ["q"]
    assert (change.before.component, change.now.stage, change.now.unwatched) == ("p", Stage.CLOSED, True)


def test_the_name_of_a_suspicion_follows_the_evidence():
    _, told = play("""
        p?a
        power!abcd
    """)

    assert told == ["0 i0 p suspected", "10 i0 power confirmed"]


@pytest.mark.parametrize(("margin", "name"), [(2.9, "router"), (3.1, "power")])
def test_a_confirmed_incident_is_renamed_only_for_a_cause_that_fits_better_by_three_nats(margin, name):
    book, _ = play(
        """
        router!ab
        power!abc
        power!abc
        """,
        margin=margin,
    )

    assert [one.component for one in book.open.values()] == [name]


def test_a_confirmed_incident_is_not_renamed_for_what_fits_better_for_a_moment_only():
    _, told = play("""
        p!a
        power!abcd
        p!a
        p!a
    """)

    assert told == ["0 i0 p confirmed"]


def test_a_renamed_incident_remembers_what_it_was_called_before():
    book, _ = play("""
        router!ab
        power!abc
        power!abc
    """)

    assert book.open["i0"].called == ("router",)


def test_what_recovers_piece_by_piece_is_not_called_after_its_last_piece():
    _, told = play("""
        power!abcd
        p!a | bcd
        | abcd
    """)

    assert told == ["0 i0 power confirmed", "20 i0 power recovering"]


def test_a_piece_that_stays_broken_after_the_rest_has_healed_is_an_incident_of_its_own():
    _, told = play("""
        power!abcd
        p!a | bcd
        p!a | bcd
        p!a | bcd
    """)

    assert told[1:] == ["30 i0 power recovering", "30 i30 p confirmed"]


def test_what_recovers_in_several_pieces_begins_no_incident_for_any_of_them():
    _, told = play("""
        power!abcd
        p!a q!b | cd
        | abcd
    """)

    assert told == ["0 i0 power confirmed", "20 i0 power recovering"]


def test_two_faults_at_once_are_two_incidents_with_ids_of_their_own():
    book, _ = play("""
        p!a q!b
    """)

    assert {name: one.component for name, one in book.open.items()} == {"i0": "p", "i0-2": "q"}


def test_one_of_a_group_that_nobody_can_tell_apart_keeps_the_incident_of_the_group():
    first = sighting("power!abc", 0.0)
    both = replace(first, group=("power", "router"))
    router = replace(sighting("router!abc", 10.0), group=("router",))
    seen = [Seen((one,), set(), {"a"}, {}) for one in (both, router)]
    book, _ = advance(Book(), seen[0], now=0.0, stamp=str)
    book, changes = advance(book, seen[1], now=10.0, stamp=str)

    assert len(book.open) == 1
    assert [change.now.component for change in changes] == []


def test_what_can_be_told_from_its_group_by_now_is_called_by_its_own_name():
    either = replace(sighting("power?abc", 0.0), group=("power", "router"))
    router = replace(sighting("router!abc", 0.0), group=("router",))
    book, _ = advance(Book(), Seen((either,), set(), {"a"}, {}), now=0.0, stamp=str)
    book, changes = advance(book, Seen((router,), set(), {"a"}, {}), now=1.0, stamp=str)

    assert [(change.now.component, change.now.called) for change in changes] == [("router", ())]


def test_two_circuits_that_turn_out_to_be_one_power_cut_end_as_one_incident():
    book, told = play("""
        p!a q!b
        power!abcd
        power!abcd
        power!abcd
    """)

    assert told[2:] == ["20 i0 power confirmed", "20 i0-2 q closed"]
    assert [one.component for one in book.open.values()] == ["power"]


def test_what_was_but_a_part_of_another_says_of_which():
    book, _ = play("p!a q!b")
    for at in (10.0, 20.0):
        book, changes = advance(book, moment("power!abcd", at, 10.0), now=at, stamp=str)

    assert [change.now.behind for change in changes if change.now.stage is Stage.CLOSED] == ["power"]


def test_a_part_that_the_whole_explains_hardly_better_stays_an_incident_of_its_own():
    book, _ = play(
        """
        p!a q!b
        power!abcd
        power!abcd
        power!abcd
        """,
        margin=2.0,
    )

    assert len(book.open) == 2


def test_a_fault_that_comes_much_later_and_hides_an_old_one_is_an_incident_of_its_own():
    book, told = play("""
        p!a
        p!a
        p!a
        p!a
        power!abcd @ p<power
        power!abcd @ p<power
        power!abcd @ p<power
        p!a | bcd
        p!a | bcd
    """)

    assert told[1:] == [
        "40 i0 p confirmed",
        "40 i40 power confirmed",
        "70 i0 p confirmed",
        "70 i40 power recovering",
    ]
    assert book.open["i0"].behind is None


def test_what_a_look_has_got_past_keeps_its_name_though_nothing_that_it_explained_is_well_yet():
    book, _ = play("power!abcd")
    seen = replace(moment("p!a q!b", 10.0, 10.0), proven={"power"})
    book, changes = advance(book, seen, now=10.0, stamp=str)

    assert [one.component for one in book.open.values()] == ["power"]
    assert changes == ()


def test_what_was_not_heard_of_while_all_was_broken_is_a_rest_of_it_for_a_while():
    book, _ = play("core!abc")
    seen = replace(moment("far!xy | a", 10.0, 10.0), spoils=lambda component, _: component == "core")
    for at in (10.0, 20.0):
        book, _ = advance(book, seen, now=at, stamp=str)
    early = [one.component for one in book.open.values()]
    book, _ = advance(book, seen, now=30.0, stamp=str)

    assert early == ["core"]
    assert [one.component for one in book.open.values()] == ["core", "far"]


@pytest.mark.parametrize(("silence", "names"), [(True, ["uplink"]), (False, ["uplink", "broker"])])
def test_daemons_that_are_not_back_yet_are_a_rest_of_what_kept_them_away_for_longer(silence, names):
    book, _ = play("uplink!abcd")
    for at in (10.0, 30.0, 50.0):
        rest = replace(moment("broker!ab | cd", at, 10.0).sightings[0], silence=silence)
        seen = Seen((rest,), {"c", "d"}, {"a", "b"}, {})
        book, _ = advance(book, seen, now=at, stamp=str)

    assert [one.component for one in book.open.values()] == names


def test_a_fault_of_which_something_is_left_is_not_over_yet():
    book, _ = play("core!abc", hold=5.0)
    whole = {"spoils": lambda component, _: component == "core"}
    for at in (10.0, 20.0, 30.0):
        rest = replace(moment("agent!x", at, 10.0).sightings[0], silence=True)
        book, _ = advance(book, Seen((rest,), set("abc"), {"x"}, {}, **whole), now=at, stamp=str)
    left = [(one.component, one.stage) for one in book.open.values()]
    book, changes = advance(book, moment("| abcx", 40.0, 10.0), now=40.0, stamp=str)

    assert left == [("core", Stage.RECOVERING)]
    assert [(change.now.component, change.now.stage) for change in changes] == [("core", Stage.CLOSED)]


NAMES = st.sampled_from(["power", "router", "p", "q", "core"])
GUESS = st.builds(
    lambda name, mark, looks: name + mark + looks,
    NAMES,
    st.sampled_from("?!"),
    st.text("abcd", min_size=1, max_size=4),
)
MOMENTS = st.builds(
    lambda broken, good: f"{' '.join(broken)} | {good}",
    st.lists(GUESS, max_size=3, unique_by=lambda word: word[:2]),
    st.text("abcd", max_size=2).map(lambda good: f"{good} @ p<core") | st.text("abcd", max_size=2),
)


@given(st.lists(MOMENTS, min_size=1, max_size=80))
@settings(deadline=None, max_examples=40)
@example(["power!abcd", "p!a q!b", "router?ab", "q!abcd"] * 30)
@example(["p!a", "core!bcd | a @ p<core", "p!a | bcd", "| abcd"] * 30)
@example(["p!a", "| a"] * 60)
def test_whatever_is_seen_an_incident_is_no_stream_of_events(lines):
    book, renamed, said = Book(), defaultdict(list), defaultdict(list)
    for number, line in enumerate(lines):
        now = number / 2
        book, changes = advance(book, moment(line, 0.0, 10.0), now=now, stamp=str)
        for change in changes:
            said[change.now.id].append(now)
            if change.before is not None and change.before.component != change.now.component:
                renamed[change.now.id].append(now)

    for often, most in ((renamed, RENAMES), (said, EVENTS)):
        for times in often.values():
            assert all(sum(at <= other < at + 60.0 for other in times) <= most for at in times)


@given(st.lists(MOMENTS, min_size=1, max_size=60))
@settings(deadline=None, max_examples=40)
@example(
    ["power!a | @ p<core", "| a @ p<core", "power!a | @ p<core", *["| a @ p<core"] * 3, "power!a | @ p<core"]
)
def test_whatever_was_seen_all_is_closed_once_all_is_well_for_long_enough(lines):
    book, end = Book(), float(len(lines))
    # Whatever flapped is recovering only after a pause, and closed only when its hold is over.
    quiet = (end, end + LONGEST_PAUSE, end + LONGEST_PAUSE + LONGEST_HOLD)
    for now, line in [*enumerate(lines), *((at, "| abcd") for at in quiet)]:
        book, _ = advance(book, moment(line, float(now), 10.0), now=float(now), stamp=str)

    assert not book.open
