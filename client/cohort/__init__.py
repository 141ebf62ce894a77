"""The cohort store: lesions as numbers, by pseudonym."""

from hepafed.client.cohort.crops import (
    DYNAMIC,
    MARGIN,
    NORMALISATION,
    LoadedVolume,
    agreement,
    box_in_crop,
    crop,
    measure,
    view,
    view_points,
)
from hepafed.client.cohort.measurements import (
    Measurements,
    Signals,
    centre_of,
    in_order,
    measurements_from,
    points_in,
    readings,
    seen_in,
    shares,
    signals_of,
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
    "Signals",
    "agreement",
    "box_in_crop",
    "centre_of",
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
    "signals_of",
    "size_of",
    "stamp_of",
    "view",
    "view_points",
]
