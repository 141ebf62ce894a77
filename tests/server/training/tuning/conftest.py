"""The training in memory."""

from pathlib import Path

import pytest
from hepafed.server.masked_sums import masked_steps

from .training_federation import Training


@pytest.fixture
def fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_flower: None) -> Training:
    monkeypatch.setattr(masked_steps, "STEP_SECONDS", 0.3)
    return Training(tmp_path)
