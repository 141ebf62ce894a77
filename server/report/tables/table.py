"""A table of the page, and the cells that tables share."""

from dataclasses import dataclass

from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    IntervalEstimate,
    PatientInterval,
    PointEstimate,
    RateEstimate,
)
from hepafed.server.report.tables.words import (
    NONE,
    HasInterval,
    HasTask,
    interval,
    number,
    shown,
)

HEADLINE = ("patient", "malignant_vs_benign")
AnyEstimate = AucEstimate | BriefAuc | IntervalEstimate | PointEstimate | RateEstimate


@dataclass(frozen=True)
class Table:
    """A table: a cell is text, a number, or (value, small print below it)."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    note: str = ""
    span: int = 1
    """Number of cells that name each row."""


def is_headline(row: HasTask) -> bool:
    """Return whether a row is of the question that the page opens with."""
    return (row.unit, row.task) == HEADLINE


def estimate(found: AnyEstimate | None) -> tuple[str, str]:
    """Return a figure as a cell: the value, with its interval or the reason below."""
    if found is None:
        return NONE, ""
    if found.value is None:
        return NONE, found.reason
    if isinstance(found, PointEstimate):
        return number(found.value), ""
    return number(found.value), remarked(found)


def remarked(found: HasInterval) -> str:
    """Return the interval that is shown, with its remark, or the reason why there is none."""
    known = shown(found)
    remark = known.reason if isinstance(known, PatientInterval) else ""
    return "; ".join(part for part in (interval(found), remark) if part)
