"""A table of the page, and the cells that tables share."""

from dataclasses import dataclass

from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    IntervalEstimate,
    PointEstimate,
    RateEstimate,
)
from hepafed.server.report.tables.rounding import percent, percent_interval
from hepafed.server.report.tables.words import NONE, HasTask, interval, number, value_of

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


def cell_words(value: object) -> tuple[str, str]:
    """Return a cell as words: what it says and its small print; numbers to four places."""
    if isinstance(value, tuple | list):
        main, small = value
        return cell_words(main)[0], str(small or "")
    return (number(value, 4) if isinstance(value, float) else number(value)), ""


def estimate(found: AnyEstimate | None, places: int = 3) -> tuple[str, str]:
    """Return a figure as a cell: the value, with its interval or the reason below.

    A rate is in percent, with its counts.
    """
    if found is None:
        return NONE, ""
    if found.value is None:
        return NONE, found.reason
    if isinstance(found, RateEstimate):
        counts = "" if found.denominator is None else f"{found.numerator}/{found.denominator}"
        ends = percent_interval(found)
        return percent(found.value, found.denominator or 0), "; ".join(filter(None, (ends, counts)))
    shown = value_of(found.value, places)
    return shown, "" if isinstance(found, PointEstimate) else interval(found, places)
