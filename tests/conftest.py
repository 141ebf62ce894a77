"""Settings of all tests: the same examples everywhere; whole federations one after the other."""

from collections.abc import Iterator

import pytest
from hepafed.common.processes import give_back_memory
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first: begun late, it would be waited for when all else is done."""
    first = (INTEGRATION, "tests/chaos/test_campaign")
    items.sort(key=lambda item: [not item.nodeid.startswith(name) for name in first])


@pytest.hookimpl(optionalhook=True)  # `make mutants` runs without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    return FederationsInOneProcess(config, log)


@pytest.fixture(scope="module", autouse=True)
def _freed_memory_is_given_back() -> Iterator[None]:
    """What networks took in one file is free for the federations of the next."""
    yield
    give_back_memory()
