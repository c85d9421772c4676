"""What holds for every test: which worker runs it, and a log that no earlier test has set up."""

import pytest
import structlog


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Keep the tests of one file together, for they share what is costly, and all labs, for there is one."""
    for item in items:
        file = item.nodeid.partition("::")[0]
        group = "lab" if file.startswith("tests/lab/") else file
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def _log_as_it_comes():
    yield
    structlog.reset_defaults()
