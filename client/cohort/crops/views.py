"""A coarse view of every volume of an examination at the same points of the patient.

It tells whether a volume lies where the others lie, and how the vessels shine from phase to phase.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from hepafed.client.cohort.crops.cropping import BODY, PERCENTILES
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

DYNAMIC = ("t1-pre", "arterial", "portal", "delayed", "hepatobiliary")
"""Phases in the order in which they are acquired."""
VIEW = (8, 28, 28)
"""Points of the view along slices, rows and columns of the reference."""
REVERSED = ((1, 1, -1), (1, -1, 1), (1, -1, -1), (-1, 1, 1))
"""How a volume is stored wrongly: columns, rows, both or slices reversed."""
SHIFT_MM = 20.0
"""A liver's movement by breathing, at most."""
SHIFTS_MM = SHIFT_MM * np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
FEWEST_POINTS = 400
"""Points that all compared sequences must show."""
MINUTE = 1e-6
"""Brightness of a volume that shows nothing; a logarithm needs one."""
AWAY = 1.2
"""Radii of a lesion from its centre within which points are not counted as liver."""
NEAR_MM = 30.0
"""Millimetres round a lesion in which most is liver."""
FAINT = 0.15
"""Brightness against the liver below which a point is no body."""
FEWEST_NEAR = 10
"""Points round a lesion of which its liver's brightness is the median."""
VESSELS = 0.005
"""Share of the body that is taken for vessels; an aorta alone is as much."""


def view_points(reference: Doubles, shape: Sequence[int]) -> Doubles:
    """Return points spread over the whole of a volume, mm [n, 3].

    `reference` is the volume's affine, `shape` its slices, rows and columns.
    """
    lines = [(np.arange(n) + 0.5) / n * size - 0.5 for n, size in zip(VIEW, shape, strict=True)]
    index = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 3)[:, ::-1]
    made: Doubles = index @ reference[:3, :3].T + reference[:3, 3]
    return made


def view(voxels: Floats, affine: Doubles, points: Doubles) -> Floats:
    """Return a volume's nearest voxels at points [1 + 4 + 6, n], NaN outside of it.

    `voxels` [slices, rows, columns]; `affine`: from column, row and slice to mm. The first row is
    as stored. The next four are with the volume reversed (see `REVERSED`), the last six with the
    points 20 mm to each side.
    """
    inverse = np.linalg.inv(affine).astype(np.float64)[2::-1]  # slice, row, column
    turn, start = inverse[:, :3], inverse[:, 3:]
    size = np.array(voxels.shape)[:, None]
    where = turn @ points.T + start
    stored, *moved = (np.rint(where + (turn @ m)[:, None]).astype(np.intp) for m in SHIFTS_MM)
    turned = (np.where(np.array(w)[:, None] > 0, stored, size - 1 - stored) for w in REVERSED)
    made = np.empty((1 + len(REVERSED) + 6, len(points)), np.float32)
    for row, at in zip(made, (stored, *turned, *moved), strict=True):
        index = np.ravel_multi_index(tuple(at), voxels.shape, mode="clip")
        np.take(voxels, index, out=row, mode="clip")
        row[((at < 0) | (at >= size)).any(axis=0)] = np.nan
    return made


def agreement(views: Mapping[str, Floats]) -> dict[str, tuple[float, float, float]]:
    """Return each sequence's agreement with the others: as stored, best reversed, best moved.

    `views`: sequence → what `view` gave at the same points. The agreement is the multiple
    correlation of the sequence with the others and their squares: a tissue that is bright in one
    sequence may be dark in another. A sequence without enough points is left out.
    """
    made = {}
    levels_of = {n: _logarithms(v) for n, v in views.items() if np.isfinite(v[0]).any()}
    for name, own in levels_of.items():
        others = [v[0] for n, v in levels_of.items() if n != name]
        there = ~np.isnan(np.stack([*own, *others])).any(axis=0)
        if not others or there.sum() < FEWEST_POINTS:
            continue
        found = _multiple_correlations(own, others, there)
        last = 1 + len(REVERSED)
        made[name] = (
            round(found[0], 3),
            round(max(found[1:last]), 3),
            round(max(found[last:]), 3),
        )
    return made


def _logarithms(view: Floats) -> Floats:
    """Return logarithms, in which a coil's field is added; what is darker than a body is level."""
    low, high = np.percentile(view[0][np.isfinite(view[0])], PERCENTILES)
    return np.log(np.clip(view, max(low, BODY * high, MINUTE), max(high, MINUTE)))


def _multiple_correlations(own: Floats, others: Sequence[Floats], there: Mask) -> list[float]:
    """Return the multiple correlation of each row of `own` [ways, n] with the others."""
    known = np.stack([o[there] for o in others]).astype(np.float64)
    rows = np.concatenate([own[:, there].astype(np.float64), known, known * known])
    level = _without_field(rows, there)
    wanted, table = level[: len(own)], level[len(own) :]
    along = wanted @ table.T
    weights = np.linalg.lstsq(table @ table.T, along.T, rcond=None)[0]
    explained = (along * weights.T).sum(axis=1)
    total = np.maximum((wanted * wanted).sum(axis=1), np.finfo(np.float64).tiny)
    made: list[float] = np.sqrt(np.clip(explained / total, 0.0, 1.0)).tolist()
    return made


def _without_field(values: Doubles, there: Mask) -> Doubles:
    """Return rows of values at the points `there` [rows, points] without a coil's smooth field.

    The field is what a polynomial of second degree in the place explains.
    """
    terms = _terms()[:, there]
    weights = np.linalg.lstsq(terms @ terms.T, terms @ values.T, rcond=None)[0]
    made: Doubles = values - weights.T @ terms
    return made


@cache
def _terms() -> Doubles:
    """Return the terms of the polynomial at all points of the view [10, points]."""
    lines = [np.linspace(-1, 1, n) for n in VIEW]
    x = np.stack(np.meshgrid(*lines, indexing="ij")).reshape(3, -1)
    squares = (x[a] * x[b] for a in range(3) for b in range(a, 3))
    made: Doubles = np.stack([np.ones(x.shape[1]), *x, *squares])
    return made


def course(views: Mapping[str, Floats], away: Doubles, radius: float) -> dict[str, float]:
    """Return how bright the vessels are against the liver in each dynamic phase, as a logarithm.

    The vessels are the points that are brightest in any phase, whatever the phases are called;
    the liver is what lies round the lesion. A scanner's gain and a coil's field cancel out.
    `away` [n]: millimetres of the points from the lesion's centre; `radius`: the lesion's.
    """
    phases = {p: views[p][0] for p in DYNAMIC if p in views}
    near = _near(away, radius)
    if len(phases) < 2:
        return {}
    values = np.stack([*phases.values()])
    there = ~np.isnan(values).any(axis=0)
    if (there & near).sum() < FEWEST_NEAR:
        return {}
    levels = np.median(values[:, there & near], axis=1)
    if levels.min() <= 0:
        return {}
    at = np.flatnonzero(there)
    at = at[(values[:, at] / levels[:, None]).min(axis=0) > FAINT]
    body = np.zeros_like(there)
    body[at] = True
    if (near & body).sum() < FEWEST_NEAR:
        return {}
    logs = _without_field(np.log(values[:, body].astype(np.float64)), body)
    logs -= np.median(logs[:, near[body]], axis=1, keepdims=True)
    vessels = np.argsort(logs.max(axis=0))[-max(1, round(VESSELS * logs.shape[1])) :]
    found = np.median(logs[:, vessels], axis=1)
    return {p: round(float(v), 3) for p, v in zip(phases, found, strict=True)}


def decay(highest: Floats, lowest: Floats, away: Doubles, radius: float) -> float | None:
    """Return the liver's brightness on DWI of the highest b-value over that of the lowest.

    Both are views; `away` and `radius` as for `course`. None: too little of the liver is seen.
    """
    high, low = highest[0], lowest[0]
    near = _near(away, radius) & np.isfinite(high) & np.isfinite(low)
    if near.sum() < FEWEST_NEAR:
        return None
    levels = [float(np.median(values[near])) for values in (high, low)]
    return round(levels[0] / levels[1], 3) if levels[1] > 0 else None


def _near(away: Doubles, radius: float) -> Mask:
    """Return which points lie round a lesion, where most is liver."""
    return (away > AWAY * radius) & (away < AWAY * radius + NEAR_MM)
