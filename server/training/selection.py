"""The choice of the round whose weights become the model."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from hepafed.common.contract import TuningFigures
from hepafed.common.records import write_record
from hepafed.server.runs import LiveRun
from hepafed.server.training.checkpoints import SiteTuning, TrainingState
from hepafed.server.training.checks import capped
from hepafed.server.training.tuning import PooledTuning, expected_error

T = TypeVar("T")
LARGEST_ERROR = 0.5
"""The largest standard error of an AUC that is believed."""


def judge(
    live: LiveRun,
    state: TrainingState,
    figures: Mapping[str, TuningFigures],
    pooled: PooledTuning | None = None,
) -> None:
    """Keep what the tuning splits say of the weights in `state`, and choose among all.

    `figures` are those of each site; `pooled` those of the sites that gave theirs in a masked sum
    alone: they count as one more.
    """
    if state.round == 0:
        return
    kept = {site: f for site, f in figures.items() if f.form != "masked"}
    rows = {site: row for site, f in kept.items() if (row := _row_of(site, f)) is not None}
    if pooled is not None:
        together = " ".join(pooled.lesions)
        kept[together] = pooled.figures
        if pooled.figures.macro_auc is not None:
            auc = pooled.figures.macro_auc
            rows[together] = SiteTuning(dict(pooled.lesions), auc, pooled.error)
    if not rows:
        live.event("unjudged", round=state.round)
        return
    state.judged[state.round] = rows
    state.figures[state.round] = {names: write_record(f) for names, f in kept.items()}
    choose(state, live.run.plan.rounds.max_share)
    live.event(
        "judged",
        round=state.round,
        auc=state.scores[state.round],
        best=state.best,
        sites=sorted(sites_of(rows)),
        lesions=sum(n for row in rows.values() for n in row.lesions.values()),
        se=error_of(rows, live.run.plan.rounds.max_share),
    )


def _row_of(site: str, figures: TuningFigures) -> SiteTuning | None:
    """Return a site's own figures as a row; None where they cannot be used.

    The error is DeLong's of the patients' AUC, but not below the one that is expected of so many
    patients: DeLong's is 0 where the classes are parted in a few patients by chance.
    """
    auc, lesions = figures.macro_auc, figures.lesions
    if auc is None or not 0 <= auc <= 1 or lesions <= 0:
        return None
    stated, cases = 0.0, (lesions // 2, lesions // 2)
    for task in figures.tasks[:1]:
        stated, cases = task.auc.se or 0.0, (task.positives, task.negatives)
    if not 0 <= stated <= LARGEST_ERROR:
        stated = 0.0
    return SiteTuning({site: lesions}, auc, max(stated, expected_error(auc, *cases)))


def choose(state: TrainingState, share: float) -> None:
    """Choose the best of the judged weights that are kept: `scores` and `best` of `state`.

    A round's AUC is the mean of its rows weighted by lesions, no site with more than `share`; a
    masked sum is one row, with the weights of its sites. Best are the latest weights within one
    standard error of the highest AUC so far (after the one-standard-error rule of Breiman et al.
    1984): a tuning split is small, its highest AUC is often chance, and later weights have come
    further down the learning rate's schedule.
    """
    state.scores, state.best = {}, -1
    for number, rows in sorted(state.judged.items()):
        weights = _weights_of(rows, share)
        auc = sum(weights[k] * row.auc for k, row in rows.items()) / sum(weights.values())
        state.scores[number] = auc
        highest = max(state.scores.values())
        if number in state.figures and auc >= highest - _standard_error(rows, weights):
            state.best = number


def forget(live: LiveRun, state: TrainingState, members: Collection[str]) -> None:
    """Take the figures of sites that are no members any more out of `state`, and choose anew.

    A masked sum with such a site goes whole: nobody can take one site out of it.
    """
    said = {names for rows in state.judged.values() for names in rows}
    gone = sites_of(said.union(*state.figures.values())) - set(members)
    if not gone:
        return
    state.judged = {n: kept for n, rows in state.judged.items() if (kept := _without(rows, gone))}
    state.figures = {n: f for n, rows in state.figures.items() if (f := _without(rows, gone))}
    choose(state, live.run.plan.rounds.max_share)
    live.event("forgotten", sites=sorted(gone), best=state.best)


def sites_of(rows: Iterable[str]) -> set[str]:
    """Return the sites behind some rows, which are named after one site or several (`a b c`)."""
    return {site for names in rows for site in names.split(" ")}


def _without(rows: Mapping[str, T], gone: Collection[str]) -> dict[str, T]:
    return {names: row for names, row in rows.items() if not set(names.split(" ")) & set(gone)}


def error_of(rows: Mapping[str, SiteTuning], share: float) -> float:
    """Return the standard error of a round's tuning AUC, weighted as `choose` does."""
    return _standard_error(rows, _weights_of(rows, share))


def _weights_of(rows: Mapping[str, SiteTuning], share: float) -> dict[str, int]:
    by_site = capped({s: n for row in rows.values() for s, n in row.lesions.items()}, share)
    return {k: sum(by_site[s] for s in row.lesions) for k, row in rows.items()}


def _standard_error(rows: Mapping[str, SiteTuning], weights: Mapping[str, int]) -> float:
    """Return the error of an AUC averaged as tuning AUCs are, from the errors of the rows."""
    squares = sum((weights[k] * row.se) ** 2 for k, row in rows.items())
    return math.sqrt(squares) / sum(weights.values())
