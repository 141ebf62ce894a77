"""Settings of all tests: the same examples everywhere; whole federations one after the other."""

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

settings.register_profile("hepafed", deadline=None, derandomize=True)
settings.load_profile("hepafed")

INTEGRATION = "tests/integration/"


class FederationsInOneProcess(LoadFileScheduling):
    """Give each file's tests to one process, and those of all federations to the same one.

    Two whole federations beside each other do not answer in time on two cores.
    """

    def _split_scope(self, nodeid: str) -> str:
        return INTEGRATION if nodeid.startswith(INTEGRATION) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)  # `make mutants` runs without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    return FederationsInOneProcess(config, log)
