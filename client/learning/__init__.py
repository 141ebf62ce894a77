"""Training and scoring on the site's own lesions."""

from hepafed.client.learning.scoring import batches, no_scores, score, score_tuning
from hepafed.client.learning.trainer import Trainer

__all__ = [
    "Trainer",
    "batches",
    "no_scores",
    "score",
    "score_tuning",
]
