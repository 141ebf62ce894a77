"""Which levels of a variable, which of their calls, and which of their AUCs a site can release."""

from collections.abc import Mapping
from dataclasses import dataclass

from hepafed.common.disclosure.suppression import hide

Counts = tuple[int, int, int, int]
"""Patients of a level: malignant called so, malignant missed, benign called so, benign alarmed."""


@dataclass(frozen=True)
class Kept:
    """The levels of a variable of which something is released."""

    levels: frozenset[str]
    """Their patients by class, and the AUC."""
    malignant: frozenset[str]
    """Their malignant patients by call."""
    benign: frozenset[str]


def choose(counts: Mapping[str, Counts], minimum: int) -> Kept:
    """Choose what is released of each level (name → counts), the smallest count being `minimum`."""
    classes = {v: (tp + fn, tn + fp) for v, (tp, fn, tn, fp) in counts.items()}
    gone = _hidden(classes, minimum)
    malignant = _hidden({v: row[:2] for v, row in counts.items()}, minimum, gone)
    benign = _hidden({v: row[2:] for v, row in counts.items()}, minimum, gone)
    every = frozenset(counts)
    return Kept(every - gone, every - malignant, every - benign)


def _hidden(
    table: Mapping[str, tuple[int, ...]], minimum: int, gone: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Choose the levels to withhold beside those that are gone.

    Levels that are gone hide others only where their sum, which is known, is not nothing. A level
    that holds all there is has the site's own figures, which stand in the summary anyway.
    """
    block = gone if any(any(table[v]) for v in gone) else frozenset()
    filled = {v for v, row in table.items() if any(row)} - gone
    if len(filled) + bool(block) <= 1:
        return gone
    return hide({v: r for v, r in table.items() if v in block | filled}, minimum, block) | gone


def narrowing(
    counts: Mapping[str, Counts], kept: Kept, aucs: Mapping[str, float], minimum: int
) -> frozenset[str]:
    """Choose the levels whose AUC (by name) would narrow down withheld calls, so as to withhold it.

    Every missed malignant patient scores below every alarmed benign one of the same level: an AUC
    says that fn·fp pairs at most are in the wrong order, and tp·tn at most in the right one. With
    these bounds a withheld count must still have `minimum` + 1 possible values, or as many as it
    has without.
    """
    found: frozenset[str] = frozenset()
    for side, shown in ((0, kept.malignant), (2, kept.benign)):
        hidden = frozenset(counts) - shown
        rows = {v: counts[v][side : side + 2] for v in hidden & kept.levels}
        block = sum(sum(counts[v][side : side + 2]) for v in hidden - kept.levels)
        missed = sum(counts[v][side + 1] for v in hidden)
        loose = {v: (0, sum(row)) for v, row in rows.items()} | {"": (0, block)}
        tight = dict(loose)
        for v in rows:
            if v in aucs:
                tight[v] = _bounds(rows[v], counts[v][2 - side : 4 - side], aucs[v])
        if any(_room(tight, v, missed) < min(minimum, _room(loose, v, missed)) for v in rows):
            found |= frozenset(rows)
    return found


def _bounds(row: tuple[int, ...], other: tuple[int, ...], auc: float) -> tuple[int, int]:
    """Give the least and the most wrong calls of a level's class that its AUC lets be."""
    cases = sum(row)
    pairs = cases * sum(other)
    right, wrong = other
    most = round(pairs * 2 * (1 - auc)) // (2 * wrong) if wrong else cases
    least = cases - round(pairs * 2 * auc) // (2 * right) if right else 0
    return max(0, least), min(cases, most)


def _room(bounds: Mapping[str, tuple[int, int]], name: str, total: int) -> int:
    """Give how many further values a count can have, where all of `bounds` add up to `total`."""
    low, high = bounds[name]
    others = [b for k, b in bounds.items() if k != name]
    least = max(low, total - sum(b[1] for b in others))
    return min(high, total - sum(b[0] for b in others)) - least
