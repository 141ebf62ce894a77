"""What a rehearsal (a training with `epochs = 0`) measured, and what a training will need."""

from hepafed.server.rehearsal.measured import (
    Rehearsal,
    TrainingNeeds,
    copy_bytes,
    estimate,
    longest_round,
    measured,
    server_disk,
    update_bytes,
)
from hepafed.server.rehearsal.words import sentences, size_words, time_words

__all__ = [
    "Rehearsal",
    "TrainingNeeds",
    "copy_bytes",
    "estimate",
    "longest_round",
    "measured",
    "sentences",
    "server_disk",
    "size_words",
    "time_words",
    "update_bytes",
]
