"""What the pixels say of the lesions of an examination, measured while its volumes are at hand."""

from collections.abc import Mapping, Sequence

import numpy as np
from hepafed.client.cohort import (
    Signals,
    agreement,
    centre_of,
    signals_of,
    size_of,
    view_points,
)
from hepafed.client.dicom.volumes import Volume
from hepafed.client.lesions import LocatedLesion
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
    low_b: NDArray[np.float32] | None,
) -> list[Signals]:
    """Return the signals of each lesion.

    `planes`: of each lesion, its crop in each of the `sequences`; `views`: what
    `client.cohort.view` gave at `points`; `low_b`: the same of DWI of the lowest b-value.
    """
    agreed = agreement(views)
    return [
        signals_of(
            dict(zip(sequences, own, strict=True)),
            views,
            agreed,
            np.linalg.norm(points - centre_of(lesion.reference.affine, lesion.box), axis=1),
            size_of(lesion.reference.affine, lesion.box),
            low_b,
        )
        for lesion, own in zip(found, planes, strict=True)
    ]


def lowest_b(volumes: Sequence[Volume], chosen: Volume) -> Volume | None:
    """Return DWI of the lowest b-value; None where that is not far below the chosen one's."""
    known = [v for v in volumes if v.sequence == "dwi" and v.b_value is not None]
    found = min(known, key=lambda v: v.b_value or 0.0, default=None)
    if found is None or (found.b_value or 0.0) > LOW_B * (chosen.b_value or 0.0):
        return None
    return found
