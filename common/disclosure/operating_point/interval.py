"""The interval of a threshold: patients drawn anew, or the order statistics of one class."""

import numpy as np
from hepafed.common.contract import Aim
from hepafed.common.disclosure.operating_point.cuts import (
    TIE,
    Cuts,
    Floats,
    best_edges,
    just_reached,
)
from hepafed.common.statistics import Intervals
from scipy.stats import binom

AT_ONCE = 1 << 22
"""Resampled counts that are in memory together."""


def ends_of_draws(
    cuts: Cuts, rows: Intervals, rng: np.random.Generator, draws: int
) -> tuple[float, float]:
    """Return the middle 95 % of thresholds chosen when each class's patients are drawn anew."""
    positives, negatives = rows.totals
    at_once = max(1, AT_ONCE // len(rows.low))
    made = []
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        caught = cuts.above(rng.multinomial(positives, rows.positives / positives, size).T)
        called = cuts.above(rng.multinomial(negatives, rows.negatives / negatives, size).T)
        first, last = best_edges(caught, called)
        low = (cuts.at[first - 1] + cuts.at[first]) / 2
        high = (cuts.at[last] + cuts.at[last + 1]) / 2
        made.append(low + rng.random(size) * (high - low))
    low_end, high_end = np.quantile(np.concatenate(made), (0.025, 0.975))
    return float(low_end), float(high_end)


def ends_by_order(cuts: Cuts, own: Floats, aim: Aim) -> tuple[float, float]:
    """Return the thresholds between which the aimed rate may be `aim.at_least` of the population.

    At the population's threshold the number of patients on the right side is binomial; the ends are
    where its 2.5 and 97.5 % quantiles are reached, 0 or 1 where they lie beyond the last edges.
    """
    sensitive = aim.figure == "sensitivity"
    n = int(own[:, 0 if sensitive else 1].sum())
    few, many = (int(k) for k in binom.ppf((0.025, 0.975), n, aim.at_least))
    caught, called = cuts.above(own[:, :1]), cuts.above(own[:, 1:])
    safe, bold = (
        float(just_reached(cuts, caught, called, Aim(aim.figure, kept / n))[0])
        for kept in (many + 1, few)
    )
    last = caught[-2, 0] if sensitive else 1 - called[1, 0]
    if last >= few / n - TIE:
        bold = 1.0 if sensitive else 0.0
    if np.isnan(safe):
        safe = 0.0 if sensitive else 1.0
    return (safe, bold) if sensitive else (bold, safe)
