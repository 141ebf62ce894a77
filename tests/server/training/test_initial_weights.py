"""A run's initial weights are the plan's network as its seed draws it."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.network.architecture import build
from hepafed.common.network.weights import Layout, flatten
from hepafed.common.records import write_record
from hepafed.server.training import checkpoints
from hepafed.server.training.initial_weights import main

PLAN = Plan(name="a", protocol="t2-dwi", seed=11)


def told(plan: Plan, out: str = "") -> tuple[int, dict[str, Any]]:
    """Return the exit code and what was said."""
    said = io.StringIO()
    code = 0
    try:
        main(out, plan=io.StringIO(json.dumps(write_record(plan))), said=said)
    except SystemExit as e:
        code = int(str(e.code))
    return code, json.loads(said.getvalue())


def test_the_file_is_the_network_of_the_plan_bit_for_bit(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    assert told(PLAN, str(out)) == (0, {"notes": [], "sha256": ""})
    module = build(PLAN)
    state = checkpoints.from_initial(out)
    assert state.layout == Layout.of(module)
    assert (state.round, state.best, state.scores) == (0, -1, {})
    made = np.concatenate(list(checkpoints.parts(state)))
    assert made.tobytes() == flatten(module, state.layout).tobytes()


@pytest.mark.parametrize("out", ["", "out"])
def test_a_plan_that_cannot_be_built_ends_with_its_reason_and_its_hint(
    tmp_path: Path, out: str
) -> None:
    file = tmp_path / "gone.safetensors"
    code, said = told(
        replace(PLAN, model=ModelPlan(weights=str(file))), out and str(tmp_path / out)
    )
    assert code == 1
    assert said["error"] == f"model.weights: gone.safetensors is not on this machine: {file}"
    assert "copy the file to the coordinator's machine" in said["hint"]
    assert [*tmp_path.iterdir()] == []
