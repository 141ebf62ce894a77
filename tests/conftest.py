"""Settings of all tests: hypothesis tries the same examples each time, however slow the machine."""

from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
SHARED = (TESTS / "integration", TESTS / "client/pacs")
"""Folders of which all tests use what is set up once."""

settings.register_profile("hepafed", deadline=None, derandomize=True)
settings.load_profile("hepafed")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep on one process what shares a set-up: a folder's federation or PACS, else a file."""
    folder = next((f for f in SHARED if f in item.path.parents), None)
    item.add_marker(pytest.mark.xdist_group((folder or item.path).name))
