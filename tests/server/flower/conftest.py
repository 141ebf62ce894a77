"""A real SuperLink for the tests of its room."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hepafed.server.flower.superlink import SuperLink
from hepafed.server.setup import initialise


@pytest.fixture(scope="package")
def superlink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuperLink]:
    home = tmp_path_factory.mktemp("coordinator")
    initialise(home, "localhost:1", "127.0.0.1", datetime.now(UTC))
    made = SuperLink(home)
    try:
        made.start()
        yield made
    finally:
        made.stop()
