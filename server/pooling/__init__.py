"""Pool what sites released into one report (docs/statistics.md); nothing here ever sees a score."""

from hepafed.server.pooling.check import MOST_MINIMUM, check_comparison, check_summary
from hepafed.server.pooling.comparisons import Compared
from hepafed.server.pooling.drift import reference_of
from hepafed.server.pooling.evidence import Group, evidence
from hepafed.server.pooling.joining import LEAST_SHARE, reader_too_few
from hepafed.server.pooling.noisy import NoisySum, check_noisy, noisy_report
from hepafed.server.pooling.pool import Questions, pool

__all__ = [
    "LEAST_SHARE",
    "MOST_MINIMUM",
    "Compared",
    "Group",
    "NoisySum",
    "Questions",
    "check_comparison",
    "check_noisy",
    "check_summary",
    "evidence",
    "noisy_report",
    "pool",
    "reader_too_few",
    "reference_of",
]
