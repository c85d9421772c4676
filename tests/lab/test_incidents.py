"""Whatever breaks in the lab is one incident with the right name, told in time, closed when it is mended.

Five daemons look from five places; each fault is made for real, and what the city's daemon tells is judged.
"""

import pytest

from tests.lab.faults import FAULTS
from tests.lab.injection import injected
from tests.lab.levels import levels, why_no_levels

pytestmark = [pytest.mark.lab, pytest.mark.server]

HOLD = {"detection": {"hold": 2}}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Lend the levels, built once for all faults, with every look as often as shipped."""
    if reason := why_no_levels():
        pytest.skip(f"the lab {reason}")
    with levels(tmp_path_factory.mktemp("incidents"), device_period=None, more=HOLD) as made:
        yield made


@pytest.fixture
def city(built):
    """Lend the levels whole, and leave them whole."""
    yield built
    built.mend()


def each(always):
    return [pytest.param(fault, id=fault.name) for fault in FAULTS if fault.always is always]


@pytest.mark.parametrize("fault", each(always=True))
def test_what_breaks_is_one_incident_with_the_right_name(city, fault):
    assert injected(city, fault, fault.where[0], after=2.0).wrong == ()


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("fault", each(always=False))
def test_what_breaks_rarely_or_slowly_is_one_incident_with_the_right_name(city, fault):
    told = [injected(city, fault, center) for center in fault.where[-2:]]

    assert [one.wrong for one in told] == [()] * len(told)
