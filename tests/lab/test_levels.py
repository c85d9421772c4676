"""City, province and counties: whatever fails between them, nothing is lost, doubled or told for no reason.

Daemons, brokers, routers and disks are real. Each test plays one scenario and looks at its ledger.
"""

import pytest

from tests.lab.ledger import line
from tests.lab.levels import levels, why_no_levels
from tests.lab.scenarios.table import SCENARIOS

pytestmark = [pytest.mark.lab, pytest.mark.server]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Lend the levels, built once for all scenarios."""
    if reason := why_no_levels():
        pytest.skip(f"the lab {reason}")
    with levels(tmp_path_factory.mktemp("levels")) as made:
        yield made


@pytest.fixture
def city(built):
    """Lend the levels whole, and leave them whole."""
    built.mend()
    yield built
    built.mend()


def played(play, city):
    row = play(city)
    print(line(row))
    return row


@pytest.mark.timeout(150)
@pytest.mark.parametrize("scenario", [pytest.param(s, id=s.name) for s in SCENARIOS if s.always])
def test_nothing_is_lost_or_doubled_whatever_happens(city, scenario):
    row = played(scenario.short, city)

    assert row.blemishes == ()
    assert row.ledger.expected > 0


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("scenario", [pytest.param(s, id=s.name) for s in SCENARIOS])
def test_nothing_is_lost_or_doubled_however_long_it_lasts(city, scenario):
    if scenario.why_not:
        pytest.skip(scenario.why_not)
    row = played(scenario.full, city)

    assert row.blemishes == ()
    assert row.ledger.expected > 0
