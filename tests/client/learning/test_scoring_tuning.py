"""A small site may have no tuning patient and trains all the same."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.scoring import score_tuning
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.errors import EmptySplitError
from hepafed.common.network.weights import flatten

PLAN = Plan(name="small", protocol="t2", model=ModelPlan(size=75))


def test_without_a_tuning_lesion_there_are_no_scores_and_nothing_fails(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    Cohort.create(tmp_path).add(
        Crop(f"l{i}", f"p{i}", 0, ("t2",), rng.normal(size=(1, 1, 160, 160)).astype(np.float16))
        for i in range(2)
    )
    trainer = Trainer(tmp_path, 0)
    with pytest.raises(EmptySplitError):
        trainer.images(PLAN, "tune")
    weights = flatten(trainer.network(PLAN).module, trainer.network(PLAN).layout)
    assert score_tuning(trainer, PLAN, weights, "small") is None
