"""Training: rounds, aggregation, checkpoints, the choice of the model and its freezing."""

from hepafed.server.training.checkpoints import has_checkpoint
from hepafed.server.training.rounds import train

__all__ = [
    "has_checkpoint",
    "train",
]
