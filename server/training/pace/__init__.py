"""Sites of unequal pace: their steps counted, their updates normalised, the absent ones named."""

from hepafed.server.training.pace.absence import OFFLINE, note_absence
from hepafed.server.training.pace.lateness import note_late
from hepafed.server.training.pace.local_work import (
    WHOLE,
    LocalWork,
    check_steps,
    counted_work,
    is_counted,
    work_of,
)
from hepafed.server.training.pace.normalised_mean import NormalisedMean

__all__ = [
    "OFFLINE",
    "WHOLE",
    "LocalWork",
    "NormalisedMean",
    "check_steps",
    "counted_work",
    "is_counted",
    "note_absence",
    "note_late",
    "work_of",
]
