"""Which sequence a series is."""

from hepafed.client.dicom.roles.explanation import explain
from hepafed.client.dicom.roles.overrides import FILE_NAME, NO_OVERRIDES, Overrides, read_overrides
from hepafed.client.dicom.roles.phases import PHASE_RULES
from hepafed.client.dicom.roles.sequences import SERIES_RULES, is_computed
from hepafed.client.dicom.roles.series import volumes_of

__all__ = [
    "FILE_NAME",
    "NO_OVERRIDES",
    "PHASE_RULES",
    "SERIES_RULES",
    "Overrides",
    "explain",
    "is_computed",
    "read_overrides",
    "volumes_of",
]
