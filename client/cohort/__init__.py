"""The cohort store: lesions as numbers, under pseudonyms."""

from hepafed.client.cohort.crops import NORMALISATION, Volume, crop, measure
from hepafed.client.cohort.measurements import (
    DYNAMIC,
    Facts,
    facts_from,
    in_order,
    points_in,
    readings,
    seen_in,
    shares,
    size_of,
)
from hepafed.client.cohort.pseudonyms import KEY_FILE, Pseudonyms
from hepafed.client.cohort.store import SIDE, Acquisition, Cohort, Crop, Lesion, Selection, stamp_of
from hepafed.client.cohort.subgroups import field_strength, groups_of

__all__ = [
    "DYNAMIC",
    "KEY_FILE",
    "NORMALISATION",
    "SIDE",
    "Acquisition",
    "Cohort",
    "Crop",
    "Facts",
    "Lesion",
    "Pseudonyms",
    "Selection",
    "Volume",
    "crop",
    "facts_from",
    "field_strength",
    "groups_of",
    "in_order",
    "measure",
    "points_in",
    "readings",
    "seen_in",
    "shares",
    "size_of",
    "stamp_of",
]
