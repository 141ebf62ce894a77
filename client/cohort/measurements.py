"""Measurements of a lesion, made while its examination is at hand: numbers and codes, no more.

They are kept beside the crop, so that quality control and the consistency report need no DICOM.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise

import numpy as np
from hepafed.client.cohort.crops import (
    BODY,
    DYNAMIC,
    Floats,
    LoadedVolume,
    Planes,
    adc_with_dwi,
    contrast,
    course,
    decay,
)
from numpy.typing import NDArray

TESTED = 9
"""Points along each side of the box at which the body is looked for."""


@dataclass(frozen=True)
class Signals:
    """What the pixels say of one lesion's place, for quality control; empty where not known."""

    contrast: dict[str, float] = field(default_factory=dict)
    """Sequence → lesion minus ring, in standard deviations of the ring (`contrast.contrast`)."""
    agreement: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Sequence → multiple correlation of its volume with the other sequences': as it is stored,
    the best if it is reversed, the best 20 mm elsewhere (`views.agreement`)."""
    course: dict[str, float] = field(default_factory=dict)
    """Dynamic phase → logarithm of the vessels' brightness over the liver's (`views.course`)."""
    decay: float | None = None
    """Liver on DWI of the highest b-value over that of the lowest, where there are two."""
    adc_with_dwi: float | None = None
    """Correlation of ADC with DWI over lesion and ring."""


@dataclass(frozen=True)
class Measurements:
    """The measurements of one lesion; the index keeps their text in the column `facts`."""

    source: str = ""
    """`box`, `mask`, or empty where nothing is known (pictures, cohorts made before)."""
    size: tuple[float, ...] = ()
    """Millimetres along columns, rows and slices of the reference."""
    in_body: float | None = None
    """Share of the lesion that is body in any sequence."""
    in_field: float | None = None
    """Share of the lesion inside the field of view of the sequence where it is least."""
    apart: float | None = None
    """Greatest distance between its boxes in different sequences, mm, where it has several."""
    phases_in_order: bool | None = None
    """Whether the dynamic phases were acquired in their order; None: not known."""
    readers: dict[str, int] = field(default_factory=dict)
    """Reader's name → 1 (malignant) or 0, of those that read it."""
    groups: dict[str, str] = field(default_factory=dict)
    """Variable that the site declares → value, of those that are stated."""
    signals: Signals = field(default_factory=Signals)
    """What the pixels say."""

    def text(self) -> str:
        """Return the measurements in one canonical form."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)


def measurements_from(text: str) -> Measurements:
    """Read what `Measurements.text` wrote; an empty text gives empty measurements."""
    if not text:
        return Measurements()
    values = json.loads(text)
    found = values.pop("signals", {})
    found["agreement"] = {s: tuple(a) for s, a in found.get("agreement", {}).items()}
    return Measurements(**{**values, "size": tuple(values["size"]), "signals": Signals(**found)})


def readings(texts: Sequence[str]) -> dict[str, NDArray[np.int8]]:
    """Return each reader's calls of lesions [n]: 1 malignant, 0 benign, −1 not read."""
    found = [measurements_from(text).readers for text in texts]
    names = sorted({name for readers in found for name in readers})
    return {n: np.array([r.get(n, -1) for r in found], np.int8) for n in names}


def size_of(reference: NDArray[np.float64], box: tuple[float, ...]) -> tuple[float, ...]:
    """Return a box's millimetres along columns, rows and slices, both ends included."""
    steps = np.linalg.norm(reference[:3, :3], axis=0)
    extent = np.array(box[3:]) - np.array(box[:3]) + 1
    return tuple(round(float(v), 1) for v in extent * steps)


def points_in(reference: NDArray[np.float64], box: tuple[float, ...]) -> NDArray[np.float64]:
    """Return points inside the ellipsoid of a box, mm [n, 3]."""
    low, high = np.array(box[:3]), np.array(box[3:])
    line = np.linspace(-1, 1, TESTED)
    unit = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    unit = unit[(unit**2).sum(axis=1) <= 1]
    at = (low + high) / 2 + unit * (high - low + 1) / 2
    made: NDArray[np.float64] = at @ reference[:3, :3].T + reference[:3, 3]
    return made


def seen_in(volume: LoadedVolume, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points lie in a volume's field of view, and which of those in its body: [2, n].

    The body is what is brighter than `crops.BODY` of the 99th percentile.
    """
    inverse = np.linalg.inv(volume.affine)
    at = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)[:, ::-1]
    shape = np.array(volume.voxels.shape)
    inside = ((at >= 0) & (at < shape)).all(axis=1)
    k, j, i = np.clip(at, 0, shape - 1).T
    bright = volume.voxels[k, j, i] > BODY * np.percentile(volume.voxels[::2, ::2, ::2], 99)
    return np.stack([inside, inside & bright])


def shares(seen: Sequence[NDArray[np.bool_]]) -> tuple[float | None, float | None]:
    """Return a lesion's shares in the body and in the field of view.

    `seen` is the result of `seen_in` for each sequence; without any, both are None. In the body
    counts what is body in any sequence, so that a lesion dark in one of them is not taken for
    air; the field of view is that of the sequence that covers least.
    """
    if not seen:
        return None, None
    body = np.logical_or.reduce([s[1] for s in seen])
    return round(float(body.mean()), 3), round(min(float(s[0].mean()) for s in seen), 3)


def signals_of(
    planes: Mapping[str, Planes],
    views: Mapping[str, Floats],
    agreed: Mapping[str, tuple[float, float, float]],
    away: NDArray[np.float64],
    size: tuple[float, ...],
    low_b: Floats | None = None,
) -> Signals:
    """Return the signals of one lesion.

    `planes` (its crop), `views` and `agreed` (its examination's, see `views`) are by sequence;
    `away` [n]: millimetres of the view's points from the lesion's centre; `low_b`: the view of DWI
    of the lowest b-value, where there is one beside the chosen.
    """
    radius = max(size[:2]) / 2
    found = {s: contrast(p, size) for s, p in planes.items()}
    return Signals(
        contrast={s: c for s, c in found.items() if c is not None},
        agreement=dict(agreed),
        course=course(views, away, radius),
        decay=None if low_b is None else decay(views["dwi"], low_b, away, radius),
        adc_with_dwi=adc_with_dwi(planes, size),
    )


def centre_of(reference: NDArray[np.float64], box: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the centre of a box, mm [3]."""
    middle = (np.array(box[:3]) + np.array(box[3:])) / 2
    made: NDArray[np.float64] = reference[:3, :3] @ middle + reference[:3, 3]
    return made


def in_order(acquired: Mapping[str, float | None]) -> bool | None:
    """Return whether dynamic phases are in order; `acquired`: sequence → seconds on one clock."""
    times = [t for t in (acquired.get(p) for p in DYNAMIC) if t is not None]
    return all(a < b for a, b in pairwise(times)) if len(times) > 1 else None
