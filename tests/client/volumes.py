"""Volumes as headers and an affine alone: oblique, non-square, of unequal spacing; no files."""

import math

import numpy as np
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.volumes.geometry import Stack
from hepafed.client.dicom.volumes.volume import Volume
from numpy.typing import NDArray

BLANK: dict[str, object] = {
    "path": "", "member": "", "name": "", "frame": 0, "frames": 1, "sop_class": "",
    "instance": "", "patient_id": "P1", "study": "1.1", "series": "1.1.1",
    "manufacturer": "", "image_type": (), "component": "", "weighting": "", "description": "",
    "pulse": "", "scanning": (), "variant": (), "options": (), "volumetric": False,
    "echo_time": None, "repetition_time": None, "inversion_time": None, "flip_angle": None,
    "echo_train": None, "field_strength": None, "b_value": None, "direction": None,
    "isotropic": False, "series_number": None, "temporal": None, "temporal_count": None,
    "acquired": None, "trigger": None, "contrast": False,
    "injected": None, "acquisition": None, "number": 0, "position": None, "orientation": None,
    "spacing": None, "rows": 0, "columns": 0, "bits_allocated": 16, "bits_stored": 12,
    "high_bit": 11, "signed": False, "transfer_syntax": "", "big": False, "pixel_offset": 0,
    "slope": 1.0, "intercept": 0.0, "scale_slope": None, "lossy": False,
}  # fmt: skip


def affine_of(
    steps: tuple[float, float, float] = (0.8, 1.9, 4.3),
    degrees: tuple[float, float] = (23.0, -14.0),
    origin: tuple[float, float, float] = (-31.0, 17.5, 240.0),
) -> NDArray[np.float64]:
    """An affine [column, row, slice, 1] → mm with these steps, turned round z and then x."""
    a, b = (math.radians(v) for v in degrees)
    z = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    made = np.eye(4)
    made[:3, :3] = x @ z @ np.diag(steps)
    made[:3, 3] = origin
    return made


def volume(
    sequence: str = "t2",
    shape: tuple[int, int, int] = (14, 23, 48),
    affine: NDArray[np.float64] | None = None,
    rule: str = "r",
    **about: object,
) -> Volume:
    """A volume of [slices, rows, columns]; `about` are fields of every slice's header."""
    series = about.get("series", "1.1.1")
    headers = tuple(
        Header(
            **BLANK  # type: ignore[arg-type]
            | {"instance": f"{series}.{k}", "name": f"{series}/{k}"}
            | {"rows": shape[1], "columns": shape[2]}
            | about
        )
        for k in range(shape[0])
    )
    placed = affine_of() if affine is None else affine
    column, row, between = np.linalg.norm(placed[:3, :3], axis=0).tolist()
    return Volume(Stack(headers, placed, (between, row, column)), sequence, rule)
