"""The places at which thresholds are tried on pooled cells, and what lies above each of them."""

from dataclasses import dataclass

import numpy as np
from hepafed.common.contract import Aim
from hepafed.common.statistics import BINS, Intervals, logits_of_bins
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

Floats = NDArray[np.float64]
TIE = 1e-9
"""Rates that differ by no more count as equal: whole numbers of patients differ by far more."""


@dataclass(frozen=True)
class Cuts:
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


def cuts_of(rows: Intervals) -> Cuts:
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
    return Cuts(at=at, fine=np.diff(edges) == 1, shares=csr_array((share, (segment, cell)), shape))


def _probability(edges: NDArray[np.int64]) -> Floats:
    """Return the probability of edges between bins, half-way between the logits beside them."""
    logits = logits_of_bins(np.clip(np.stack([edges - 1, edges]), 0, BINS - 1)).mean(0)
    return np.where(edges <= 0, 0.0, np.where(edges >= BINS, 1.0, expit(logits)))


def best_edges(caught: Floats, called: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and last edge of the lowest range with the largest sum: [draws] each."""
    index = (caught - called)[1:-1]
    top = index >= index.max(0) - TIE
    first = top.argmax(0)
    places = np.arange(len(index))[:, None]
    ended = ~top & (places > first)
    last = np.where(ended.any(0), ended.argmax(0) - 1, len(index) - 1)
    return first + 1, last + 1


def just_reached(cuts: Cuts, caught: Floats, called: Floats, aim: Aim) -> Floats:
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
