"""Reports for the tests of tables."""

from typing import Any

import pytest
from hepafed.server.formats import Report, read_report


@pytest.fixture(scope="session")
def report(plain: dict[str, Any]) -> Report:
    return read_report(plain)
