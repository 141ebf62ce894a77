"""A coarse view of every volume of an examination at the same points of the patient.

It tells whether a volume lies where the others lie, and how the vessels shine from phase to phase.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from hepafed.client.cohort.crops.cropping import BODY, PERCENTILES, LoadedVolume
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

DYNAMIC = ("t1-pre", "arterial", "portal", "delayed", "hepatobiliary")
"""Phases in the order in which they are acquired."""
VIEW = (10, 34, 34)
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


def view(volume: LoadedVolume, points: Doubles) -> Floats:
    """Return a volume's nearest voxels at points [1 + 4 + 6, n], NaN outside of it.

    The first row is as stored. The next four are with the volume reversed (see `REVERSED`), the
    last six with the points 20 mm to each side.
    """
    inverse = np.linalg.inv(volume.affine).astype(np.float64)
    shape = np.array(volume.voxels.shape)
    places = [_voxels_at(inverse, points + move) for move in SHIFTS_MM]
    reversed_places = [
        np.where(np.array(w) > 0, places[0], shape - 1 - places[0]) for w in REVERSED
    ]
    made = np.full((1 + len(REVERSED) + 6, len(points)), np.nan, np.float32)
    for n, at in enumerate([places[0], *reversed_places, *places[1:]]):
        there = ((at >= 0) & (at < shape)).all(axis=1)
        k, j, i = at[there].T
        made[n, there] = volume.voxels[k, j, i]
    return made


def _voxels_at(inverse: Doubles, points: Doubles) -> NDArray[np.int64]:
    """Return slice, row and column of the voxel nearest to each point."""
    made: NDArray[np.int64] = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)
    return made[:, ::-1]


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
    low, high = np.nanpercentile(view[0], PERCENTILES)
    return np.log(np.clip(view, max(low, BODY * high, MINUTE), max(high, MINUTE)))


def _multiple_correlations(own: Floats, others: Sequence[Floats], there: Mask) -> list[float]:
    """Return the multiple correlation of each row of `own` [ways, n] with the others."""
    known = np.stack([o[there] for o in others]).astype(np.float64)
    table = _without_field(np.concatenate([known, known * known]), there)
    wanted = _without_field(own[:, there].astype(np.float64), there)
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
    lines = [np.linspace(-1, 1, n) for n in VIEW]
    x = np.stack(np.meshgrid(*lines, indexing="ij")).reshape(3, -1)[:, there]
    terms = [np.ones(x.shape[1]), *x, *(x[a] * x[b] for a in range(3) for b in range(a, 3))]
    basis = np.linalg.qr(np.stack(terms, axis=1))[0].T
    made: Doubles = values - (values @ basis.T) @ basis
    return made


def course(views: Mapping[str, Floats], away: Doubles, radius: float) -> dict[str, float]:
    """Return how bright the vessels are against the liver in each dynamic phase, as a logarithm.

    The vessels are the points that are brightest in any phase, whatever the phases are called;
    the liver is what lies round the lesion. A scanner's gain and a coil's field cancel out.
    `away` [n]: millimetres of the points from the lesion's centre; `radius`: the lesion's.
    """
    phases = {p: views[p][0] for p in DYNAMIC if p in views}
    near = (away > AWAY * radius) & (away < AWAY * radius + NEAR_MM)
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
