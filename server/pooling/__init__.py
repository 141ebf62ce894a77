"""Pool what sites released into one report (docs/statistics.md); nothing here ever sees a score."""

from hepafed.server.pooling.check import check_comparison, check_summary
from hepafed.server.pooling.comparisons import Compared
from hepafed.server.pooling.drift import reference_of
from hepafed.server.pooling.evidence import Group, evidence
from hepafed.server.pooling.joining import LEAST_SHARE, reader_too_few
from hepafed.server.pooling.pool import Questions, pool

__all__ = [
    "LEAST_SHARE",
    "Compared",
    "Group",
    "Questions",
    "check_comparison",
    "check_summary",
    "evidence",
    "pool",
    "reader_too_few",
    "reference_of",
]
