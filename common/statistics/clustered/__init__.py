"""Intervals of rates and of kappa that take patients as clusters of their lesions."""

from hepafed.common.statistics.clustered.kappa import clustered_kappa
from hepafed.common.statistics.clustered.products import (
    patient_products,
    possible_products,
)
from hepafed.common.statistics.clustered.rates import (
    Clustered,
    call_intervals,
    clustered_rate,
    right_interval,
)

__all__ = [
    "Clustered",
    "call_intervals",
    "clustered_kappa",
    "clustered_rate",
    "patient_products",
    "possible_products",
    "right_interval",
]
