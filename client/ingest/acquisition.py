"""How a volume was acquired and normalised, as the numbers and codes that the store keeps."""

import hashlib

import numpy as np
from hepafed.client.cohort import Acquisition, LoadedVolume
from hepafed.client.dicom.volumes import Volume
from numpy.typing import NDArray

MANUFACTURERS = (
    ("siemens", "siemens"), ("ge ", "ge"), ("philips", "philips"), ("canon", "canon"),
    ("toshiba", "canon"), ("united imaging", "united-imaging"), ("uih", "united-imaging"),
)  # fmt: skip
"""Beginning of the header's manufacturer, lower case → what the store calls it."""


def digest(voxels: NDArray[np.float32]) -> str:
    """Return a digest of a volume's voxels and shape."""
    shape = ",".join(map(str, voxels.shape)).encode()
    return hashlib.sha256(shape + np.ascontiguousarray(voxels).tobytes()).hexdigest()[:32]


def acquisition_of(
    examination: str,
    patient: str,
    volume: Volume,
    loaded: LoadedVolume,
    b_values: set[float | None],
) -> Acquisition:
    """Return of a volume's header what is a number or a word of ours, within bounds.

    `examination` and `patient` are pseudonyms; `b_values` are those of all volumes of the same
    sequence.
    """
    h, scale = volume.headers[0], loaded.scale
    between_slices, between_rows, between_columns = (round(float(v), 4) for v in volume.spacing)
    bounded = {_bounded(b, 20_000) for b in b_values}
    shown = sorted(b for b in bounded if b is not None)
    return Acquisition(
        examination=examination,
        sequence=volume.sequence,
        patient=patient,
        manufacturer=manufacturer_of(h.manufacturer),
        field_strength=_bounded(h.field_strength, 25),
        b_value=_bounded(volume.b_value, 20_000),
        b_values=",".join(f"{b:g}" for b in shown),
        rule=volume.rule,
        slices=len(volume.headers),
        rows=h.rows,
        columns=h.columns,
        between_slices=between_slices,
        between_rows=between_rows,
        between_columns=between_columns,
        low=scale.low,
        high=scale.high,
        mean=scale.mean,
        spread=scale.spread,
        pixels=digest(loaded.voxels),
        certainty=volume.certainty,
        doubts="; ".join(volume.doubts),
    )


def _bounded(value: float | None, most: float) -> float | None:
    """Return a plausible value to two decimals, else None: an odd one could be anything."""
    return round(value, 2) if value is not None and 0 <= value <= most else None


def manufacturer_of(text: str) -> str:
    """Return our word for a manufacturer; whatever is not on the list is `other`."""
    words = " ".join(text.lower().replace("_", " ").split()) + " "
    return next((ours for begin, ours in MANUFACTURERS if words.startswith(begin)), "other")
