"""Masked sums as the coordinator conducts them: keys, masked vectors, opening, and a restart."""

from hepafed.server.masked_sums.cases import check_cases
from hepafed.server.masked_sums.masked_progress import SumFolder, SumProgress
from hepafed.server.masked_sums.masked_steps import Bands
from hepafed.server.masked_sums.masked_sum import MaskedSum, WantedSum, masked_sum

__all__ = [
    "Bands",
    "MaskedSum",
    "SumFolder",
    "SumProgress",
    "WantedSum",
    "check_cases",
    "masked_sum",
]
