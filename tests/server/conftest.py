"""The federation in memory."""

from pathlib import Path

import pytest
from flwr.supercore.task_identity import TaskIdentity
from hepafed.server.masked_sums import masked_steps
from hepafed.server.validation import placements

from .federation import Federation


@pytest.fixture
def in_flower(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages be made as in a task of Flower's."""
    for name in ("_task_id", "_run_id", "_node_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no answer of a masked sum longer than a moment."""
    for module in (masked_steps, placements):
        monkeypatch.setattr(module, "STEP_SECONDS", 0.3)


@pytest.fixture
def fed(tmp_path: Path, short_steps: None, in_flower: None) -> Federation:
    return Federation(tmp_path)
