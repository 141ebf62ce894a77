"""The training in memory."""

from pathlib import Path

import pytest

from .training_federation import Training


@pytest.fixture
def fed(tmp_path: Path, in_flower: None) -> Training:
    return Training(tmp_path)
