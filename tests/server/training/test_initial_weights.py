"""A run's initial weights are the plan's network as its seed draws it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.network.architecture import build
from hepafed.common.network.weights import Layout, flatten
from hepafed.common.records import write_record
from hepafed.server.training import checkpoints
from hepafed.server.training.initial_weights import main

PLAN = Plan(name="a", protocol="t2-dwi", seed=11)


def written(folder: Path, plan: Plan) -> Path:
    (folder / "plan.json").write_text(json.dumps(write_record(plan)))
    return folder / "plan.json"


def test_the_file_is_the_network_of_the_plan_bit_for_bit(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    main(str(written(tmp_path, PLAN)), str(out))
    module = build(PLAN)
    state = checkpoints.from_initial(out)
    assert state.layout == Layout.of(module)
    assert (state.round, state.best, state.scores) == (0, -1, {})
    made = np.concatenate(list(checkpoints.parts(state)))
    assert made.tobytes() == flatten(module, state.layout).tobytes()


def test_a_plan_that_cannot_be_built_ends_with_its_reason_and_its_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = replace(PLAN, model=ModelPlan(weights=str(tmp_path / "gone.safetensors")))
    with pytest.raises(SystemExit) as ended:
        main(str(written(tmp_path, plan)), str(tmp_path / "out"))
    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "model.weights: gone.safetensors cannot be read",
        "model.weights names a local safetensors file of timm's inception_resnet_v2",
    ]
    assert not (tmp_path / "out").exists()
