"""limits: a value beyond its limit is told once it stays there; neither a swing nor a miss changes that."""

from math import nan

import pytest

from monitor.core.detection import Belief, Verdict, manner
from monitor.core.judge import Judge
from monitor.core.learning import Learned
from monitor.core.limits import IN_A_ROW, Limit, judged
from monitor.core.observation import Outcome, failed, ok, poor, unknown
from monitor.core.quality import Severity
from monitor.core.world import Reading

HOW = manner(60.0, None, suspicions_per_year=26, false_alarms_per_year=0.01)
LETTERS = {
    "o": ok(),
    "w": poor("offset", "offset 0.3 s, limit 0.1 s"),
    "s": poor("stratum", "stratum 9, limit 4"),
    "x": failed("timeout"),
    "?": unknown("own_lag"),
}


def judge(belief=Belief(Verdict.UP, reason="ok")):  # noqa: B008 - a frozen value
    return Judge(HOW, belief, Learned(), Reading())


def after(history, one=None):
    """Return the belief after a history, of one look a minute, that begins at 1000."""
    one = one or judge()
    for number, letter in enumerate(history):
        one.take(LETTERS[letter], 60.0 * number, 1000.0 + 60.0 * number)
    return one.belief


@pytest.mark.parametrize(
    ("value", "outcome", "reason"),
    [
        pytest.param(0.1, Outcome.OK, "ok", id="at-the-warning-limit"),
        pytest.param(0.11, Outcome.OK, "offset", id="beyond-it"),
        pytest.param(0.5, Outcome.OK, "offset", id="at-the-last-limit"),
        pytest.param(0.51, Outcome.FAILED, "offset", id="beyond-that"),
        pytest.param(nan, Outcome.FAILED, "offset", id="no-number"),
    ],
)
def test_a_value_is_good_poor_or_failed(value, outcome, reason):
    finding = judged([Limit("offset", "offset", value, warn=0.1, fail=0.5, unit="s")], offset=value)

    assert (finding.outcome, finding.reason, finding.path_up) == (outcome, reason, True)
    assert list(finding.values) == ["offset"]


def test_the_detail_gives_the_value_and_the_limit_that_it_is_beyond():
    limit = Limit("offset", "offset", 0.25, warn=0.1, fail=1, unit="s")

    assert judged([limit]).detail == "offset 0.25 s, limit 0.1 s"


def test_low_values_may_be_the_bad_ones():
    assert judged([Limit("battery", "charge", 19.0, warn=20.0, unit="%", low=True)]).reason == "battery"
    assert judged([Limit("battery", "charge", 20.0, warn=20.0, unit="%", low=True)]).reason == "ok"


def test_what_failed_is_told_before_what_is_poor():
    limits = [Limit("offset", "offset", 2.0, warn=1.0), Limit("stratum", "stratum", 9.0, fail=4.0)]

    assert judged(limits).reason == "stratum"


def test_without_limits_all_is_well():
    assert judged([Limit("offset", "offset", 1e9)], "as it is") == ok("as it is")


@pytest.mark.parametrize(
    ("history", "verdict", "reason"),
    [
        pytest.param("oww", "up", "ok", id="two-are-not-enough"),
        pytest.param("owww", "degraded", "offset", id="three-are"),
        pytest.param("owwoww", "up", "ok", id="a-good-one-between-begins-anew"),
        pytest.param("ow?w?w", "degraded", "offset", id="not-looking-neither-adds-nor-clears"),
        pytest.param("owwxw", "degraded", "offset", id="nor-does-a-miss"),
        pytest.param("owsw", "degraded", "offset", id="the-latest-word-is-told"),
        pytest.param("owwwoo", "degraded", "offset", id="two-good-ones-do-not-end-it"),
        pytest.param("owwwooo", "up", "ok", id="three-do"),
        pytest.param("owwwoowoo", "degraded", "offset", id="a-poor-one-between-keeps-it"),
        pytest.param("owwwss", "degraded", "offset", id="another-word-needs-as-many"),
        pytest.param("owwwsss", "degraded", "stratum", id="and-is-told-then"),
        pytest.param("owwwosoo", "degraded", "offset", id="good-ones-must-follow-each-other"),
    ],
)
def test_poor_is_told_when_it_stays(history, verdict, reason):
    belief = after(history)

    assert (belief.verdict, belief.reason) == (Verdict(verdict), reason)


def test_what_is_poor_is_told_with_its_value_and_its_beginning():
    belief = after("oowww")

    assert belief.detail == "offset 0.3 s, limit 0.1 s"
    assert belief.since == 1120.0
    assert belief.decline.severity is Severity.WARN


def test_a_judge_is_not_calm_while_anything_is_poor():
    one = judge()
    seen = [(after(letter, one), one.calm)[1] for letter in "oow" + "o"]

    assert seen == [True, True, False, True]


def test_down_is_told_all_the_same_and_poor_again_after_it():
    one = judge()

    assert after("www" + "x" * 20, one).verdict is Verdict.DOWN
    assert after("w" * IN_A_ROW, one).verdict is Verdict.DEGRADED


def test_it_goes_on_after_a_restart():
    before = after("www")

    assert after("oo", judge(before)).verdict is Verdict.DEGRADED
    assert after("ooo", judge(before)).verdict is Verdict.UP


def test_a_better_way_does_not_end_what_has_nothing_to_do_with_it():
    one = judge()
    after("www", one)
    one.renew(2000.0)

    assert one.belief.verdict is Verdict.DEGRADED
