"""The pixels round a lesion: cut out, kept, and what they show."""

from hepafed.client.cohort.crops.contrast import Planes, adc_with_dwi, contrast
from hepafed.client.cohort.crops.crop_files import is_whole, read_crop, sweep, write_crop
from hepafed.client.cohort.crops.cropping import (
    BODY,
    MARGIN,
    NORMALISATION,
    LoadedVolume,
    box_in_crop,
    crop,
    measure,
)
from hepafed.client.cohort.crops.views import (
    DYNAMIC,
    Floats,
    agreement,
    course,
    decay,
    view,
    view_points,
)

__all__ = [
    "BODY",
    "DYNAMIC",
    "MARGIN",
    "NORMALISATION",
    "Floats",
    "LoadedVolume",
    "Planes",
    "adc_with_dwi",
    "agreement",
    "box_in_crop",
    "contrast",
    "course",
    "crop",
    "decay",
    "is_whole",
    "measure",
    "read_crop",
    "sweep",
    "view",
    "view_points",
    "write_crop",
]
