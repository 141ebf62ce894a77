"""The federation in memory."""

from pathlib import Path

import pytest
from flwr.supercore.task_identity import TaskIdentity
from hepafed.server.validation import masked_sum as masked
from hepafed.server.validation import placements as placing

from .federation import Federation


@pytest.fixture
def fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Federation:
    for module in (masked, placing):
        monkeypatch.setattr(module, "STEP_SECONDS", 0.3)
    for name in ("_task_id", "_run_id", "_node_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)
    return Federation(tmp_path)
