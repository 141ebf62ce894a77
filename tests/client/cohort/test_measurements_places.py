"""What is measured of a lesion: its size, whether it is seen, and the order of the phases."""

import numpy as np
import pytest
from hepafed.client.cohort.crops.cropping import LoadedVolume, Scale
from hepafed.client.cohort.measurements import (
    Measurements,
    in_order,
    points_in,
    seen_in,
    shares,
    size_of,
)

from tests.client.volumes import affine_of

OBLIQUE = affine_of()
SCALE = Scale(0.0, 1.0, 0.0, 1.0)


def test_a_size_is_along_columns_rows_and_slices_with_both_ends() -> None:
    # 24 × 0.8, 9 × 1.9, 8 × 4.3
    assert size_of(OBLIQUE, (11, 7, 3, 34, 15, 10)) == (19.2, 17.1, 34.4)
    assert size_of(OBLIQUE, (5, 5, 5, 5, 5, 5)) == (0.8, 1.9, 4.3)


def test_points_fill_the_ellipsoid_of_a_box_to_its_voxels_outer_faces() -> None:
    points = points_in(OBLIQUE, (11, 7, 3, 34, 15, 10))
    at = np.linalg.solve(OBLIQUE[:3, :3], (points - OBLIQUE[:3, 3]).T).T
    assert at.min(axis=0) == pytest.approx([10.5, 6.5, 2.5])
    assert at.max(axis=0) == pytest.approx([34.5, 15.5, 10.5])
    assert at.mean(axis=0) == pytest.approx([22.5, 11.0, 6.5])
    steps = [v / 4 for v in range(-4, 5)]
    ball = [(a, b, c) for a in steps for b in steps for c in steps if a * a + b * b + c * c <= 1]
    assert len(points) == len(ball) == 257


def seen(column: float, row: float, slice_: float) -> tuple[bool, bool]:
    voxels = np.full((6, 9, 14), 100.0, np.float32)
    voxels[1, 2, 3], voxels[1, 2, 4] = 10.0, 10.5
    point = (OBLIQUE @ np.array([column, row, slice_, 1.0]))[None, :3]
    field, body = seen_in(LoadedVolume(voxels, OBLIQUE, SCALE), point)
    return bool(field[0]), bool(body[0])


@pytest.mark.parametrize(
    ("axis", "last"), [(0, 13), (1, 8), (2, 5)], ids=["columns", "rows", "slices"]
)
def test_the_field_of_view_ends_half_a_voxel_beyond_the_end_voxels(axis: int, last: int) -> None:
    for place, there in ((-0.51, False), (-0.49, True), (last + 0.49, True), (last + 0.51, False)):
        at = [3.0, 3.0, 3.0]
        at[axis] = place
        assert seen(*at) == (there, there), place


def test_a_point_is_body_when_its_own_voxel_is_brighter_than_a_tenth_of_the_99th_percentile() -> (
    None
):
    assert seen(3, 2, 1) == (True, False)
    assert seen(4, 2, 1) == (True, True)


def test_the_body_is_that_of_any_sequence_and_the_field_that_of_the_least() -> None:
    one = np.array([[1, 1, 1, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0, 0]], bool)
    two = np.array([[1, 1, 1, 1, 1, 0, 1], [0, 0, 1, 0, 0, 0, 1]], bool)
    assert shares([one, two]) == (0.429, 0.714)  # 3/7; 5/7 and 6/7
    assert shares([two, one]) == (0.429, 0.714)
    assert shares([]) == (None, None)


@pytest.mark.parametrize(
    ("acquired", "wanted"),
    [
        ({}, None),
        ({"portal": 5.0}, None),
        ({"portal": 5.0, "t2": 1.0}, None),
        ({"portal": 5.0, "delayed": None}, None),
        ({"delayed": 9.0, "t1-pre": 1.0, "portal": 5.0, "arterial": 2.0}, True),
        ({"t1-pre": 1.0, "hepatobiliary": 20.0, "delayed": 9.0}, True),
        ({"hepatobiliary": 8.0, "delayed": 9.0}, False),
        ({"portal": 2.0, "arterial": 5.0}, False),
        ({"t1-pre": 5.0, "arterial": 5.0}, False),
    ],
    ids=["none", "one", "one dynamic", "one timed", "four", "late", "early late", "two", "at once"],
)
def test_phases_are_in_order_when_each_is_acquired_after_the_one_before(
    acquired: dict[str, float | None], wanted: bool | None
) -> None:
    assert in_order(acquired) is wanted


def test_measurements_of_the_same_content_have_one_text() -> None:
    one = Measurements("box", readers={"b": 1, "a": 0}, groups={"z": "1", "y": "2"})
    two = Measurements("box", readers={"a": 0, "b": 1}, groups={"y": "2", "z": "1"})
    assert one.text() == two.text()
    assert " " not in one.text()
    with pytest.raises(ValueError, match="not JSON compliant"):
        Measurements("box", in_body=float("nan")).text()
