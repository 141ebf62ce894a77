"""The gateway over a new home."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .gates import Gate


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path)
    yield made
    made.close()
