"""Volumes of one examination are compared at the same points of the patient."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.client.cohort.crops.cropping import LoadedVolume, measure
from hepafed.client.cohort.crops.views import agreement, course, decay, view, view_points
from numpy.typing import NDArray

SHAPE = (18, 30, 36)
AFFINE = np.array([[6.0, 0, 0, -100], [0, 7.0, 0, -90], [0, 0, 9.0, -70], [0, 0, 0, 1.0]])
BLOBS = (((-40, 10, 5), 30, 1.0), ((50, -35, -25), 22, 0.7), ((20, 45, 30), 18, -0.6))


def tissue(gain: float, seed: int, level: float = 1.0) -> LoadedVolume:
    """Make a body with three organs that lie nowhere alike; `gain` of the organs, some noise."""
    index = np.indices(SHAPE)[::-1].reshape(3, -1)
    x = AFFINE[:3, :3] @ index + AFFINE[:3, 3:]
    body = (np.hypot(x[0] / 95, x[1] / 80) < 1) * level
    for centre, radius, bright in BLOBS:
        body = body + gain * bright * (
            np.linalg.norm(x - np.array(centre)[:, None], axis=0) < radius
        )
    noise = 0.05 * np.random.default_rng(seed).normal(size=body.shape)
    voxels = (300 * (body + noise)).reshape(SHAPE).astype(np.float32)
    return LoadedVolume(voxels, AFFINE, measure(voxels))


def compared(volumes: dict[str, LoadedVolume]) -> dict[str, tuple[float, float, float]]:
    points = view_points(AFFINE, SHAPE)
    return agreement({s: view(v.voxels, v.affine, points) for s, v in volumes.items()})


def three(seed: int = 0) -> dict[str, LoadedVolume]:
    return {
        "t2": tissue(0.8, seed),
        "dwi": tissue(-0.5, seed + 10, level=1.5),
        "portal": tissue(0.4, seed + 20, level=0.7),
    }


def test_points_lie_inside_the_volume_and_reach_its_ends() -> None:
    index = (view_points(AFFINE, SHAPE) - AFFINE[:3, 3]) / np.diag(AFFINE)[:3]
    assert (index >= -0.5).all()
    assert (index <= np.array(SHAPE[::-1]) - 0.5).all()
    assert (np.ptp(index, axis=0) > 0.87 * np.array(SHAPE[::-1])).all()


def test_a_view_is_the_nearest_voxel_and_nothing_outside() -> None:
    voxels = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    at = AFFINE @ np.array([7, 4, 11, 1.0])
    found = view(voxels, AFFINE, np.stack([at[:3] + 2.0, at[:3] + 1000.0]))
    assert found[0, 0] == voxels[11, 4, 7]
    assert found[1:5, 0].tolist() == [
        voxels[11, 4, -8],
        voxels[11, -5, 7],
        voxels[11, -5, -8],
        voxels[-12, 4, 7],
    ]
    # 20 mm are three columns and a third, and 2 mm were added: 22/6, 22/7, 22/9 and −18/6, …
    assert found[5:, 0].tolist() == [
        voxels[11, 4, 11],
        voxels[11, 7, 7],
        voxels[13, 4, 7],
        voxels[11, 4, 4],
        voxels[11, 1, 7],
        voxels[9, 4, 7],
    ]
    assert np.isnan(found[:, 1]).all()


@pytest.mark.parametrize("seed", range(3))
def test_volumes_that_lie_right_agree_best_as_they_are_stored(seed: int) -> None:
    for stored, backwards, moved in compared(three(seed)).values():
        assert stored > 0.6
        assert np.arctanh(stored) > np.arctanh(backwards) + 0.15
        assert np.arctanh(stored) > np.arctanh(moved) + 0.15


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (1, 2)])
def test_a_reversed_volume_agrees_best_when_it_is_reversed_again(
    seed: int, axes: tuple[int, ...]
) -> None:
    volumes = three(seed)
    turned = np.ascontiguousarray(np.flip(volumes["dwi"].voxels, axes))
    found = compared(volumes | {"dwi": replace(volumes["dwi"], voxels=turned)})
    assert np.arctanh(found["dwi"][1]) > np.arctanh(found["dwi"][0]) + 0.1
    assert found["dwi"][1] > found["dwi"][2]
    gains = {s: np.arctanh(a[1]) - np.arctanh(a[0]) for s, a in found.items()}
    assert max(gains, key=lambda s: gains[s]) == "dwi"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("move", [(24.0, 0, 0), (0, -21.0, 0), (0, 0, 18.0)])
def test_a_volume_that_lies_elsewhere_agrees_best_when_it_is_moved_back(
    seed: int, move: tuple[float, ...]
) -> None:
    volumes = three(seed)
    affine = AFFINE.copy()
    affine[:3, 3] += move
    found = compared(volumes | {"t2": replace(volumes["t2"], affine=affine)})
    assert np.arctanh(found["t2"][2]) > np.arctanh(found["t2"][0]) + 0.1
    assert found["t2"][2] > found["t2"][1]


def test_a_coil_s_smooth_field_is_no_agreement() -> None:
    points = view_points(AFFINE, SHAPE)
    x = points.T / 100
    rng = np.random.default_rng(3)
    views = {}
    for name in ("t2", "dwi"):
        field = np.exp(0.4 * x[0] + 0.3 * x[1] ** 2 - 0.3 * x[0] * x[2])
        shown = 100 * field * np.exp(0.2 * rng.normal(size=x.shape[1]))
        views[name] = np.stack([shown] * 11).astype(np.float32)
    assert agreement(views)["t2"][0] < 0.1


def test_a_single_volume_or_one_that_lies_far_away_is_not_compared() -> None:
    volumes = three()
    assert compared({"t2": volumes["t2"]}) == {}
    away = AFFINE.copy()
    away[0, 3] += 5000
    found = compared(volumes | {"portal": replace(volumes["portal"], affine=away)})
    assert set(found) == {"t2", "dwi"}


def phases(vessel: dict[str, float], gain: dict[str, float]) -> dict[str, NDArray[np.float32]]:
    """Make the views of dynamic phases: liver 1, vessels as given, each with a gain of its own."""
    points = view_points(AFFINE, SHAPE)
    vessels = np.linalg.norm(points[:, :2] - (30, 20), axis=1) < 9
    rng = np.random.default_rng(4)
    made = {}
    for phase, bright in vessel.items():
        shown = np.where(vessels, bright, 1.0) + 0.02 * rng.normal(size=len(points))
        made[phase] = np.stack([gain[phase] * shown] * 11).astype(np.float32)
    return made


def test_the_course_is_the_vessels_brightness_over_the_liver_whatever_the_gain() -> None:
    vessel = {"t1-pre": 0.6, "arterial": 2.4, "portal": 1.3}
    away = np.linalg.norm(view_points(AFFINE, SHAPE) - (-40, 0, 0), axis=1)
    gains = {"t1-pre": 300.0, "arterial": 120.0, "portal": 700.0}
    found = course(phases(vessel, gains), away, 12.0)
    assert found["arterial"] - found["t1-pre"] == pytest.approx(np.log(2.4 / 0.6), abs=0.15)
    assert found["arterial"] - found["portal"] == pytest.approx(np.log(2.4 / 1.3), abs=0.1)


def test_there_is_no_course_of_one_phase_nor_without_liver_round_the_lesion() -> None:
    away = np.linalg.norm(view_points(AFFINE, SHAPE) - (-40, 0, 0), axis=1)
    made = phases({"t1-pre": 0.6, "arterial": 2.4}, {"t1-pre": 1.0, "arterial": 1.0})
    assert set(course(made, away, 12.0)) == {"t1-pre", "arterial"}
    assert course({"arterial": made["arterial"]}, away, 12.0) == {}
    assert course(made, away + 5000, 12.0) == {}
    assert course({p: 0 * v for p, v in made.items()}, away, 12.0) == {}


def views_of_dwi(high: float, low: float, away: NDArray[np.float64]) -> list[NDArray[np.float32]]:
    """Make two views that hold `high` and `low` round a lesion of 10 mm, and 900 elsewhere."""
    near = (away > 12.0) & (away < 42.0)
    return [np.where(near, level, 900.0).astype(np.float32)[None] for level in (high, low)]


def test_the_decay_is_that_of_the_tissue_round_the_lesion_and_not_in_it() -> None:
    away = np.linspace(0.0, 90.0, 181)
    high, low = views_of_dwi(30.0, 120.0, away)
    assert decay(high, low, away, 10.0) == 0.25


def test_the_decay_is_the_median_over_the_points_that_both_volumes_show() -> None:
    away = np.linspace(12.5, 41.5, 21)
    high, low = views_of_dwi(30.0, 100.0, away)
    high[0, :11], low[0, :11] = np.nan, 1.0
    low[0, 11], high[0, 12] = 5000.0, 7000.0
    assert decay(high, low, away, 10.0) == 0.3


@pytest.mark.parametrize(("points", "known"), [(9, False), (10, True)])
def test_a_decay_needs_ten_points(points: int, known: bool) -> None:
    away = np.concatenate([np.linspace(13.0, 41.0, points), [5.0, 12.0, 42.0, 60.0]])
    high, low = views_of_dwi(30.0, 60.0, away)
    assert (decay(high, low, away, 10.0) is not None) is known


def test_a_dark_liver_has_no_decay() -> None:
    away = np.linspace(12.5, 41.5, 21)
    high, low = views_of_dwi(30.0, 0.0, away)
    assert decay(high, low, away, 10.0) is None
