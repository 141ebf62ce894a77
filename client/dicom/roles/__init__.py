"""Which sequence a series is."""

from hepafed.client.dicom.roles.overrides import FILE_NAME, NO_OVERRIDES, Overrides, read_overrides
from hepafed.client.dicom.roles.sequences import PHASE_RULES, SERIES_RULES
from hepafed.client.dicom.roles.series import explain, volumes_of

__all__ = [
    "FILE_NAME",
    "NO_OVERRIDES",
    "PHASE_RULES",
    "SERIES_RULES",
    "Overrides",
    "explain",
    "read_overrides",
    "volumes_of",
]
