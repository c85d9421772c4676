"""One lab for the tests of each file, whole again after each."""

import pytest

from tests.lab.lab import Lab, why_not


@pytest.fixture(scope="module")
def built_lab():
    """Lend the lab, built once for each file."""
    if reason := why_not():
        pytest.skip(f"the lab {reason}")
    with Lab() as lab:
        yield lab


@pytest.fixture
def lab(built_lab):
    """Lend the lab whole, and leave it whole."""
    yield built_lab
    built_lab.restore()
