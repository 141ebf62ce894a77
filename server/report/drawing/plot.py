"""A figure of the page, and what all figures take from the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from hepafed.server.formats import Report, ResultRow
from hepafed.server.report.drawing.frame import Drawing
from hepafed.server.report.tables import Table, is_headline, results


@dataclass(frozen=True)
class Plot:
    """One figure of the page; `svg` is None where there is a reason instead."""

    id: str
    title: str
    caption: str
    svg: Drawing | None = None
    reason: str = ""
    table: Table | None = None
    tall: bool = False
    """Whether the figure fills a page when printed."""


def headline_rows(report: Report) -> list[ResultRow]:
    """Return the results of malignant versus benign per patient, in every scope."""
    return [r for r in results.rows_shown(report) if is_headline(r)]


def pooled_of(rows: Sequence[ResultRow]) -> ResultRow | None:
    """Return the pooled row, where there is one."""
    return next((r for r in rows if r.scope == "pooled"), None)


def why_absent(rows: Sequence[ResultRow]) -> str:
    """Return the reason that the report holds for a figure that is not there."""
    reasons = (r.auc.reason for r in rows if r.scope == "pooled" and r.auc.reason)
    return next(reasons, "no site released the counts that this figure needs")
