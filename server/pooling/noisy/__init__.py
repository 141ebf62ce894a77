"""Figures of counts that carry noise: only sums over sites exist, and intervals hold the noise."""

from hepafed.server.pooling.noisy.counts import Estimated, NoisySum, check_noisy, estimated
from hepafed.server.pooling.noisy.intervals import noisy_auc, noisy_rate, noisy_total
from hepafed.server.pooling.noisy.rows import noisy_report

__all__ = [
    "Estimated",
    "NoisySum",
    "check_noisy",
    "estimated",
    "noisy_auc",
    "noisy_rate",
    "noisy_report",
    "noisy_total",
]
