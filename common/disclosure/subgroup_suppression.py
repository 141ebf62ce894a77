"""Which levels of a variable, which of their calls, and which of their AUCs a site can release."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hepafed.common.disclosure.suppression import hide


class LevelCounts(NamedTuple):
    """The patients of one level, by class and by the model's call."""

    caught: int
    """Malignant patients that are called malignant."""
    missed: int
    """Malignant patients that are called benign."""
    cleared: int
    """Benign patients that are called benign."""
    alarmed: int
    """Benign patients that are called malignant."""

    @property
    def malignant(self) -> tuple[int, int]:
        """The malignant patients, called right and wrong."""
        return self.caught, self.missed

    @property
    def benign(self) -> tuple[int, int]:
        """The benign patients, called right and wrong."""
        return self.cleared, self.alarmed


@dataclass(frozen=True, kw_only=True)
class ReleasedLevels:
    """The levels of a variable of which something is released."""

    levels: frozenset[str]
    """Levels whose patients are released by class, with the AUC."""
    malignant: frozenset[str]
    """Levels whose malignant patients are released by call."""
    benign: frozenset[str]
    """Levels whose benign patients are released by call."""


def choose(counts: Mapping[str, LevelCounts], minimum: int) -> ReleasedLevels:
    """Return what is released of each level (name → counts); `minimum` is the smallest count."""
    gone = _hidden({v: (sum(c.malignant), sum(c.benign)) for v, c in counts.items()}, minimum)
    malignant = _hidden({v: c.malignant for v, c in counts.items()}, minimum, gone)
    benign = _hidden({v: c.benign for v, c in counts.items()}, minimum, gone)
    every = frozenset(counts)
    return ReleasedLevels(levels=every - gone, malignant=every - malignant, benign=every - benign)


def _hidden(
    table: Mapping[str, tuple[int, ...]], minimum: int, gone: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Return the levels to withhold, with those that are gone.

    Levels that are gone hide others only where their sum, which is known, is not nothing. A level
    that holds all there is has the site's own figures, which stand in the summary anyway.
    """
    block = gone if any(any(table[v]) for v in gone) else frozenset()
    filled = {v for v, row in table.items() if any(row)} - gone
    if len(filled) + bool(block) <= 1:
        return gone
    return hide({v: r for v, r in table.items() if v in block | filled}, minimum, block) | gone


def narrowing(
    counts: Mapping[str, LevelCounts],
    released: ReleasedLevels,
    aucs: Mapping[str, float],
    minimum: int,
) -> frozenset[str]:
    """Return the levels whose AUC must be withheld, since it would narrow down withheld calls.

    Every missed malignant patient scores below every alarmed benign one of the same level: an AUC
    says that missed · alarmed pairs at least are in the wrong order, and caught · cleared in the
    right one. With
    these bounds a withheld count must still have `minimum` + 1 possible values, or as many as it
    has without.
    """
    found: frozenset[str] = frozenset()
    malignant = {v: c.malignant for v, c in counts.items()}
    benign = {v: c.benign for v, c in counts.items()}
    for own, other, shown in (
        (malignant, benign, released.malignant),
        (benign, malignant, released.benign),
    ):
        hidden = frozenset(counts) - shown
        rows = {v: own[v] for v in hidden & released.levels}
        block = sum(sum(own[v]) for v in hidden - released.levels)
        wrong = sum(own[v][1] for v in hidden)
        loose = {v: (0, sum(row)) for v, row in rows.items()} | {"": (0, block)}
        tight = dict(loose)
        for v in rows:
            if v in aucs:
                tight[v] = _bounds(rows[v], other[v], aucs[v])
        if any(_room(tight, v, wrong) < min(minimum, _room(loose, v, wrong)) for v in rows):
            found |= frozenset(rows)
    return found


def _bounds(row: tuple[int, ...], other: tuple[int, ...], auc: float) -> tuple[int, int]:
    """Return the least and the most wrong calls of a level's class that its AUC lets be."""
    cases = sum(row)
    pairs = cases * sum(other)
    right, wrong = other
    most = round(pairs * 2 * (1 - auc)) // (2 * wrong) if wrong else cases
    least = cases - round(pairs * 2 * auc) // (2 * right) if right else 0
    return max(0, least), min(cases, most)


def _room(bounds: Mapping[str, tuple[int, int]], name: str, total: int) -> int:
    """Return how many further values a count can have, where all of `bounds` add up to `total`."""
    low, high = bounds[name]
    others = [b for k, b in bounds.items() if k != name]
    least = max(low, total - sum(b[1] for b in others))
    return min(high, total - sum(b[0] for b in others)) - least
