"""Calibration of probabilities: slope and intercept from counts over logits, ECE from tenths."""

import math
from dataclasses import dataclass

import numpy as np
from hepafed.common.statistics.agreement import Estimate, estimate
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FARTHEST = 20.0
"""Logits are cut to ± this (p within 2e-9 of 0 or 1), so that a sure mistake stays finite."""
STEPS = 100


@dataclass(frozen=True)
class Calibration:
    """The fit of logit(observed) = intercept + slope · logit(score) (Cox 1958)."""

    slope: Estimate
    intercept: Estimate
    """The intercept that is fitted together with the slope."""
    in_the_large: Estimate
    """The intercept with the slope held at 1; above 0 where risks are estimated too low."""


def calibrate(logits: Floats, positives: Floats, negatives: Floats) -> Calibration | str:
    """Return slope and intercept of counts float64[k] at logits float64[k], or why there are none.

    Newton steps on sums that add over bins, so that pooled histograms give what the pooled table
    gives, at bin resolution (logits are right to 1 part in 2,048).
    """
    if positives.sum() == 0 or negatives.sum() == 0:
        return "all of one class"
    x = np.clip(logits, -FARTHEST, FARTHEST)
    held = positives + negatives > 0
    top, bottom = x[negatives > 0], x[positives > 0]
    if np.ptp(x[held]) == 0:
        return "all scores are equal"
    if top.max() <= bottom.min() or bottom.max() <= top.min():
        return "the classes are separated, but for one score at most: no finite slope"
    both = _newton(np.stack([np.ones_like(x), x]), np.zeros_like(x), positives, negatives)
    large = _newton(np.ones((1, len(x))), x, positives, negatives)
    if both is None or large is None:
        return "the fit does not converge"
    return Calibration(slope=both[1], intercept=both[0], in_the_large=large[0])


def _newton(
    design: Floats, offset: Floats, positives: Floats, negatives: Floats
) -> list[Estimate] | None:
    """Fit a logistic regression by Newton's method, halving steps that lose likelihood."""
    n = positives + negatives
    beta = np.zeros(len(design))

    def likelihood(b: Floats) -> float:
        eta = offset + b @ design
        return -float(positives @ np.logaddexp(0, -eta) + negatives @ np.logaddexp(0, eta))

    now = likelihood(beta)
    for _ in range(STEPS):
        eta = offset + beta @ design
        p = np.exp(-np.logaddexp(0, -eta))
        q = np.exp(-np.logaddexp(0, eta))
        information = (design * (n * p * q)) @ design.T
        try:
            step = np.linalg.solve(information, design @ (positives * q - negatives * p))
        except np.linalg.LinAlgError:
            return None
        size = 1.0
        while (then := likelihood(beta + size * step)) < now - 1e-12 * abs(now) and size > 1e-6:
            size /= 2
        beta, now = beta + size * step, then
        if np.abs(size * step).max() < 1e-10:
            break
    else:
        return None
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    if not np.isfinite(errors).all():
        return None
    return [estimate(float(b), float(e)) for b, e in zip(beta, errors, strict=True)]


def expected_error(counts: NDArray[np.int64], positives: NDArray[np.int64], sums: Floats) -> float:
    """Return the expected calibration error over tenths, each [10] (Naeini et al. 2015).

    Σ n_b / n · |share of positives − mean score|.
    """
    gaps = np.abs(positives - sums)
    return float(gaps[counts > 0].sum() / counts.sum()) if counts.sum() else math.nan
