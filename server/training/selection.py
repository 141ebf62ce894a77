"""The choice of the round whose weights become the model."""

import math
from collections.abc import Mapping

from hepafed.common.contract import TuningFigures
from hepafed.common.records import write_record
from hepafed.server.runs import LiveRun
from hepafed.server.training.checkpoints import TrainingState


def judge(live: LiveRun, state: TrainingState, figures: Mapping[str, TuningFigures]) -> None:
    """Keep the tuning AUC of the weights in `state`: the sites' mean weighted by lesions.

    Best are the latest weights within one standard error of the highest AUC so far (after the
    one-standard-error rule of Breiman et al. 1984): a tuning split is small, its highest AUC is
    often chance, and later weights have come further down the learning rate's schedule.
    """
    usable = [
        (f.lesions, f.macro_auc)
        for f in figures.values()
        if f.macro_auc is not None and 0 <= f.macro_auc <= 1 and f.lesions > 0
    ]
    if not usable or state.round == 0:
        return
    auc = sum(n * a for n, a in usable) / sum(n for n, _ in usable)
    state.scores[state.round] = auc
    if auc >= max(state.scores.values()) - _standard_error(figures):
        state.best = state.round
        state.best_figures = [write_record(f) for f in figures.values()]
    live.event("judged", round=state.round, auc=auc, best=state.best)


def _standard_error(figures: Mapping[str, TuningFigures]) -> float:
    """Return the error of an AUC averaged as tuning AUCs are, from the patients' DeLong errors."""
    known = [
        (f.lesions, t.auc.se)
        for f in figures.values()
        for t in f.tasks[:1]
        if f.lesions > 0 and t.auc.se is not None and 0 <= t.auc.se <= 0.5
    ]
    if not known:
        return 0.0
    return math.sqrt(sum((n * se) ** 2 for n, se in known)) / sum(n for n, _ in known)
