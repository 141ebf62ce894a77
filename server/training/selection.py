"""The choice of the round whose weights become the model."""

import math
from collections.abc import Collection, Mapping
from typing import TypeVar

from hepafed.common.contract import TuningFigures
from hepafed.common.records import write_record
from hepafed.server.runs import LiveRun
from hepafed.server.training.checkpoints import SiteTuning, TrainingState
from hepafed.server.training.checks import capped

T = TypeVar("T")


def judge(live: LiveRun, state: TrainingState, figures: Mapping[str, TuningFigures]) -> None:
    """Keep what the sites' tuning splits say of the weights in `state`, and choose among all."""
    rows = {
        site: SiteTuning(f.lesions, f.macro_auc, f.tasks[0].auc.se if f.tasks else None)
        for site, f in figures.items()
        if f.macro_auc is not None and 0 <= f.macro_auc <= 1 and f.lesions > 0
    }
    if not rows or state.round == 0:
        return
    state.judged[state.round] = rows
    state.figures[state.round] = {site: write_record(f) for site, f in figures.items()}
    choose(state, live.run.plan.rounds.max_share)
    live.event("judged", round=state.round, auc=state.scores[state.round], best=state.best)


def choose(state: TrainingState, share: float) -> None:
    """Choose the best of the judged weights that are kept: `scores` and `best` of `state`.

    A round's AUC is the sites' mean weighted by lesions, no site with more than `share`. Best are
    the latest weights within one standard error of the highest AUC so far (after the
    one-standard-error rule of Breiman et al. 1984): a tuning split is small, its highest AUC is
    often chance, and later weights have come further down the learning rate's schedule.
    """
    state.scores, state.best = {}, -1
    for number, rows in sorted(state.judged.items()):
        weights = capped({site: row.lesions for site, row in rows.items()}, share)
        auc = sum(weights[s] * row.auc for s, row in rows.items()) / sum(weights.values())
        state.scores[number] = auc
        highest = max(state.scores.values())
        if number in state.figures and auc >= highest - _standard_error(rows, weights):
            state.best = number


def forget(live: LiveRun, state: TrainingState, members: Collection[str]) -> None:
    """Take the figures of sites that are no members any more out of `state`, and choose anew."""
    said = {site for rows in state.judged.values() for site in rows}
    gone = said.union(*state.figures.values()) - set(members)
    if not gone:
        return
    state.judged = {n: kept for n, rows in state.judged.items() if (kept := _without(rows, gone))}
    state.figures = {n: f for n, rows in state.figures.items() if (f := _without(rows, gone))}
    choose(state, live.run.plan.rounds.max_share)
    live.event("forgotten", sites=sorted(gone), best=state.best)


def _without(rows: Mapping[str, T], gone: Collection[str]) -> dict[str, T]:
    return {site: row for site, row in rows.items() if site not in gone}


def _standard_error(rows: Mapping[str, SiteTuning], weights: Mapping[str, int]) -> float:
    """Return the error of an AUC averaged as tuning AUCs are, from the patients' DeLong errors."""
    known = [
        (weights[site], row.se)
        for site, row in rows.items()
        if row.se is not None and 0 <= row.se <= 0.5
    ]
    if not known:
        return 0.0
    return math.sqrt(sum((n * se) ** 2 for n, se in known)) / sum(n for n, _ in known)
