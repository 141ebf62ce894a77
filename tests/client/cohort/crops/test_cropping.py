"""A crop lies where its box lies, pixel by pixel, whatever the grids; values by their own body."""

import math
from itertools import product
from statistics import fmean, pstdev

import numpy as np
import pytest
from hepafed.client.cohort.crops.cropping import LoadedVolume, Scale, box_in_crop, crop, measure
from hepafed.client.cohort.measurements import size_of
from numpy.typing import NDArray

PLAIN = Scale(-1e6, 1e6, 0.0, 1.0)


def oblique(steps: tuple[float, float, float], angles: tuple[float, float]) -> NDArray[np.float64]:
    """An affine [column, row, slice, 1] → mm, turned round z and then x, off the origin."""
    a, b = (math.radians(v) for v in angles)
    z = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    made = np.eye(4)
    made[:3, :3] = x @ z @ np.diag(steps)
    made[:3, 3] = (-31.0, 17.5, 240.0)
    return made


REFERENCE = oblique((0.8, 1.9, 4.3), (23.0, -14.0))
SHAPE = (14, 23, 48)
"""Slices, rows, columns."""


def ramps(shape: tuple[int, int, int], affine: NDArray[np.float64]) -> list[LoadedVolume]:
    """Three volumes: each voxel's own column, row and slice index."""
    k, j, i = np.indices(shape).astype(np.float32)
    return [LoadedVolume(v, affine, PLAIN) for v in (i, j, k)]


def sampled(
    box: tuple[float, ...], shape: tuple[int, int, int], affine: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Column, row and slice index at which a crop was sampled: [3, slices, 160, 160]."""
    volumes = dict(zip("ijk", ramps(shape, affine), strict=True))
    return crop(REFERENCE, box, volumes).astype(np.float64)


WIDE = (11, 7, 3, 34, 15, 10)  # 24 × 0.8 = 19.2 mm wide, 9 × 1.9 = 17.1 mm high: 30.72 mm
TALL = (30, 4, 3, 34, 17, 10)  # 4.0 mm wide, 14 × 1.9 = 26.6 mm high: 42.56 mm
TINY = (20, 9, 4, 22, 10, 5)  # 2.4 mm and 3.8 mm: the least of 30 mm
CASES = [
    pytest.param(WIDE, 30.72, (22.5, 11.0), (5, 6, 8), id="wide"),
    pytest.param(TALL, 42.56, (32.0, 10.5), (5, 6, 8), id="tall"),
    pytest.param(TINY, 30.0, (21.0, 9.5), (4, 5), id="tiny"),
]


def by_hand(
    side: float, middle: tuple[float, float], heights: tuple[int, ...], place: tuple[int, int, int]
) -> tuple[float, float, float]:
    """Column, row and slice of the reference at which a crop's pixel [slice, row, column] lies."""
    n, row, column = place
    across = (column + 0.5 - 80) * side / 160
    down = (row + 0.5 - 80) * side / 160
    return middle[0] + across / 0.8, middle[1] + down / 1.9, float(heights[n])


SOME = (0, 1, 37, 79, 80, 121, 158, 159)


@pytest.mark.parametrize(("box", "side", "middle", "heights"), CASES)
def test_a_pixel_of_a_crop_lies_at_its_centre_in_the_box_s_own_grid(
    box: tuple[float, ...],
    side: float,
    middle: tuple[float, float],
    heights: tuple[int, ...],
) -> None:
    found = sampled(box, SHAPE, REFERENCE)
    assert found.shape == (3, len(heights), 160, 160)
    for place in product(range(len(heights)), SOME, SOME):
        wanted = by_hand(side, middle, heights, place)
        edge = np.clip(wanted, 0, (47, 22, 13))  # outside the nearest voxel counts
        assert found[:, *place] == pytest.approx(edge, abs=0.02), place


@pytest.mark.parametrize(("box", "side", "middle", "heights"), CASES)
def test_the_same_tissue_is_met_in_a_volume_of_another_obliquity_and_spacing(
    box: tuple[float, ...],
    side: float,
    middle: tuple[float, float],
    heights: tuple[int, ...],
) -> None:
    other = oblique((1.1, 0.6, 3.1), (31.0, -9.0))
    other[:3, 3] += (-4.0, 2.0, -6.0)
    shape = (27, 90, 44)
    found = sampled(box, shape, other)
    for place in product(range(len(heights)), SOME, SOME):
        at = REFERENCE @ np.array([*by_hand(side, middle, heights, place), 1.0])
        wanted = np.linalg.solve(other, at)[:3]
        edge = np.clip(wanted, 0, (43, 89, 26))
        assert found[:, *place] == pytest.approx(edge, abs=0.035), place


@pytest.mark.parametrize(
    ("first", "last", "heights"),
    [
        (6, 6, (6,)),
        (4, 5, (4, 5)),
        (0, 2, (1,)),
        (0, 13, (4, 6, 9)),
        (2.4, 8.4, (4, 5, 7)),
    ],
    ids=["one", "two", "three", "all", "fractions"],
)
def test_slices_lie_at_three_five_and_seven_tenths_of_the_box_and_each_once(
    first: float, last: float, heights: tuple[int, ...]
) -> None:
    found = sampled((20, 9, first, 22, 10, last), SHAPE, REFERENCE)
    assert found[2, :, 80, 80] == pytest.approx(heights, abs=0.01)


def test_sequences_stand_in_the_order_they_are_given() -> None:
    flat = {
        name: LoadedVolume(np.full(SHAPE, n, np.float32), REFERENCE, PLAIN)
        for n, name in enumerate(("z", "a", "m"))
    }
    made = crop(REFERENCE, WIDE, flat)
    assert made.dtype == np.float16
    assert [int(v) for v in made[:, 0, 80, 80]] == [0, 1, 2]


def test_values_are_clipped_before_they_are_interpolated_and_scored() -> None:
    voxels = np.zeros(SHAPE, np.float32)
    voxels[:, :, 23:] = 1000.0
    volume = LoadedVolume(voxels, REFERENCE, Scale(2.0, 12.0, 4.0, 2.0))
    row = crop(REFERENCE, WIDE, {"t2": volume})[0, 0, 80].astype(float)
    assert (row[0], row[-1]) == (-1.0, 4.0)
    # the pixel 80 lies 0.12 columns right of 22.5: 0.62 of the way from −1 to 4
    assert row[80] == pytest.approx(-1 + 0.62 * 5, abs=0.01)


def test_a_scale_clips_then_subtracts_then_divides() -> None:
    made = Scale(2.0, 12.0, 4.0, 2.0).applied(np.array([0, 5, 10, 15], np.float32))
    assert made.tolist() == [-1.0, 0.5, 3.0, 4.0]


def test_a_scale_leaves_the_volume_as_it_is() -> None:
    voxels = np.array([0, 5, 10], np.float32)
    Scale(2.0, 12.0, 4.0, 2.0).applied(voxels)
    assert voxels.tolist() == [0, 5, 10]


def test_the_clip_is_at_half_a_percent_of_either_end() -> None:
    values = [float(v) for v in range(1000, 2001)]
    inside = [min(max(v, 1005.0), 1995.0) for v in values]
    made = measure(np.array(values[::-1], np.float32).reshape(7, 11, 13))
    assert (made.low, made.high) == (1005.0, 1995.0)
    assert made.mean == pytest.approx(fmean(inside))
    assert made.spread == pytest.approx(pstdev(inside), rel=1e-6)


@pytest.mark.parametrize(
    ("dim", "mean"),
    [(100.0, 1000.0), (100.5, (500 * 1000 + 200 * 100.5) / 700)],
    ids=["a tenth", "more than a tenth"],
)
def test_body_is_what_is_brighter_than_a_tenth_of_the_99th_percentile(
    dim: float, mean: float
) -> None:
    values = [1000.0] * 500 + [dim] * 200 + [3.0] * 300
    assert measure(np.array(values, np.float32).reshape(10, 4, 25)).mean == pytest.approx(mean)


def test_the_99th_percentile_not_the_brightest_voxel_is_what_body_is_held_to() -> None:
    values = [9000.0] * 8 + [500.0] * 992
    made = measure(np.array(values, np.float32).reshape(10, 4, 25))
    assert made.low == 500.0
    assert made.mean == pytest.approx((992 * 500 + 8 * 9000) / 1000)


@pytest.mark.parametrize(("bright", "mean"), [(99, 99 * 0.8), (100, 800.0)])
def test_with_fewer_than_100_voxels_of_body_the_whole_volume_counts(
    bright: int, mean: float
) -> None:
    values = [800.0] * bright + [0.0] * (1000 - bright)
    assert measure(np.array(values, np.float32).reshape(10, 4, 25)).mean == pytest.approx(mean)


def test_a_volume_of_one_value_is_divided_by_one() -> None:
    assert measure(np.full((3, 5, 9), 7.0, np.float32)) == Scale(7.0, 7.0, 7.0, 1.0)


@pytest.mark.parametrize(
    ("box", "shares"),
    [
        # 19.2 and 17.1 mm of 30.72; 4.0 and 26.6 mm of 42.56; 2.4 and 3.8 mm of 30
        (WIDE, (19.2 / 30.72, 17.1 / 30.72)),
        (TALL, (4.0 / 42.56, 26.6 / 42.56)),
        (TINY, (2.4 / 30.0, 3.8 / 30.0)),
    ],
)
def test_the_box_takes_its_share_of_the_crop(
    box: tuple[float, ...], shares: tuple[float, float]
) -> None:
    assert box_in_crop(size_of(REFERENCE, box)) == pytest.approx(shares, abs=0.003)
