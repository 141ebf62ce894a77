"""Check that what a site released can be, before it is pooled."""

from hepafed.common.bins import intervals_of, pair_intervals
from hepafed.common.errors import DataError, HepaFedError
from hepafed.common.messages import SiteSummary, TaskSummary
from hepafed.server.pooling.evidence import evidence

SHARES = ("clustered", "partial_auc", "sensitivity_at", "specificity_at", "average_precision")


def check_summary(site: str, summary: SiteSummary) -> None:
    """Check that a summary's numbers can be; DataError names the site when they cannot."""
    for t in summary.tasks:
        _check_counts(site, t)
        if t.cells is not None:
            if intervals_of(t.cells).totals != (t.positives, t.negatives):
                raise DataError(f"{site} released cells that do not add up to its counts")
            if t.unit == "lesion":
                pair_intervals(t.cells, first=True)
        figures = [t.auc, *(f for n, f in t.figures.items() if n.startswith(SHARES))]
        for value in (v for f in figures for v in (f.value, f.low, f.high)):
            if value is not None and not 0 <= value <= 1:
                raise DataError(f"{site} released an AUC outside 0…1")
    for value in (v for f in summary.figures.values() for v in (f.value, f.low, f.high)):
        if value is not None and not 0 <= value <= 1:
            raise DataError(f"{site} released an AUC outside 0…1")
    _check_sections(site, summary)


def _check_counts(site: str, t: TaskSummary) -> None:
    tp, tn = t.true_positives or 0, t.true_negatives or 0
    if min(t.positives, t.negatives, tp, tn) < 0 or tp > t.positives or tn > t.negatives:
        raise DataError(f"{site} released counts that cannot be")


def _check_sections(site: str, summary: SiteSummary) -> None:
    try:
        known = evidence({site: summary})
    except HepaFedError as e:
        raise DataError(f"{site} released {e.message}") from e
    s = known.sections
    for values in s.values():
        if not isinstance(values, str) and values.min(initial=0) < 0:
            raise DataError(f"{site} released a count below zero")
    called, decision = known.section("called"), known.section("decision")
    reliability, confusion = known.section("reliability"), known.section("confusion")
    if called is not None:
        by_truth = called.sum(2)
        if decision is not None and (decision > by_truth[:, :, None]).any():
            raise DataError(f"{site} released a decision curve of more cases than it has")
        if reliability is not None and (reliability.sum(2) != by_truth).any():
            raise DataError(f"{site} released a reliability table of other cases than it has")
    if confusion is not None and confusion.sum() != summary.lesions:
        raise DataError(f"{site} released a confusion table of other lesions than it has")
