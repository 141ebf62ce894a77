"""Noise by choice: the counts that carry it, exact samples, and how sites share it."""

from hepafed.common.disclosure.noise.coarse import (
    CELLS,
    HALF,
    LENGTH,
    SQUARED,
    coarse_counts,
    edges_of,
    halves,
    parts_of,
)
from hepafed.common.disclosure.noise.sampling import discrete_gaussian, noise_of
from hepafed.common.disclosure.noise.shares import (
    LARGEST_SHARE,
    LEAST_SHARE,
    UNIT,
    honest_sites,
    share_for,
    told_by,
    variance_of,
)

__all__ = [
    "CELLS",
    "HALF",
    "LARGEST_SHARE",
    "LEAST_SHARE",
    "LENGTH",
    "SQUARED",
    "UNIT",
    "coarse_counts",
    "discrete_gaussian",
    "edges_of",
    "halves",
    "honest_sites",
    "noise_of",
    "parts_of",
    "share_for",
    "told_by",
    "variance_of",
]
