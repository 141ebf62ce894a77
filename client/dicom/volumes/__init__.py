"""From slices to volumes of numbers in the patient."""

from hepafed.client.dicom.volumes.directions import (
    combined_directions,
    is_direction,
    is_of_diffusion,
    is_repeated,
)
from hepafed.client.dicom.volumes.geometry import Stack
from hepafed.client.dicom.volumes.pixels import check_pixels, statistics
from hepafed.client.dicom.volumes.stacks import SINGLE, Refusal, nominals, stacks_of
from hepafed.client.dicom.volumes.volume import Grouped, Volume

__all__ = [
    "SINGLE",
    "Grouped",
    "Refusal",
    "Stack",
    "Volume",
    "check_pixels",
    "combined_directions",
    "is_direction",
    "is_of_diffusion",
    "is_repeated",
    "nominals",
    "stacks_of",
    "statistics",
]
