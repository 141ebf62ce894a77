"""The records of the cohort store: a crop, a lesion's row, an acquisition, a selection.

The fields of `Lesion` and `Acquisition` are the columns of the index, by name.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 160
"""Pixels of a crop's side."""


@dataclass(frozen=True)
class Crop:
    """One lesion, ready for the store."""

    lesion: str
    """Pseudonym."""
    patient: str
    """Pseudonym."""
    label: int
    """Index in `CLASSES`."""
    sequences: tuple[str, ...]
    voxels: NDArray[np.float16]
    """[sequences, slices, 160, 160], normalised by sequence."""
    examination: str = ""
    """Pseudonym; empty for pictures that come from no examination."""
    facts: str = ""
    """What was measured of the lesion at ingest, as `Measurements.text` writes it."""


@dataclass(frozen=True)
class Lesion:
    """One lesion as the index holds it."""

    lesion: str
    """Pseudonym."""
    patient: str
    """Pseudonym."""
    examination: str
    """Pseudonym; empty for pictures that come from no examination."""
    label: int
    """Index in `CLASSES`."""
    sequences: str
    """Joined by commas, in the order of the crop's first axis."""
    slices: int
    crop: str
    """SHA-256 of the crop's file, which is its name."""
    facts: str = ""
    """What was measured of the lesion at ingest, as `Measurements.text` writes it."""

    @property
    def content(self) -> str:
        """A digest of images, label and facts: another one once any of them changed."""
        text = "\n".join((self.crop, str(self.label), self.facts))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Acquisition:
    """The acquisition and normalisation of one sequence of an examination: numbers and codes."""

    examination: str
    """Pseudonym."""
    sequence: str
    patient: str
    """Pseudonym."""
    manufacturer: str
    """`siemens`, `ge`, `philips`, `canon`, `united-imaging` or `other`."""
    field_strength: float | None
    """Tesla."""
    b_value: float | None
    """s/mm², of a DWI volume."""
    b_values: str
    """Every b-value of this sequence that the examination has, joined by commas."""
    rule: str
    """Name of the rule that gave the series its sequence."""
    slices: int
    rows: int
    columns: int
    between_slices: float
    """mm."""
    between_rows: float
    """mm."""
    between_columns: float
    """mm."""
    low: float
    """Values below were clipped (see `crops.Scale`)."""
    high: float
    """Values above were clipped."""
    mean: float
    """Mean inside the body mask after clipping."""
    spread: float
    """Standard deviation inside the body mask after clipping."""
    pixels: str
    """Digest of the volume's voxels: equal for the same pixels under another patient's name."""
    certainty: float | None = None
    """How far the evidence that it is this sequence is believed, 0 to 1; None: not judged."""
    doubts: str = ""
    """What speaks against it, sentences of ours joined by `; `."""


@dataclass(frozen=True)
class Selection:
    """The lesions of one split that a protocol can use."""

    images: NDArray[np.float16]
    """[slices of all lesions, channels, 160, 160]."""
    owner: NDArray[np.int64]
    """[slices]: index of the slice's lesion."""
    labels: NDArray[np.int64]
    """[lesions]: index in `CLASSES`."""
    lesions: list[str]
    """Pseudonyms."""
    patients: list[str]
    """Pseudonyms."""
    contents: list[str]
    """Digest of each lesion's images, label and facts: another one once any of them changed."""
    facts: list[str]
    """What was measured of each lesion (see `Lesion.facts`)."""
    examinations: list[str]
    """Pseudonyms; empty for pictures that come from no examination."""
