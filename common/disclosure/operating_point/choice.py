"""The choice: the threshold of a rule on the pooled tuning cells, with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hepafed.common.contract import Aim, TuningFigures, aim_of
from hepafed.common.disclosure.operating_point.cuts import (
    TIE,
    Cuts,
    Floats,
    best_edges,
    cuts_of,
    just_reached,
)
from hepafed.common.disclosure.operating_point.interval import ends_by_order, ends_of_draws
from hepafed.common.errors import RunError
from hepafed.common.statistics import BINS, intervals_of, joined

DRAWS = 1000
"""Bootstrap draws for the interval of the threshold."""
FEWEST = 5
"""Patients of each class below which the threshold gets no interval."""
PLACEHOLDER = "0.5, a placeholder: "
YOUDEN = "largest sum of sensitivity and specificity on the pooled tuning scores"


@dataclass(frozen=True, kw_only=True)
class ChosenThreshold:
    """A threshold on 1 − p(benign), and what it was chosen on."""

    threshold: float
    """From which probability on a patient is called malignant."""
    rule: str
    """Rule by which it was chosen, in words."""
    low: float | None = None
    """Lower end of the threshold's 95 % interval."""
    high: float | None = None
    """Upper end."""
    positives: int = 0
    """Malignant tuning patients in the cells."""
    negatives: int = 0
    """Benign tuning patients in the cells."""
    sites: int = 0
    """Sites whose cells were pooled."""
    cuts: int = 0
    """Places at which edges part the scores; the edges of one gap are one place."""


def choose_threshold(
    figures: Sequence[TuningFigures],
    rule: str = "youden",
    seed: int = 0,
    draws: int = DRAWS,
    sites: Sequence[int] = (),
) -> ChosenThreshold:
    """Return the operating point of a rule of the plan, on the pooled tuning cells of the sites.

    A cell that straddles a threshold counts on both sides of it, by the share of its width in
    probability: patients of both classes alike, so that neither is favoured. Cells of single bins
    are exact. `youden` takes the largest sum of sensitivity and specificity (Youden 1950); where a
    range of thresholds gives one sum its middle, of several ranges the lowest. A stated aim
    (`sensitivity >= 0.95`) takes the highest threshold that reaches it; an aim at the specificity
    takes the lowest.

    The interval of the largest sum holds the middle 95 % of the thresholds that are chosen when the
    patients of each class are drawn anew (percentile bootstrap, Efron and Tibshirani 1993; for
    cut-points Fluss, Faraggi and Reiser 2005). From cells its place is known no better than to
    half-way to the next edges, so each draw lies anywhere there. The interval of an aim is that of
    a quantile by order statistics, from the binomial distribution (Conover 1999, 3.2).

    A site with one cell says nothing of where its scores lie and is left out. `sites`: of how many
    sites each of the figures is (default: one). Without `draws` there is no interval. Without
    patients of both classes, or an edge that parts them, `youden` gives 0.5, a placeholder.

    Raises
    ------
    RunError
        The tuning cells do not reach the stated aim (the message says what they reach), or nothing
        can be chosen on them.
    """
    aim = aim_of(rule)
    each = zip(sites or [1] * len(figures), figures, strict=True)
    known = [(n, intervals_of(t.cells)) for n, f in each for t in f.tasks if t.cells]
    cells = [(n, c) for n, c in known if (c.high - c.low < BINS).any()]
    rows = joined([c for _, c in cells])
    positives, negatives = rows.totals
    cuts = cuts_of(rows) if positives and negatives else None
    own = np.stack([rows.positives, rows.negatives], axis=1).astype(float)
    places = int(np.count_nonzero(cuts.shares @ own.sum(1))) - 1 if cuts else 0
    if cuts is None or not places:
        return _placeholder(_why_none(int(positives), int(negatives)), aim)
    threshold = float(_middle(cuts, own, aim)[0])
    if aim is not None:
        _refuse_unreachable(cuts, own, aim, threshold)
    low = high = None
    if draws and min(positives, negatives) >= FEWEST:
        if aim is None:
            ends = ends_of_draws(cuts, rows, np.random.default_rng(seed), draws)
        else:
            ends = ends_by_order(cuts, own, aim)
        low, high = min(ends[0], threshold), max(ends[1], threshold)
    return ChosenThreshold(
        threshold=threshold,
        rule=YOUDEN if aim is None else _in_words(aim),
        low=low,
        high=high,
        positives=positives,
        negatives=negatives,
        sites=sum(n for n, _ in cells),
        cuts=places,
    )


def _why_none(positives: int, negatives: int) -> str:
    """Return why no threshold can be chosen on the released cells of so many patients."""
    if positives + negatives == 0:
        return "no site released tuning scores, its own or in a masked sum, that part its patients"
    if not (positives and negatives):
        return (
            f"the released tuning scores are of one class only: {positives} malignant and "
            f"{negatives} benign patients"
        )
    return "no edge between the released cells parts the tuning scores"


def _placeholder(why: str, aim: Aim | None) -> ChosenThreshold:
    """Return the threshold where nothing can be chosen; an aim that was stated is refused."""
    if aim is not None:
        raise RunError(
            f"no threshold can be chosen with {aim.text}: {why}",
            "state the rule youden for a placeholder of 0.5",
        )
    return ChosenThreshold(threshold=0.5, rule=PLACEHOLDER + why)


def _middle(cuts: Cuts, counts: Floats, aim: Aim | None) -> Floats:
    """Return the threshold of counts [cells, 2]: [1]; NaN where an aim is not reached."""
    caught, called = cuts.above(counts[:, :1]), cuts.above(counts[:, 1:])
    if aim is not None:
        return just_reached(cuts, caught, called, aim)
    first, last = best_edges(caught, called)
    return np.asarray((cuts.at[first] + cuts.at[last]) / 2)


def _refuse_unreachable(cuts: Cuts, own: Floats, aim: Aim, threshold: float) -> None:
    """Refuse an aim that no threshold reaches, or only one that calls all patients alike."""
    caught, called = cuts.above(own[:, :1])[1:-1, 0], cuts.above(own[:, 1:])[1:-1, 0]
    aimed, other = (caught, 1 - called) if aim.figure == "sensitivity" else (1 - called, caught)
    useful = other > TIE
    alike = not np.isnan(threshold) and not (useful & (aimed >= aim.at_least - TIE)).any()
    if not (np.isnan(threshold) or alike):
        return
    most = float(aimed[useful].max(initial=0))
    raise RunError(
        f"the pooled tuning scores reach no {aim.text} between their cells; the highest "
        f"{aim.figure} of a useful threshold is {int(most * 1000) / 1000:.3f}",
        "state a lower aim, or the rule youden",
    )


def _in_words(aim: Aim) -> str:
    """Return the rule of a stated aim in words."""
    which = "highest" if aim.figure == "sensitivity" else "lowest"
    return f"{which} threshold with {aim.text} on the pooled tuning scores"
