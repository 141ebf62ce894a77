"""The cohort store: lesions as numbers, by pseudonym."""

from hepafed.client.cohort.crops import MARGIN, NORMALISATION, LoadedVolume, crop, measure
from hepafed.client.cohort.measurements import (
    DYNAMIC,
    Measurements,
    in_order,
    measurements_from,
    points_in,
    readings,
    seen_in,
    shares,
    size_of,
)
from hepafed.client.cohort.records import SIDE, Acquisition, Crop, Lesion, Selection
from hepafed.client.cohort.store import Cohort, stamp_of
from hepafed.client.cohort.subgroups import field_strength, groups_of

__all__ = [
    "DYNAMIC",
    "MARGIN",
    "NORMALISATION",
    "SIDE",
    "Acquisition",
    "Cohort",
    "Crop",
    "Lesion",
    "LoadedVolume",
    "Measurements",
    "Selection",
    "crop",
    "field_strength",
    "groups_of",
    "in_order",
    "measure",
    "measurements_from",
    "points_in",
    "readings",
    "seen_in",
    "shares",
    "size_of",
    "stamp_of",
]
