"""What the tuning splits say of a round's weights where sites release no figures of their own."""

from hepafed.server.training.tuning.conduct import PooledTuning, clear_sums, pooled_tuning
from hepafed.server.training.tuning.pooled import expected_error

__all__ = [
    "PooledTuning",
    "clear_sums",
    "expected_error",
    "pooled_tuning",
]
