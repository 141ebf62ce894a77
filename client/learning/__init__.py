"""Training and scoring on the site's own lesions."""

from hepafed.client.learning.images import must_hold_two
from hepafed.client.learning.local_training import ControlVariate
from hepafed.client.learning.scoring import batches, no_scores, score, score_tuning
from hepafed.client.learning.trainer import Trainer

__all__ = [
    "ControlVariate",
    "Trainer",
    "batches",
    "must_hold_two",
    "no_scores",
    "score",
    "score_tuning",
]
