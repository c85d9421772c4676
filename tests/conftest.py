"""What holds for every test: which worker runs it, and a log that no earlier test has set up."""

import pytest
import structlog
from xdist.scheduler import LoadScopeScheduling

LABS = "tests/lab/"


class ByFile(LoadScopeScheduling):
    """Keeps the tests of one file together, for they share what is costly, and all labs, for there is one."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return LABS if file.startswith(LABS) else file


def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    """Begin with the labs: they take the longest and mostly wait."""
    items.sort(key=lambda item: not item.nodeid.startswith(LABS))


@pytest.fixture(autouse=True)
def _log_as_it_comes():
    yield
    structlog.reset_defaults()
