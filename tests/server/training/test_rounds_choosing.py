"""The weights that become the model: the latest that are not worse than the best by chance."""

from pathlib import Path

import pytest
from hepafed.common.contract.figures import Figure, TaskSummary, TuningFigures
from hepafed.common.contract.plan import Plan
from hepafed.common.network.weights import Layout
from hepafed.server.models.registry import Registry
from hepafed.server.runs.blobs import Blobs, Inbox
from hepafed.server.runs.desk import Desk
from hepafed.server.runs.store import Runs
from hepafed.server.training.checkpoints import State
from hepafed.server.training.rounds import judge


def figures(auc: float, se: float | None, lesions: int = 50) -> TuningFigures:
    task = TaskSummary(
        unit="patient",
        task="malignant_vs_benign",
        positives=20,
        negatives=20,
        auc=Figure(value=auc, se=se),
        true_positives=None,
        true_negatives=None,
        cells=None,
    )
    return TuningFigures(lesions=lesions, macro_auc=auc, tasks=(task,))


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
    runs = Runs(tmp_path)
    desk = Desk(runs, Blobs(tmp_path), Inbox(tmp_path), Registry(tmp_path))
    run = runs.create("train", Plan(name="a", protocol="t2"))
    state = State(Layout(("w",), ((1,),)), tmp_path / "w")
    for number, auc in enumerate(aucs, 1):
        state.round = number
        judge(run, desk, state, {"a": figures(auc, se)})
    assert state.best == best
    assert state.best_figures[0]["macro_auc"] == aucs[best - 1]


def test_the_error_shrinks_with_the_sites(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    desk = Desk(runs, Blobs(tmp_path), Inbox(tmp_path), Registry(tmp_path))
    run = runs.create("train", Plan(name="a", protocol="t2"))
    for sites, best in ((1, 2), (4, 1)):
        state = State(Layout(("w",), ((1,),)), tmp_path / "w")
        for number, auc in ((1, 0.95), (2, 0.935)):
            state.round = number
            judge(run, desk, state, {str(s): figures(auc, 0.02) for s in range(sites)})
        assert state.best == best
