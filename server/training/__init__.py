"""Training: rounds, aggregation, checkpoints."""

from hepafed.server.training.rounds import train

__all__ = [
    "train",
]
