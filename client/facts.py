"""What is measured of a lesion while its examination is at hand: numbers and codes, no more.

They are kept beside the crop, so that quality control and the consistency report need no DICOM.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
from hepafed.client.crops import BODY, Volume
from numpy.typing import NDArray

TESTED = 9
"""Points along each side of the box at which the body is looked for."""
DYNAMIC = ("t1-pre", "arterial", "portal", "delayed", "hepatobiliary")
"""Phases in the order in which they are acquired."""


@dataclass(frozen=True)
class Facts:
    """Of one lesion."""

    source: str = ""
    """`box`, `mask`, or empty where nothing is known (pictures, cohorts made before)."""
    size: tuple[float, ...] = ()
    """Millimetres along columns, rows and slices of the reference."""
    in_body: float | None = None
    """Share of the lesion inside the body mask of the sequence where it is least."""
    in_field: float | None = None
    """Share of the lesion inside the field of view of the sequence where it is least."""
    apart: float | None = None
    """Greatest distance between its boxes in different sequences, mm, where it has several."""
    phases_in_order: bool | None = None
    """Whether the dynamic phases were acquired in their order; None: not known."""
    readers: dict[str, int] = field(default_factory=dict)
    """Reader's name → 1 (malignant) or 0, of those that read it."""

    def text(self) -> str:
        """Write it in one canonical form."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)


def facts_from(text: str) -> Facts:
    """Read what `Facts.text` wrote; empty text gives empty facts."""
    if not text:
        return Facts()
    values = json.loads(text)
    return Facts(**{**values, "size": tuple(values["size"])})


def size_of(reference: NDArray[np.float64], box: tuple[float, ...]) -> tuple[float, ...]:
    """Give a box's millimetres along columns, rows and slices, both ends included."""
    steps = np.linalg.norm(reference[:3, :3], axis=0)
    extent = np.array(box[3:]) - np.array(box[:3]) + 1
    return tuple(round(float(v), 1) for v in extent * steps)


def seen_in(
    reference: NDArray[np.float64], box: tuple[float, ...], volumes: Mapping[str, Volume]
) -> tuple[float | None, float | None]:
    """Give the shares of a lesion inside body and field of view, where they are least.

    The lesion is the ellipsoid in its box; the body is what is brighter than `crops.BODY` of the
    99th percentile in any sequence, so that a lesion dark in one of them is not taken for air.
    """
    if not volumes:
        return None, None
    points = _ellipsoid(reference, box)
    field_of_view = []
    body = np.zeros(len(points), bool)
    for volume in volumes.values():
        inverse = np.linalg.inv(volume.affine)
        at = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)[:, ::-1]
        inside = ((at >= 0) & (at < volume.voxels.shape)).all(axis=1)
        field_of_view.append(float(inside.mean()))
        k, j, i = np.clip(at, 0, np.array(volume.voxels.shape) - 1).T
        bright = volume.voxels[k, j, i] > BODY * np.percentile(volume.voxels[::2, ::2, ::2], 99)
        body |= inside & bright
    return round(float(body.mean()), 3), round(min(field_of_view), 3)


def _ellipsoid(reference: NDArray[np.float64], box: tuple[float, ...]) -> NDArray[np.float64]:
    """Give points inside the ellipsoid of a box, mm [n, 3]."""
    low, high = np.array(box[:3]), np.array(box[3:])
    line = np.linspace(-1, 1, TESTED)
    unit = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    unit = unit[(unit**2).sum(axis=1) <= 1]
    at = (low + high) / 2 + unit * (high - low + 1) / 2
    made: NDArray[np.float64] = at @ reference[:3, :3].T + reference[:3, 3]
    return made


def in_order(acquired: Mapping[str, str]) -> bool | None:
    """Say whether dynamic phases follow each other; `acquired`: sequence → DICOM time, or ""."""
    times = [acquired[p] for p in DYNAMIC if acquired.get(p)]
    if len(times) < 2 or not all(_is_time(t) for t in times):
        return None
    seconds = [_seconds(t) for t in times]
    return all(a < b for a, b in zip(seconds, seconds[1:], strict=False))


def _is_time(text: str) -> bool:
    return len(text) >= 6 and text[:6].isdigit() and text.isascii()


def _seconds(text: str) -> float:
    whole, _, fraction = text.partition(".")
    seconds = int(whole[:2]) * 3600 + int(whole[2:4]) * 60 + int(whole[4:6])
    return seconds + (float(f"0.{fraction}") if fraction.isdigit() else 0.0)
