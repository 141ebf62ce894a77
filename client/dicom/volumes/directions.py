"""Diffusion directions of one b-value become one volume, or give way to the trace image."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from hepafed.client.dicom.encoding import FileOutcome
from hepafed.client.dicom.volumes.stacks import SAME_B, SAME_TIME
from hepafed.client.dicom.volumes.volume import Volume
from numpy.typing import NDArray

SAME_GRID = 0.15
"""mm by which the corners of two directions may differ: positions are rounded to a tenth."""
REPLACED = "a diffusion direction; the trace image is there"


def combined_directions(volumes: Sequence[Volume], outcomes: list[FileOutcome]) -> Iterator[Volume]:
    """Yield the volumes, with the directions of one b-value as one.

    Values that the scanner writes as applied are one within the tolerance of their nominal value.
    Directions beside a trace image of theirs are set aside; their outcomes are added.
    """
    traces = [v for v in volumes if v.sequence == "dwi" and is_trace(v)]
    groups: list[list[Volume]] = []
    for v in volumes:
        if v.sequence != "dwi" or not v.b_value or is_trace(v):
            yield v
        elif any(_same_weighting(v, trace) for trace in traces):
            outcomes += [FileOutcome(n, "set-aside", REPLACED) for n in v.names]
        else:
            own = (g for g in groups if _same_series(g[0], v))
            group = next(own, None)
            if group is None:
                groups.append([v])
            else:
                group.append(v)
    for parts in groups:
        yield parts[0] if len(parts) == 1 else replace(parts[0], directions=tuple(parts))


def is_of_diffusion(v: Volume, volumes: Sequence[Volume]) -> bool:
    """Return whether a volume has grid and echo time of an ADC map, or of a weighted image's kind.

    It is that series' image without weighting, or a map of it, whatever its header says.
    """
    others = [w for w in volumes if w is not v and _same_grid(v, w) and _same_echo(v, w)]
    weighted = any(w.sequence == "dwi" and w.b_value != 0 and _same_kind(v, w) for w in others)
    return weighted or any(w.sequence == "adc" for w in others)


def is_repeated(v: Volume, volumes: Sequence[Volume], *, named: bool) -> bool:
    """Return whether there is another volume of one grid, echo time and role.

    `named` says that the description names the role: then another series may repeat the scan.
    """
    others = [w for w in volumes if w is not v and w.sequence == v.sequence]
    own = (w for w in others if not named or w.series_uid == v.series_uid)
    return any(_same_grid(v, w) and _same_echo(v, w) for w in own)


def is_trace(v: Volume) -> bool:
    """Return whether the scanner combined the directions itself."""
    h = v.headers[0]
    return bool(h.b_value) and (h.isotropic or bool({"TRACEW", "TRACE"} & set(h.image_type)))


def is_direction(v: Volume) -> bool:
    """Return whether a volume is one diffusion direction by itself."""
    h = v.headers[0]
    return bool(h.b_value) and h.direction is not None and not (v.directions or is_trace(v))


def _same_series(a: Volume, b: Volume) -> bool:
    return a.series_uid == b.series_uid and _same_weighting(a, b) and _same_echo(a, b)


def _same_weighting(a: Volume, b: Volume) -> bool:
    """Return whether two volumes are of one grid and one nominal b-value."""
    low, high = sorted((a.b_value or 0.0, b.b_value or 0.0))
    return high - low <= max(SAME_B * high, 1.0) and _same_grid(a, b)


def _same_grid(a: Volume, b: Volume) -> bool:
    return a.shape == b.shape and bool(np.abs(_corners(a) - _corners(b)).max() <= SAME_GRID)


def _corners(v: Volume) -> NDArray[np.float64]:
    """Return where the first and the last voxel of each axis lie, mm [2, 2, 2, 3]."""
    slices, rows, columns = v.shape
    ends = np.meshgrid([0, columns - 1], [0, rows - 1], [0, slices - 1], [1], indexing="ij")
    found: NDArray[np.float64] = np.stack(ends, -1)[:, :, :, 0] @ v.affine[:3].T
    return found


def _same_kind(a: Volume, b: Volume) -> bool:
    """Return whether two volumes state one Scanning Sequence."""
    return set(a.headers[0].scanning) == set(b.headers[0].scanning)


def _same_echo(a: Volume, b: Volume) -> bool:
    first, second = a.headers[0].echo_time, b.headers[0].echo_time
    if first is None or second is None:
        return first is second
    return abs(first - second) <= max(SAME_TIME * second, 0.05)
