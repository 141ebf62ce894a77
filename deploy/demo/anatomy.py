"""An analytic upper abdomen: organs and lesions drawn directly on any oblique grid.

Coordinates are patient LPS millimetres relative to the body's centre (x to the patient's left,
y to the back, z to the head), so that every sequence samples the same patient on its own grid.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LIVER_CENTRE = (-42.0, -8.0, 0.0)
LIVER_AXES = (92.0, 80.0, 62.0)
BODY_AXES = (146.0, 104.0)
EDGE_MM = 3.0
"""Width of the soft edge of every organ and lesion."""


@dataclass(frozen=True)
class Grid:
    """Voxel centres of one series."""

    shape: tuple[int, int, int]
    """Slices, rows, columns."""
    spacing: tuple[float, float, float]
    """Millimetres between slices, rows and columns."""
    axes: NDArray[np.float64]
    """[3, 3]: unit directions of growing column, row and slice index, in rows."""
    origin: NDArray[np.float64]
    """[3]: centre of voxel (0, 0, 0) in mm."""

    @classmethod
    def centred(
        cls,
        shape: tuple[int, int, int],
        spacing: tuple[float, float, float],
        tilt: tuple[float, float, float],
        middle: tuple[float, float, float],
    ) -> "Grid":
        """Make an axial grid round `middle` (mm), turned by `tilt` degrees about x, y and z."""
        a, b, c = (math.radians(t) for t in tilt)
        about_x = np.array(
            [[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]]
        )
        about_y = np.array(
            [[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]]
        )
        about_z = np.array(
            [[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]]
        )
        axes = (about_z @ about_y @ about_x).T
        half = [(n - 1) / 2 * s for n, s in zip(shape[::-1], spacing[::-1], strict=True)]
        return cls(shape, spacing, axes, np.array(middle) - np.array(half) @ axes)

    def points(self) -> Floats:
        """Give every voxel centre: float32 [3, slices, rows, columns] in mm."""
        index = np.indices(self.shape, dtype=np.float32, sparse=True)
        steps = (self.axes * np.array(self.spacing[::-1])[:, None]).astype(np.float32)
        k, j, i = index
        return np.stack(
            [
                np.float32(self.origin[n]) + i * steps[0, n] + j * steps[1, n] + k * steps[2, n]
                for n in range(3)
            ]
        )


@dataclass(frozen=True)
class Look:
    """How a tissue shows in one sequence, relative to the liver's level there."""

    base: float
    """Signal between core and rim."""
    ring: float = 0.0
    """Added at the rim."""
    core: float = 0.0
    """Added in the core."""
    texture: float = 0.0
    """Amplitude of the speckle inside."""


@dataclass(frozen=True)
class Lesion:
    """A soft, lobulated ellipsoid with a class's look in each sequence."""

    kind: int
    """Index into CLASSES (the true one, before label noise)."""
    centre: tuple[float, float, float]
    radius: float
    """Mean radius in mm."""
    stretch: tuple[float, float, float]
    lobes: float
    """Amplitude of the lobulation as a share of the radius."""
    phases: tuple[float, ...]
    """Three phases of the lobes and six of the speckle."""
    looks: dict[str, Look]
    """By image name: `t2`, `dwi-low`, `dwi-high`, `t1-pre`, `arterial`, `portal`, `delayed`."""


@dataclass(frozen=True)
class Drawn:
    """A lesion on a grid."""

    box: tuple[slice, slice, slice]
    weight: Floats
    """Share of lesion in each voxel of the box, 0 to 1."""
    depth: Floats
    """Distance from the centre: 0 there, 1 at the edge."""
    speckle: Floats


@dataclass(frozen=True)
class Scene:
    """One patient on one grid, ready to be painted in any contrast."""

    organs: dict[str, Floats]
    """Soft masks in painter's order."""
    lesions: tuple[Drawn, ...]
    speckle: Floats
    """Texture of all parenchyma, about −1 to 1."""


def _ellipsoid(points: Floats, centre: tuple[float, ...], axes: tuple[float, ...]) -> Floats:
    squares = sum(
        np.square((points[n] - np.float32(centre[n])) / np.float32(axes[n]))
        for n in range(len(axes))
    )
    inside = (1 - np.sqrt(squares)) * np.float32(min(axes) / EDGE_MM) + np.float32(0.5)
    mask: Floats = np.clip(inside, 0, 1).astype(np.float32)
    return mask


def _waves(points: Floats, wavelength: float, phases: tuple[float, ...]) -> Floats:
    """Sum plane waves in spread directions: a texture that every grid sees alike."""
    total = np.zeros(points.shape[1:], np.float32)
    for n, phase in enumerate(phases):
        z = 0.6 * math.cos(2.4 * n + phase)
        turn = 2.399963 * n + phase
        flat = math.sqrt(1 - z * z)
        k = 2 * math.pi / (wavelength * (1 + 0.15 * n))
        total += np.cos(
            np.float32(k * flat * math.cos(turn)) * points[0]
            + np.float32(k * flat * math.sin(turn)) * points[1]
            + np.float32(k * z) * points[2]
            + np.float32(phase)
        )
    return total / np.float32(math.sqrt(len(phases)))


def _draw_lesion(points: Floats, lesion: Lesion) -> Drawn:
    reach = lesion.radius * max(lesion.stretch) * (1 + 2 * lesion.lobes) + 2 * EDGE_MM
    near = np.ones(points.shape[1:], bool)
    for n in range(3):
        near &= np.abs(points[n] - np.float32(lesion.centre[n])) < reach
    box = bounds(near)
    local = points[(slice(None), *box)]
    offset = np.stack(
        [
            (local[n] - np.float32(lesion.centre[n])) / np.float32(lesion.stretch[n])
            for n in range(3)
        ]
    )
    distance = np.sqrt(np.square(offset).sum(axis=0)) + np.float32(1e-3)
    unit = offset / distance
    lobes = sum(
        np.cos(np.float32(3.5) * unit[n] + np.float32(2.5) * unit[(n + 1) % 3] + np.float32(phase))
        for n, phase in enumerate(lesion.phases[:3])
    )
    depth = distance / (np.float32(lesion.radius) * (1 + np.float32(lesion.lobes) * lobes))
    weight = np.clip((1 - depth) * np.float32(lesion.radius / EDGE_MM) + np.float32(0.5), 0, 1)
    speckle = _waves(local, 0.55 * lesion.radius, lesion.phases[3:])
    return Drawn(box, weight.astype(np.float32), depth.astype(np.float32), speckle)


def bounds(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """Find the smallest box that holds a mask; empty at the origin when the mask is empty."""
    found = []
    for axis in range(3):
        line = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        found.append(slice(int(line[0]), int(line[-1]) + 1) if len(line) else slice(0, 0))
    return found[0], found[1], found[2]


def draw(points: Floats, lesions: tuple[Lesion, ...], phases: tuple[float, ...]) -> Scene:
    """Draw organs and lesions at `points` (mm, [3, slices, rows, columns]).

    `phases` (eight angles) move the vessels and the parenchyma's texture: one patient's build.
    """
    wide, deep = BODY_AXES
    flat = points[:2]
    bend = np.float32(7) * np.sin(points[2] / np.float32(18) + np.float32(phases[0]))
    vessels = np.zeros(points.shape[1:], np.float32)
    for n in range(3):
        x = np.float32(-75 + 34 * n + 6 * math.cos(phases[n])) + bend
        y = np.float32(-28 + 24 * ((n * 2) % 3) + 6 * math.sin(phases[n])) - bend
        away = np.sqrt(np.square(points[0] - x) + np.square(points[1] - y))
        vessels = np.maximum(vessels, np.clip((4.5 - away) / EDGE_MM + 0.5, 0, 1))
    organs = {
        "fat": _ellipsoid(flat, (0, 0), (wide, deep)),
        "muscle": _ellipsoid(flat, (0, 0), (wide - 14, deep - 13)),
        "stomach": _ellipsoid(points, (48, -38, 4), (36, 28, 40)),
        "spleen": _ellipsoid(points, (92, 30, 4), (26, 42, 46)),
        "spine": _ellipsoid(flat, (0, 62), (20, 17)),
        "fluid": _ellipsoid(flat, (0, 80), (7, 6)),
        "aorta": _ellipsoid(flat, (9, 36), (10, 10)),
        "liver": _ellipsoid(points, LIVER_CENTRE, LIVER_AXES),
    }
    organs["vessels"] = (vessels * organs["liver"]).astype(np.float32)
    drawn = tuple(_draw_lesion(points, lesion) for lesion in lesions)
    return Scene(organs, drawn, _waves(points, 16.0, phases[3:]))


def paint(scene: Scene, levels: dict[str, float], looks: list[Look]) -> Floats:
    """Give the noise-free signal of a scene: float32 [slices, rows, columns], air 0.

    `levels` by organ and each lesion's look are relative to the liver (1).
    """
    image = np.zeros(scene.speckle.shape, np.float32)
    for organ, mask in scene.organs.items():
        image += mask * (np.float32(levels[organ]) - image)
    image *= 1 + np.float32(0.04) * scene.speckle
    for drawn, look in zip(scene.lesions, looks, strict=True):
        ring = np.exp(-np.square((drawn.depth - np.float32(0.82)) / np.float32(0.16)))
        core = np.exp(-np.square(drawn.depth / np.float32(0.42)))
        value = look.base + look.ring * ring + look.core * core + look.texture * drawn.speckle
        part = image[drawn.box]
        part += drawn.weight * (np.maximum(value, 0.05).astype(np.float32) - part)
    return image
