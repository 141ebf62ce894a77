"""What a rehearsal (a training with `epochs = 0`) measured, and what a training will need."""

from hepafed.server.rehearsal.measured import Rehearsal, TrainingNeeds, estimate, measured
from hepafed.server.rehearsal.words import sentences

__all__ = [
    "Rehearsal",
    "TrainingNeeds",
    "estimate",
    "measured",
    "sentences",
]
