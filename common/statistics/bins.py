"""The one binning of scores that every site shares, and the cells that bins are merged into."""

import itertools
import math
from dataclasses import dataclass, fields

import numpy as np
from hepafed.common.contract import Cells
from hepafed.common.errors import DataError
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
BINS = 1 << 16
LARGEST_LOGIT = 65504.0


def bin_logits(logits: Floats) -> Counts:
    """Return the bin of each logit, 0 to 65,535: the bits of its float16, made monotone."""
    clipped = np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT) + 0.0  # -0 becomes +0
    bits = clipped.astype(np.float16).view(np.uint16).astype(np.int64)
    return np.where(bits & 0x8000, bits ^ 0xFFFF, bits | 0x8000)


def logits_of_bins(bins: Counts) -> Floats:
    """Return the logit that each bin stands for, ±65,504 for those beyond, which hold nothing."""
    bits = np.where(bins & 0x8000, bins ^ 0x8000, bins ^ 0xFFFF).astype(np.uint16)
    logits = bits.view(np.float16).astype(np.float64)
    end = np.where(bins & 0x8000, LARGEST_LOGIT, -LARGEST_LOGIT)
    return np.where(np.isfinite(logits), logits, end)


def logit_of_bin(edge: int) -> float:
    """Return the logit that one bin stands for."""
    return float(logits_of_bins(np.array([edge], np.int64))[0])


def logistic(logit: float) -> float:
    """Return the probability of a logit."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))


@dataclass(frozen=True)
class Histogram:
    """Positives and negatives in each bin, int64[65536] each."""

    positives: Counts
    negatives: Counts
    first_rest: Counts | None = None
    """In lesion tasks, the negatives that are of the first of the two other classes."""


@dataclass(frozen=True)
class Intervals:
    """Ranges of bins, low ≤ bin < high, and the scores of each class in them: int64[k] each.

    The common form of a sum of fine histograms (ranges of one bin) and of sites' cells.
    """

    low: Counts
    high: Counts
    positives: Counts
    negatives: Counts

    @property
    def totals(self) -> tuple[int, int]:
        """The number of positives and of negatives."""
        return int(self.positives.sum()), int(self.negatives.sum())


def intervals_of_histogram(histogram: Histogram) -> Intervals:
    """Return the occupied bins of a fine histogram as intervals of one bin."""
    at = np.flatnonzero(histogram.positives + histogram.negatives)
    return single_bins(at, histogram.positives[at], histogram.negatives[at])


def single_bins(at: Counts, positives: Counts, negatives: Counts) -> Intervals:
    """Return the counts of the bins `at`, int64[k] each, as intervals of one bin."""
    return Intervals(low=at, high=at + 1, positives=positives, negatives=negatives)


def joined(parts: list[Intervals]) -> Intervals:
    """Return the intervals of several sites or groups as one set."""
    if not parts:
        none = np.zeros(0, np.int64)
        return Intervals(low=none, high=none, positives=none, negatives=none)
    return Intervals(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Intervals)}
    )


def mass_of_bins(low: Counts, high: Counts, mass: Counts) -> Floats:
    """Return the counts of intervals, spread evenly over their bins, as float64[65536]."""
    share = mass / (high - low)
    steps = np.bincount(low, weights=share, minlength=BINS + 1)
    steps -= np.bincount(high, weights=share, minlength=BINS + 1)
    wide = (high - low) > 1
    if not wide.any():
        return np.bincount(low, weights=mass, minlength=BINS).astype(np.float64)
    # running sums leave dust of 1e-12 where nothing is; below any count it is nothing
    spread = np.cumsum(steps)[:BINS]
    return np.where(spread < 1e-9, 0.0, spread)


def cells_of(histogram: Histogram, minimum: int) -> Cells | None:
    """Return bins merged until each cell holds `minimum` scores; None for fewer scores in all.

    The remainder joins the last cell. An edge between two cells is the roundest number (most
    trailing zero bits) that parts them, so that it tells as little as it can of any score. With
    a minimum of 1 every occupied bin is a cell of its own, and the gaps are empty cells.
    """
    total = histogram.positives + histogram.negatives
    occupied = np.flatnonzero(total)
    if len(occupied) == 0 or total.sum() < minimum:
        return None
    if minimum <= 1:
        edges = sorted({0, BINS, *occupied.tolist(), *(occupied + 1).tolist()})
    else:
        edges, held = [0], 0
        left = int(total.sum())
        for b, following in itertools.pairwise(occupied.tolist()):
            held += int(total[b])
            if held >= minimum and left - held >= minimum:
                edges.append(_roundest(b + 1, following))
                left, held = left - held, 0
        edges.append(BINS)
    starts = np.array(edges[:-1])

    def merged(counts: Counts | None) -> tuple[int, ...]:
        return () if counts is None else tuple(np.add.reduceat(counts, starts).tolist())

    return Cells(
        edges=tuple(edges),
        positives=merged(histogram.positives),
        negatives=merged(histogram.negatives),
        first_rest=merged(histogram.first_rest),
    )


def _roundest(low: int, high: int) -> int:
    """Return the number in low…high (both included) with the most trailing zero bits."""
    for shift in range(BINS.bit_length(), -1, -1):
        candidate = (high >> shift) << shift
        if candidate >= low:
            return candidate
    return high


def intervals_of(cells: Cells) -> Intervals:
    """Return the cells that hold anything as intervals of bins.

    Raises
    ------
    DataError
        The edges are not ascending bins, or a count is missing, negative or beyond 2^40.
    """
    edges, positives, negatives, _ = _checked(cells)
    return _held(edges, positives, negatives)


def pair_intervals(cells: Cells, *, first: bool) -> Intervals | None:
    """Return a lesion task's positives against one of the other classes, the first or the second.

    None where the cells do not part the two; DataError as in `intervals_of`.
    """
    edges, positives, negatives, first_rest = _checked(cells)
    if not len(first_rest):
        return None
    return _held(edges, positives, first_rest if first else negatives - first_rest)


def _held(edges: Counts, positives: Counts, negatives: Counts) -> Intervals:
    held = (positives + negatives) > 0
    return Intervals(
        low=edges[:-1][held],
        high=edges[1:][held],
        positives=positives[held],
        negatives=negatives[held],
    )


def _checked(cells: Cells) -> tuple[Counts, Counts, Counts, Counts]:
    k = len(cells.edges) - 1
    fits = k == len(cells.positives) == len(cells.negatives) and len(cells.first_rest) in (0, k)
    try:
        edges, positives, negatives, first_rest = (
            np.array(c, np.int64)
            for c in (cells.edges, cells.positives, cells.negatives, cells.first_rest)
        )
    except OverflowError as e:
        raise DataError("the cells of a histogram are not in order") from e
    counts = (positives, negatives, first_rest)
    if not fits or k < 0 or any(c.min(initial=0) < 0 or c.max(initial=0) > 1 << 40 for c in counts):
        raise DataError("the cells of a histogram are not in order")
    if edges[0] < 0 or edges[-1] > BINS or (np.diff(edges) <= 0).any():
        raise DataError("the cells of a histogram are not in order")
    if len(first_rest) and (first_rest > negatives).any():
        raise DataError("the cells of a histogram are not in order")
    return edges, positives, negatives, first_rest
