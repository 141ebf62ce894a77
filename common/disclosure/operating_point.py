"""The operating point: a threshold chosen on the sites' pooled tuning cells, with its interval.

Longer than 300 lines because the choice, its aim and its interval share the places of the cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hepafed.common.contract import Aim, TuningFigures, aim_of
from hepafed.common.errors import DataError, PayloadError, RunError
from hepafed.common.statistics import BINS, Intervals, intervals_of, joined, logits_of_bins
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit
from scipy.stats import binom

Floats = NDArray[np.float64]
DRAWS = 1000
"""Bootstrap draws for the interval of the threshold."""
FEWEST = 5
"""Patients of each class below which the threshold gets no interval."""
TIE = 1e-9
"""Rates that differ by no more count as equal: whole numbers of patients differ by far more."""
AT_ONCE = 1 << 22
"""Resampled counts that are in memory together."""
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


@dataclass(frozen=True)
class _Cuts:
    """Where thresholds are tried, and which share of each cell lies in each segment between."""

    at: Floats
    """Probabilities of the edges, ascending, from 0 to 1: float64[cuts + 2]."""
    fine: NDArray[np.bool_]
    """Which segments are single bins, in which nothing can be told apart: bool[cuts + 1]."""
    shares: csr_array
    """Share of each cell in each segment: [cuts + 1, cells]."""

    def above(self, counts: Floats | NDArray[np.int64]) -> Floats:
        """Return the shares at or above each edge of counts [cells, draws]: [cuts + 2, draws]."""
        held = self.shares @ counts
        gone = np.concatenate([np.zeros((1, held.shape[1])), np.cumsum(held, axis=0)])
        return np.asarray(1 - gone / gone[-1])


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
    cuts = _cuts(rows) if positives and negatives else None
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
            ends = _ends_of_draws(cuts, rows, np.random.default_rng(seed), draws)
        else:
            ends = _ends_by_order(cuts, own, aim)
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


def check_tuning(figures: TuningFigures) -> None:
    """Check the tuning figures of a site that a threshold may be chosen on.

    Raises
    ------
    PayloadError
        There is more than one task, its cells are not in order, or they hold other patients than
        the site states, or more than it has lesions.
    """
    if len(figures.tasks) > 1:
        raise PayloadError("the tuning figures have more than one task")
    for task in figures.tasks:
        if min(task.positives, task.negatives) < 0 or (
            task.positives + task.negatives > figures.lesions
        ):
            raise PayloadError("the tuning figures have more patients than lesions")
        if task.cells is None:
            continue
        try:
            held = intervals_of(task.cells).totals
        except DataError as e:
            raise PayloadError(f"the tuning figures cannot be used: {e.message}") from e
        if held != (task.positives, task.negatives):
            raise PayloadError("the tuning cells hold other patients than the site states")


def _cuts(rows: Intervals) -> _Cuts:
    """Return the edges of cells as thresholds, and how each cell's width is divided by them."""
    edges = np.unique(np.concatenate([rows.low, rows.high]))
    chances = _probability(edges)
    # where float64 knows no probability between 0 and 1 there is no threshold
    edges = np.concatenate([[0], edges[(chances > 0) & (chances < 1)], [BINS]])
    at = _probability(edges)
    # a range of edges that are one probability is one place
    kept = np.concatenate([[True], np.diff(at) > 0])
    edges, at = edges[kept], at[kept]
    first = np.searchsorted(edges, rows.low, side="right") - 1
    last = np.maximum(np.searchsorted(edges, rows.high, side="left"), first + 1)
    count = last - first
    cell = np.repeat(np.arange(len(count)), count)
    segment = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
    segment += np.repeat(first, count)
    widths = np.diff(at)
    share = widths[segment] / np.repeat(at[last] - at[first], count)
    shape = (len(widths), len(count))
    return _Cuts(at=at, fine=np.diff(edges) == 1, shares=csr_array((share, (segment, cell)), shape))


def _probability(edges: NDArray[np.int64]) -> Floats:
    """Return the probability of edges between bins, half-way between the logits beside them."""
    logits = logits_of_bins(np.clip(np.stack([edges - 1, edges]), 0, BINS - 1)).mean(0)
    return np.where(edges <= 0, 0.0, np.where(edges >= BINS, 1.0, expit(logits)))


def _middle(cuts: _Cuts, counts: Floats, aim: Aim | None) -> Floats:
    """Return the threshold of counts [cells, 2]: [1]; NaN where an aim is not reached."""
    caught, called = cuts.above(counts[:, :1]), cuts.above(counts[:, 1:])
    if aim is not None:
        return _aimed(cuts, caught, called, aim)
    first, last = _best(caught, called)
    return np.asarray((cuts.at[first] + cuts.at[last]) / 2)


def _best(caught: Floats, called: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and last edge of the lowest range with the largest sum: [draws] each."""
    index = (caught - called)[1:-1]
    top = index >= index.max(0) - TIE
    first = top.argmax(0)
    places = np.arange(len(index))[:, None]
    ended = ~top & (places > first)
    last = np.where(ended.any(0), ended.argmax(0) - 1, len(index) - 1)
    return first + 1, last + 1


def _aimed(cuts: _Cuts, caught: Floats, called: Floats, aim: Aim) -> Floats:
    """Return the threshold that just reaches an aim, for each draw: [draws]; NaN where none does.

    The threshold may lie inside a wide segment, between two edges, but not beyond the last edges:
    nothing says where in the outermost cells the patients lie.
    """
    at, rate, fine = cuts.at[1:-1], caught[1:-1], cuts.fine[1:-1]
    if aim.figure == "specificity":  # the same from the other end
        at, rate, fine = at[::-1], 1 - called[1:-1][::-1], fine[::-1]
    reached = rate >= aim.at_least - TIE
    found = reached.sum(0) - 1
    here, draws = np.maximum(found, 0), np.arange(rate.shape[1])
    beyond = np.minimum(here + 1, len(at) - 1)
    spare, step = rate[here, draws] - aim.at_least, rate[here, draws] - rate[beyond, draws]
    inside = (beyond > here) & ~np.append(fine, True)[here] & (step > 0)
    part = np.where(inside, np.clip(spare / np.where(step > 0, step, 1), 0, 1), 0)
    return np.where(found >= 0, at[here] + part * (at[beyond] - at[here]), np.nan)


def _refuse_unreachable(cuts: _Cuts, own: Floats, aim: Aim, threshold: float) -> None:
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


def _ends_of_draws(
    cuts: _Cuts, rows: Intervals, rng: np.random.Generator, draws: int
) -> tuple[float, float]:
    """Return the middle 95 % of thresholds chosen when each class's patients are drawn anew."""
    positives, negatives = rows.totals
    at_once = max(1, AT_ONCE // len(rows.low))
    made = []
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        caught = cuts.above(rng.multinomial(positives, rows.positives / positives, size).T)
        called = cuts.above(rng.multinomial(negatives, rows.negatives / negatives, size).T)
        first, last = _best(caught, called)
        low = (cuts.at[first - 1] + cuts.at[first]) / 2
        high = (cuts.at[last] + cuts.at[last + 1]) / 2
        made.append(low + rng.random(size) * (high - low))
    low_end, high_end = np.quantile(np.concatenate(made), (0.025, 0.975))
    return float(low_end), float(high_end)


def _ends_by_order(cuts: _Cuts, own: Floats, aim: Aim) -> tuple[float, float]:
    """Return the thresholds between which the aimed rate may be `aim.at_least` of the population.

    At the population's threshold the number of patients on the right side is binomial; the ends are
    where its 2.5 and 97.5 % quantiles are reached, 0 or 1 where they lie beyond the last edges.
    """
    sensitive = aim.figure == "sensitivity"
    n = int(own[:, 0 if sensitive else 1].sum())
    few, many = (int(k) for k in binom.ppf((0.025, 0.975), n, aim.at_least))
    caught, called = cuts.above(own[:, :1]), cuts.above(own[:, 1:])
    safe, bold = (
        float(_aimed(cuts, caught, called, Aim(aim.figure, k / n))[0]) for k in (many + 1, few)
    )
    last = caught[-2, 0] if sensitive else 1 - called[1, 0]
    if last >= few / n - TIE:
        bold = 1.0 if sensitive else 0.0
    if np.isnan(safe):
        safe = 0.0 if sensitive else 1.0
    return (safe, bold) if sensitive else (bold, safe)


def _in_words(aim: Aim) -> str:
    """Return the rule of a stated aim in words."""
    which = "highest" if aim.figure == "sensitivity" else "lowest"
    return f"{which} threshold with {aim.text} on the pooled tuning scores"
