"""Strategies beyond the mean: server optimisers, control variates, robust rules, averages."""

from hepafed.server.training.strategies.averaging import averaged
from hepafed.server.training.strategies.blockwise import BlockwiseRule, Krum, median, trimmed_mean
from hepafed.server.training.strategies.control import CONTROL, ControlledMean, control_parts
from hepafed.server.training.strategies.past import Past
from hepafed.server.training.strategies.server_step import AdaptiveMean, MomentumMean
from hepafed.server.training.strategies.site_weights import shared

__all__ = [
    "CONTROL",
    "AdaptiveMean",
    "BlockwiseRule",
    "ControlledMean",
    "Krum",
    "MomentumMean",
    "Past",
    "averaged",
    "control_parts",
    "median",
    "shared",
    "trimmed_mean",
]
