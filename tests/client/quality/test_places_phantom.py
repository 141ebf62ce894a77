"""A phantom's cohort has no finding; a shifted box, a wrong volume or a swapped phase has one."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from hepafed.client.cohort import (
    Lesion,
    LoadedVolume,
    Measurements,
    agreement,
    centre_of,
    crop,
    measure,
    signals_of,
    size_of,
    view,
    view_points,
)
from hepafed.client.quality.places import findings_of_places
from hepafed.deploy.demo.anatomy import Grid, bounds, draw, paint
from hepafed.deploy.demo.hospitals import STYLES
from hepafed.deploy.demo.phantom import ORGANS, make_patient

NAMES = {
    "t2": "t2", "dwi": "dwi-high", "t1-pre": "t1-pre",
    "arterial": "arterial", "portal": "portal", "delayed": "delayed",
}  # fmt: skip
TISSUES = ("fat", "muscle", "stomach", "spleen", "spine", "fluid", "aorta", "liver", "vessels")
SHAPES = {"t2": (14, 84, 80), "dwi": (11, 60, 64)}
PATIENTS = 10
Box = tuple[int, ...]
Examination = tuple[dict[str, LoadedVolume], Box]


def volume(clean: np.ndarray, grid: Grid, rng: np.random.Generator) -> LoadedVolume:
    """Return a scanner's image: a coil's field, noise, and a gain of the sequence's own."""
    x = grid.points() / 110
    field = np.exp(0.2 * np.tensordot(rng.normal(size=3), x, 1))
    noise = 0.06 * rng.normal(size=(2, *clean.shape))
    image = 300 * rng.uniform(0.7, 1.4) * np.hypot(clean * field + noise[0], noise[1])
    affine = np.eye(4)
    affine[:3, :3] = (grid.axes * np.array(grid.spacing[::-1])[:, None]).T
    affine[:3, 3] = grid.origin
    voxels = image.astype(np.float32)
    return LoadedVolume(voxels, affine, measure(voxels))


def examination(number: int, seed: int) -> Examination:
    """Return the volumes of a patient, oblique and of unequal spacing, and the first lesion's box.

    The box is on T2.
    """
    patient, _ = make_patient(STYLES["hospital-a"], number, seed)
    rng = np.random.default_rng([seed, number])
    volumes: dict[str, LoadedVolume] = {}
    box: Box = ()
    for sequence, image in NAMES.items():
        shape = SHAPES.get(sequence, (12, 72, 74))
        spacing = (100 / shape[0], 300 / shape[1], 310 / shape[2])
        tilt = (3.0 * (sequence == "t2"), rng.normal(), -2.0)
        grid = Grid.centred(shape, spacing, tilt, tuple(rng.normal(0, 2, 3)))
        scene = draw(grid.points(), patient.lesions, patient.phases)
        levels = dict(zip(TISSUES, ORGANS[image], strict=True))
        clean = paint(scene, levels, [lesion.looks[image] for lesion in patient.lesions])
        volumes[sequence] = volume(clean, grid, rng)
        if sequence == "t2":
            seen = scene.lesions[0]
            inside = zip(seen.box, bounds(seen.weight >= 0.5), strict=True)
            ends = [(o.start + i.start, o.start + i.stop - 1) for o, i in inside][::-1]
            box = (*(e[0] for e in ends), *(e[1] for e in ends))
    return volumes, box


def row(number: int, volumes: dict[str, LoadedVolume], box: Box, reference: LoadedVolume) -> Lesion:
    """Return what the store keeps of the lesion; the box is on the grid of `reference`."""
    affine = reference.affine
    points = view_points(affine, reference.voxels.shape)
    views = {s: view(v.voxels, v.affine, points) for s, v in volumes.items()}
    planes = {s: crop(affine, box, {s: v})[0] for s, v in volumes.items()}
    size = size_of(affine, box)
    away = np.linalg.norm(points - centre_of(affine, box), axis=1)
    signals = signals_of(planes, views, agreement(views), away, size)
    facts = Measurements("box", size, signals=signals).text()
    name = f"{number:04x}"
    return Lesion(name, f"p{name}", f"e{name}", 0, ",".join(volumes), 3, "", facts)


@dataclass(frozen=True)
class Made:
    """A site's examinations and the rows that its store would have."""

    examinations: list[Examination]
    rows: list[Lesion]

    def kinds(self, at: int, wrong: Lesion) -> set[tuple[str, str]]:
        """Return the findings once the lesion of one examination is replaced."""
        rows = [wrong if n == at else r for n, r in enumerate(self.rows)]
        return {(f.kind, f.where.split()[1]) for f in findings_of_places(rows)}


@cache
def made(seed: int) -> Made:
    found = [examination(n, seed) for n in range(PATIENTS)]
    return Made(found, [row(n, v, b, v["t2"]) for n, (v, b) in enumerate(found)])


@pytest.fixture(params=[1, 2, 3])
def site(request: pytest.FixtureRequest) -> Made:
    return made(request.param)


def test_a_regular_cohort_has_no_finding(site: Made) -> None:
    assert list(findings_of_places(site.rows)) == []


@pytest.mark.parametrize("at", [0, 4, 9])
def test_a_box_far_from_its_lesion_is_found(site: Made, at: int) -> None:
    volumes, box = site.examinations[at]
    moved = beside(volumes["t2"], box)
    assert ("place", f"{at:04x}") in site.kinds(at, row(at, volumes, moved, volumes["t2"]))


def beside(t2: LoadedVolume, box: Box) -> Box:
    """Return the box moved by its own width and a half, to the side that stays in the liver."""
    width = box[3] - box[0] + 1
    middle = t2.affine[0, 3] + t2.affine[0, 0] * (box[0] + box[3]) / 2
    step = round(1.5 * width) * (1 if middle < -42 else -1)
    return (box[0] + step, *box[1:3], box[3] + step, *box[4:])


@pytest.mark.parametrize("at", [1, 6])
@pytest.mark.parametrize(
    ("sequence", "axes"), [("arterial", (2,)), ("arterial", (1, 2)), ("dwi", (1,))]
)
def test_a_volume_stored_the_wrong_way_round_is_found(
    site: Made, at: int, sequence: str, axes: tuple[int, ...]
) -> None:
    volumes, box = site.examinations[at]
    turned = np.ascontiguousarray(np.flip(volumes[sequence].voxels, axes))
    wrong = volumes | {sequence: replace(volumes[sequence], voxels=turned)}
    assert ("position", f"e{at:04x}") in site.kinds(at, row(at, wrong, box, volumes["t2"]))


@pytest.mark.parametrize("at", [2, 7])
@pytest.mark.parametrize("sequence", ["t2", "dwi", "portal"])
def test_a_volume_that_lies_elsewhere_is_found(site: Made, at: int, sequence: str) -> None:
    volumes, box = site.examinations[at]
    affine = volumes[sequence].affine.copy()
    affine[:3, 3] += (4.0, -24.0, 3.0)
    wrong = volumes | {sequence: replace(volumes[sequence], affine=affine)}
    assert ("position", f"e{at:04x}") in site.kinds(at, row(at, wrong, box, volumes["t2"]))


@pytest.mark.parametrize("at", [3, 8])
@pytest.mark.parametrize("other", ["arterial", "portal", "delayed"])
def test_a_phase_swapped_with_the_one_before_contrast_is_found(
    site: Made, at: int, other: str
) -> None:
    volumes, box = site.examinations[at]
    wrong = volumes | {"t1-pre": volumes[other], other: volumes["t1-pre"]}
    assert ("phase", f"e{at:04x}") in site.kinds(at, row(at, wrong, box, volumes["t2"]))
