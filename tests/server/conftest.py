"""The federation in memory."""

from pathlib import Path

import pytest
from flwr.supercore.task_identity import TaskIdentity

from .federation import Federation


@pytest.fixture
def in_flower(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages be made as in a task of Flower's."""
    for name in ("_task_id", "_run_id", "_node_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)


@pytest.fixture
def fed(tmp_path: Path, in_flower: None) -> Federation:
    return Federation(tmp_path)
