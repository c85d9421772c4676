"""What every test finds: a log that no earlier test has set up."""

import pytest
import structlog


@pytest.fixture(autouse=True)
def _log_as_it_comes():
    yield
    structlog.reset_defaults()
