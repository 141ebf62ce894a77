"""The weights that become the model: the latest that are not worse than the best by chance."""

from pathlib import Path
from typing import cast

import pytest
from hepafed.common.contract.figures import Figure, TaskSummary, TuningFigures
from hepafed.common.contract.plan import Plan
from hepafed.common.network.weights import Layout
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sites import Sites
from hepafed.server.runs.stores import Stores
from hepafed.server.training.checkpoints import TrainingState
from hepafed.server.training.selection import judge


def figures(auc: float, se: float | None, lesions: int = 50) -> TuningFigures:
    task = TaskSummary(
        unit="patient",
        task="malignant_vs_benign",
        positives=20_000,  # so many that the stated error is the larger one
        negatives=20_000,
        auc=Figure(value=auc, se=se),
        true_positives=None,
        true_negatives=None,
        cells=None,
    )
    return TuningFigures(lesions=lesions, macro_auc=auc, tasks=(task,))


def training(home: Path) -> LiveRun:
    stores = Stores(home)
    run = stores.runs.create("train", Plan(name="a", protocol="t2"))
    return LiveRun(run, stores, cast("Sites", None))  # nobody is asked


@pytest.mark.parametrize(
    ("aucs", "se", "best"),
    [
        ((0.80, 0.967, 0.963, 0.964), 0.02, 4),
        ((0.80, 0.967, 0.963, 0.930), 0.02, 3),
        ((0.95, 0.90, 0.89), 0.02, 1),
        ((0.90, 0.91, 0.905), None, 2),
        ((0.90, 0.91, 0.905), -5.0, 2),
        ((0.90, 0.91, 0.10), 7.0, 2),
    ],
)
def test_the_latest_round_within_a_standard_error_of_the_best_is_chosen(
    tmp_path: Path, aucs: tuple[float, ...], se: float | None, best: int
) -> None:
    live = training(tmp_path)
    state = TrainingState(Layout(("w",), ((1,),)), tmp_path / "w")
    for number, auc in enumerate(aucs, 1):
        state.round = number
        judge(live, state, {"a": figures(auc, se)})
    assert state.best == best
    assert state.figures[best]["a"]["macro_auc"] == aucs[best - 1]


def test_the_error_shrinks_with_the_sites(tmp_path: Path) -> None:
    live = training(tmp_path)
    for sites, best in ((1, 2), (4, 1)):
        state = TrainingState(Layout(("w",), ((1,),)), tmp_path / "w")
        for number, auc in ((1, 0.95), (2, 0.935)):
            state.round = number
            judge(live, state, {str(s): figures(auc, 0.02) for s in range(sites)})
        assert state.best == best
