"""What an opened sum leaves open: in how many ways its cases can be divided among the sites.

The coordinator holds every score of a masked sum with its class, not whose it is. A site's table
of scores is a choice of its own cases among those of the sum, class by class: C(N, n) for n of N
cases. What is known beside the sum must leave at least K such tables (`least_tables`). Two rules
see to it, and both depend on nothing but the numbers of cases that each participant signs
(docs/decisions/0019):

- the sum itself: `check_splits`;
- what leaves beside it: `may_tell`. Whatever has M possible outcomes parts the S tables into M
  groups; fewer than M × K tables lie in groups of fewer than K. If the sites' cases could as well
  have changed places, the chance that a site's table is one of those is below M × K / S.
"""

import math
from collections.abc import Sequence

import numpy as np
from hepafed.common.contract import CLASS_KEYS, Figure
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.statistics import (
    TASK_ORDER,
    ScoreTable,
    auc_from_counts,
    expected_variance,
    newcombe,
    reader_calls,
    reader_pairs,
    score_counts,
    task_scores,
)

Totals = tuple[int, ...]
"""Patients (benign, malignant), then lesions in the order of `CLASS_KEYS`. Where a sum has readers:
then the patients (benign, malignant) whom each reader read, and those whom each pair read both."""
CASES = 2 + len(CLASS_KEYS)
"""How many of the totals are numbers of all cases; those of readings follow."""
BANDED = "newcombe, over the band"
"""The method of an interval of an AUC of which the site released its band alone."""
LEAST_READINGS = 1000
"""Fewest choices of a site's readings among those of a sum; one number for all sites."""
MOST_CASES = 10**6
RARE = 10**6
"""A figure is told beside a sum if fewer than one site in so many could be narrowed down by it."""


def totals_of(table: ScoreTable) -> Totals:
    """Return how many patients and lesions of each class a table holds."""
    malignant = task_scores(table, *TASK_ORDER[0]).truth
    lesions = np.bincount(table.truth, minlength=len(CLASS_KEYS))
    return (int((~malignant).sum()), int(malignant.sum()), *map(int, lesions))


def read_totals(table: ScoreTable, readers: Sequence[str]) -> Totals:
    """Return how many patients each reader, and each pair of readers, read (see `Totals`)."""
    malignant = task_scores(table, *TASK_ORDER[0]).truth
    read = {r: reader_calls(table, r) >= 0 for r in readers}
    made: list[int] = []
    for r in readers:
        made += [int((read[r] & ~malignant).sum()), int((read[r] & malignant).sum())]
    made += [int((read[a] & read[b]).sum()) for a, b in reader_pairs(tuple(readers))]
    return tuple(made)


def check_totals(totals: Totals, patients: int, readers: int = 0) -> None:
    """Check numbers of cases that came over the network; PayloadError if they cannot be."""
    wanted = CASES + 2 * readers + readers * (readers - 1) // 2
    fits = len(totals) == wanted and all(0 <= n <= MOST_CASES for n in totals)
    if not fits or sum(totals[:2]) != patients or sum(totals[2:CASES]) < patients:
        raise PayloadError("the numbers of cases by class are impossible")
    singles = totals[CASES : CASES + 2 * readers]
    within = all(n <= totals[i % 2] for i, n in enumerate(singles))
    if not within or any(n > patients for n in totals[CASES:]):
        raise PayloadError("the numbers of readings are impossible")


def check_splits(own: Totals, whole: Totals, least: int) -> None:
    """Check that the sum `whole` leaves `least` tables of the site's cases `own` possible.

    Raises
    ------
    RefusedError
        It leaves fewer, or a class is this site's alone, whose scores the sum would be.
    """
    if _alone(own[:CASES], whole[:CASES]):
        raise RefusedError(
            "no other site of the masked sum has a case of one of this site's classes: "
            "the sum would give their scores away",
            "take more sites into the validation",
        )
    found = min(splits(own[:2], whole[:2], least), splits(own[2:CASES], whole[2:CASES], least))
    if found < least:
        raise RefusedError(
            f"the masked sum leaves {found} tables of this site's scores possible; "
            f"its policy asks for {least}",
            "take more sites into the validation, or see least_tables in the site guide",
        )


def readings_alone(each: Sequence[Totals], readers: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the readers, and pairs of readers, of whom a sum over these sites has no table.

    Where one site's part of a table leaves fewer than `LEAST_READINGS` choices, or a class is one
    site's alone, no site puts its part in: the rest could be another's alone. All sites and the
    coordinator decide alike, from what each site signed. A pair goes with each of its readers.
    """
    pairs = reader_pairs(tuple(readers))
    named = [*(((r,), 2) for r in readers), *((pair, 1) for pair in pairs)]
    found: list[tuple[str, ...]] = []
    start = CASES
    for name, width in named:
        parts = [t[start : start + width] for t in each]
        whole = [sum(column) for column in zip(*parts, strict=True)]
        start += width
        told = any(
            any(own) and (_alone(own, whole) or splits(own, whole, LEAST_READINGS) < LEAST_READINGS)
            for own in parts
        )
        if told or any((r,) in found for r in name):
            found.append(name)
    return tuple(found)


def _alone(own: Sequence[int], whole: Sequence[int]) -> bool:
    return any(n and n == total for n, total in zip(own, whole, strict=True))


def splits(own: Sequence[int], whole: Sequence[int], enough: int) -> int:
    """Return the product over classes of C(whole, own), `enough` at most."""
    made = 1
    for n, total in zip(own, whole, strict=True):
        ways = 1
        for i in range(min(n, total - n)):
            ways = ways * (total - i) // (i + 1)
            if made * ways >= enough:
                return enough
        made *= ways
    return made


def may_tell(outcomes: int, own: Totals, whole: Totals, least: int) -> bool:
    """Return whether a figure with so many possible values may be told beside the sum `whole`.

    Patients are divided; how many lesions of each class they have is known, and counts as told.
    """
    told = outcomes * math.prod(n + 1 for n in own[2:CASES])
    wanted = told * least * RARE
    return splits(own[:2], whole[:2], wanted) >= wanted


def step_of(positives: int, negatives: int) -> float:
    """Return the width of an AUC's bands: its standard deviation where scores tell nothing.

    √((m + n + 1) / (12 m n)), of the statistic of Mann and Whitney (1947) over m n.
    """
    return math.sqrt((positives + negatives + 1) / (12 * positives * negatives))


def bands_of(positives: int, negatives: int) -> int:
    """Return how many bands 0…1 has; the last one may be narrower."""
    return math.ceil(1 / step_of(positives, negatives) - 1e-9)


def middle_of(band: int, positives: int, negatives: int) -> tuple[float, float]:
    """Return the middle of a band and half its width."""
    step = step_of(positives, negatives)
    low, high = band * step, min(1.0, (band + 1) * step)
    return (low + high) / 2, (high - low) / 2


def own_bands(table: ScoreTable, minimum: int) -> tuple[int | None, ...]:
    """Return the band of each task's AUC; None with fewer than `minimum` cases of a class."""
    made: list[int | None] = []
    for unit, task in TASK_ORDER:
        scores = task_scores(table, unit, task)
        _, p, n = score_counts(scores.logits[scores.truth], scores.logits[~scores.truth])
        m, k = int(p.sum()), int(n.sum())
        found = auc_from_counts(p, n)
        if found is None or min(m, k) < minimum:
            made.append(None)
        else:
            made.append(min(int(found.value / step_of(m, k)), bands_of(m, k) - 1))
    return tuple(made)


def by_task(totals: Totals) -> list[tuple[int, int]]:
    """Return the positives and negatives of each task."""
    lesions = sum(totals[2:CASES])
    return [(totals[1], totals[0]), *((n, lesions - n) for n in totals[2:CASES])]


def released_bands(
    table: ScoreTable, whole: Totals, minimum: int, least: int
) -> tuple[int | None, ...]:
    """Return the bands that may be told beside the sum `whole`; () if none may."""
    bands, own = own_bands(table, minimum), totals_of(table)
    known = [bands_of(*c) for b, c in zip(bands, by_task(own), strict=True) if b is not None]
    if not known or not may_tell(math.prod(known), own, whole, least):
        return ()
    return bands


def banded_figure(band: int, positives: int, negatives: int) -> Figure:
    """Return the AUC of a band, its interval from the numbers of cases, widened by the band.

    The variance is that expected of so many cases at such an AUC (Newcombe 2006), plus that of a
    value spread evenly over the band. The interval holds Newcombe's score interval of every AUC
    of the band.

    Raises
    ------
    PayloadError
        There is no such band.
    """
    if min(positives, negatives) < 1 or not 0 <= band < bands_of(positives, negatives):
        raise PayloadError("there is no such band of an AUC")
    value, half = middle_of(band, positives, negatives)
    variance = expected_variance(value, positives, negatives)
    return Figure(
        value=value,
        low=newcombe(value - half, positives, negatives)[0],
        high=newcombe(min(1.0, value + half), positives, negatives)[1],
        se=math.sqrt(variance + half**2 / 3),
        half_band=half,
    )
