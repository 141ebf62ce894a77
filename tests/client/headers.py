"""Headers and volumes of made-up slices, for what looks at headers alone."""

from dataclasses import fields
from typing import Any

import numpy as np
from hepafed.client.dicom.encoding import Header
from hepafed.client.dicom.volumes import Stack, Volume
from numpy.typing import NDArray

NEUTRAL: dict[object, Any] = {str: "", int: 0, float: 0.0, bool: False, tuple[str, ...]: ()}
"""A value for each type of a header's field that cannot be None."""


def header(**values: object) -> Header:
    """Make a header that states nothing but `values`."""
    made = {
        f.name: NEUTRAL.get(f.type)  # None where None may stand
        for f in fields(Header)
        if f.init
    }
    return Header(**(made | {"frames": 1, "rows": 8, "columns": 9, "slope": 1.0} | values))


def volume(
    sequence: str = "t2",
    slices: int = 5,
    affine: NDArray[np.float64] | None = None,
    rule: str = "",
    **values: object,
) -> Volume:
    """Make a volume of slices that all state `values`."""
    headers = tuple(header(**(values | {"number": k})) for k in range(slices))
    return Volume(
        Stack(headers, np.eye(4) if affine is None else affine, (1, 1, 1)), sequence, rule
    )


def tilted(degrees: float) -> NDArray[np.float64]:
    """Make an affine of slices tilted round the patient's left-right axis."""
    angle = np.radians(degrees)
    made = np.eye(4)
    made[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return made
