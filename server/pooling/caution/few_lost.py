"""Few cases on the wrong side: what was simulated of such AUCs is said beside their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hepafed.common.contract.messages import SiteSummary
from hepafed.server.formats import ComparisonRow

CAUTIOUS = (
    "cautious interval: with so few cases at such an AUC it can hold the true value in up to 99 of "
    "100 studies; but where positives spread far more than negatives, it can lie wholly above the "
    "true value in up to 7 of 100 studies"
)
CAUTIOUS_GAIN = (
    "cautious interval: with so few cases at such AUCs it can hold the true difference in up to 99 "
    "of 100 studies"
)
LEAST_LOST = 6.0
"""Smaller class times the distance of the AUC from 0 or 1 below which an interval has a remark."""


def few_lost(value: float, cases: tuple[int, int]) -> bool:
    """Return whether the interval of an AUC of so many positives and negatives has a remark."""
    return min(cases) * min(value, 1 - value) < LEAST_LOST


def as_patients(unit: str, cases: tuple[int, int], size: Sequence[int] | None) -> tuple[int, int]:
    """Return how many patients lesions are worth; `size`: patients and lesions of the scope."""
    if unit != "lesion" or size is None or not size[1]:
        return cases
    m, n = (int(c * size[0] / size[1]) for c in cases)
    return m, n


def with_caution(
    rows: Sequence[ComparisonRow], summaries: Mapping[str, SiteSummary]
) -> list[ComparisonRow]:
    """Return comparisons with a remark where the AUC nearer to 0 or 1 would have one."""
    made = []
    for row in rows:
        values = [a.value for a in (row.auc_first, row.auc_second) if a.value is not None]
        scope = [v for s, v in summaries.items() if row.site in (None, s)]
        size = (sum(v.patients for v in scope), sum(v.lesions for v in scope))
        cases = as_patients(row.unit, (row.positives, row.n - row.positives), size)
        chosen, few = row.covering, any(few_lost(v, cases) for v in values)
        if few and chosen and chosen.decides and not chosen.warning:
            row = replace(row, covering=replace(chosen, warning=CAUTIOUS_GAIN))
        made.append(row)
    return made
