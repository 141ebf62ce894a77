"""Where BatchNorm's numbers lie in a vector of weights.

Its statistics are no weights that a step moves: they are averaged as they are, and never
extrapolated, because a variance must not be negative.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import prod

from hepafed.common.network.weights import Layout

STATISTICS = (".running_mean", ".running_var")
"""Ends of the names of BatchNorm's statistics in PyTorch."""
_MEAN = ".running_mean"

Ranges = Sequence[tuple[int, int]]
"""Parts of a vector, (from, to), in order."""


def is_statistic(name: str) -> bool:
    """Return whether an entry of the state dict is a statistic of BatchNorm."""
    return f".{name}".endswith(STATISTICS)


def norm_names(layout: Layout) -> tuple[str, ...]:
    """Return the names of all entries of BatchNorm layers: scale, shift and statistics."""
    layers = {n.removesuffix("running_mean") for n in layout.names if f".{n}".endswith(_MEAN)}
    return tuple(n for n in layout.names if n[: n.rfind(".") + 1] in layers)


def statistics_of(layout: Layout) -> Ranges:
    """Return where the statistics of BatchNorm lie in the vector."""
    found, at = [], 0
    for name, shape in zip(layout.names, layout.shapes, strict=True):
        if is_statistic(name):
            found.append((at, at + prod(shape)))
        at += prod(shape)
    return found


def parts_within(ranges: Ranges, start: int, size: int) -> Iterator[slice]:
    """Yield what of a piece of `size` numbers that begins at `start` lies in the ranges."""
    first = bisect_right(ranges, start, key=lambda r: r[1])
    for low, high in ranges[first:]:
        if low >= start + size:
            return
        yield slice(max(low - start, 0), min(high - start, size))
