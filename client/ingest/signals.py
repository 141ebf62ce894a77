"""What the pixels say of the lesions of an examination, measured while its volumes are at hand."""

from collections.abc import Mapping, Sequence

import numpy as np
from hepafed.client.cohort import (
    LoadedVolume,
    Signals,
    agreement,
    centre_of,
    crop,
    decay_of,
    measure,
    signals_of,
    size_of,
    view_points,
)
from hepafed.client.dicom.volumes import Volume
from hepafed.client.lesions import LocatedLesion
from hepafed.common.errors import DicomError
from numpy.typing import NDArray

LOW_B = 0.5
"""Share of the highest b-value up to which another one is low enough to compare with."""


def points_of(found: Sequence[LocatedLesion]) -> NDArray[np.float64]:
    """Return the points at which volumes are compared, mm [n, 3]: over the first reference."""
    if not found:
        return np.empty((0, 3))
    first = found[0].reference
    shape = (len(first.headers), first.headers[0].rows, first.headers[0].columns)
    return view_points(first.affine, shape)


def signals_in(
    found: Sequence[LocatedLesion],
    sequences: Sequence[str],
    planes: Sequence[Sequence[NDArray[np.float16]]],
    views: Mapping[str, NDArray[np.float32]],
    points: NDArray[np.float64],
    decays: Sequence[float | None],
) -> list[Signals]:
    """Return the signals of each lesion.

    `planes`: of each lesion, its crop in each of the `sequences`; `views`: what
    `client.cohort.view` gave at `points`; `decays`: what `decays_in` gave.
    """
    agreed = agreement(views)
    return [
        signals_of(
            dict(zip(sequences, own, strict=True)),
            views,
            agreed,
            np.linalg.norm(points - centre_of(lesion.reference.affine, lesion.box), axis=1),
            size_of(lesion.reference.affine, lesion.box),
            decay,
        )
        for lesion, own, decay in zip(found, planes, decays, strict=True)
    ]


def decays_in(
    volumes: Sequence[Volume], chosen: Volume, loaded: LoadedVolume, found: Sequence[LocatedLesion]
) -> list[float | None]:
    """Return for each lesion how the liver falls from the lowest b-value to the chosen one's.

    None where there is no lower b-value, or its volume cannot be read.
    """
    nothing: list[float | None] = [None] * len(found)
    low = [v for v in volumes if v.sequence == "dwi" and v.b_value is not None]
    lowest = min(low, key=lambda v: v.b_value or 0.0, default=None)
    if lowest is None or (lowest.b_value or 0.0) > LOW_B * (chosen.b_value or 0.0):
        return nothing
    try:
        other = LoadedVolume(voxels := lowest.load(), lowest.affine, measure(voxels))
    except DicomError:
        return nothing
    made = []
    for lesion in found:
        affine, box = lesion.reference.affine, lesion.box
        high, low_b = (crop(affine, box, {"dwi": v})[0] for v in (loaded, other))
        made.append(decay_of(loaded, high, other, low_b, size_of(affine, box)))
    return made
