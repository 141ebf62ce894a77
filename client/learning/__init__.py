"""Training and scoring on the site's own lesions."""

from hepafed.client.learning.scoring import batches, score, score_tuning
from hepafed.client.learning.trainer import Flat, Trainer

__all__ = [
    "Flat",
    "Trainer",
    "batches",
    "score",
    "score_tuning",
]
