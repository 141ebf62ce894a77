"""Where a row's box comes to lie, on oblique grids of unequal spacing: each edge and beside it."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.client.dicom.volumes.volume import Volume
from hepafed.client.lesions.labels import Label
from hepafed.client.lesions.locate import LocatedLesion, locate

from tests.client.volumes import affine_of, volume

BOX = (11.0, 7.0, 3.0, 34.0, 15.0, 10.0)
STRAIGHT = affine_of((0.5, 2.0, 4.0), (0.0, 0.0), (10.0, -20.0, 30.0))


def row(number: int = 2, lesion: str = "L1", **about: object) -> Label:
    values: dict[str, object] = {"box": BOX, "patient_id": "P1", "label": 0} | about
    return Label(row=number, lesion_id=lesion, **values)  # type: ignore[arg-type]


def the_one(label: Label, volumes: list[Volume]) -> LocatedLesion:
    found, problems = locate([label], volumes, [])
    assert problems == []
    (lesion,) = found
    return lesion


def problem(label: Label, volumes: list[Volume]) -> str:
    found, problems = locate([label], volumes, [])
    assert found == []
    (text,) = problems
    return text


def test_a_box_in_voxels_is_taken_as_it_is_with_its_volume() -> None:
    t2 = volume()
    lesion = the_one(row(), [t2])
    assert lesion.box == BOX
    assert lesion.reference is t2
    assert lesion.mask is None


LAST = (47.0, 22.0, 13.0)  # 48 columns, 23 rows, 14 slices


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["columns", "rows", "slices"])
def test_a_box_in_voxels_ends_at_the_last_voxel_of_each_axis(axis: int) -> None:
    high = list(BOX[3:])
    high[axis] = LAST[axis]
    assert the_one(row(box=(*BOX[:3], *high)), [volume()]).box == (*BOX[:3], *high)
    high[axis] += 0.01
    wrong = problem(row(box=(*BOX[:3], *high)), [volume()])
    assert wrong == "row 2: the box lies outside the volume"


def in_mm(low: tuple[float, float, float], high: tuple[float, float, float]) -> tuple[float, ...]:
    """A box's outer corners in mm on the straight grid: half a voxel round its end voxels."""
    steps, origin = (0.5, 2.0, 4.0), (10.0, -20.0, 30.0)
    first = [o + s * (v - 0.5) for v, s, o in zip(low, steps, origin, strict=True)]
    last = [o + s * (v + 0.5) for v, s, o in zip(high, steps, origin, strict=True)]
    return (*first, *last)


def test_a_box_in_mm_is_from_its_first_to_its_last_voxel() -> None:
    where = in_mm((11, 7, 3), (34, 15, 10))
    assert where == (15.25, -7.0, 40.0, 27.25, 11.0, 72.0)
    lesion = the_one(row(box=where, space="patient"), [volume(affine=STRAIGHT)])
    assert lesion.box == (11.0, 7.0, 3.0, 34.0, 15.0, 10.0)


def test_a_box_in_mm_holds_its_eight_corners_on_an_oblique_grid() -> None:
    affine = affine_of()
    middle = (affine @ np.array([22.0, 11.0, 6.0, 1.0]))[:3]
    half = np.array([4.0, 5.0, 6.0])
    where = (*(middle - half).tolist(), *(middle + half).tolist())
    inverse = np.linalg.inv(affine)
    corners = [
        inverse @ np.array([*(middle + half * (a, b, c)), 1.0])
        for a in (-1, 1)
        for b in (-1, 1)
        for c in (-1, 1)
    ]
    low, high = np.min(corners, axis=0)[:3] + 0.5, np.max(corners, axis=0)[:3] - 0.5
    lesion = the_one(row(box=where, space="patient"), [volume()])
    assert lesion.box == pytest.approx((*low, *high), abs=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["columns", "rows", "slices"])
@pytest.mark.parametrize("end", ["first", "last"])
def test_a_box_in_mm_may_reach_one_voxel_over_an_edge_and_is_cut_there(axis: int, end: str) -> None:
    low, high = [11.0, 7.0, 3.0], [34.0, 15.0, 10.0]
    over, edge, further = (low, 0.0, -1.0) if end == "first" else (high, LAST[axis], 1.0)
    over[axis] = edge + further
    wanted = [*low, *high]
    wanted[axis + (3 if end == "last" else 0)] = edge
    vol = volume(affine=STRAIGHT)
    where = in_mm((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    assert list(the_one(row(box=where, space="patient"), [vol]).box) == wanted
    over[axis] += 0.01 * further
    where = in_mm((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    assert problem(row(box=where, space="patient"), [vol]) == (
        "row 2: the lesion lies outside the volume"
    )


def test_a_row_without_a_series_is_given_on_t2_and_where_there_is_none_on_portal() -> None:
    dwi, portal = volume("dwi", series="3"), volume("portal", series="2")
    t2, again = volume("t2", series="1"), volume("t2", series="4")
    assert the_one(row(), [dwi, portal, t2, again]).reference is t2
    assert the_one(row(), [dwi, portal]).reference is portal
    assert problem(row(), [dwi]) == "row 2: its series is not in the folder or was refused"


def test_a_row_s_series_is_its_reference_whatever_its_sequence() -> None:
    t2, dwi = volume("t2", series="1"), volume("dwi", series="3")
    assert the_one(row(series_uid="3"), [t2, dwi]).reference is dwi
    assert "its series is not" in problem(row(series_uid="9"), [t2, dwi])


def test_a_row_s_study_tells_a_patient_s_examinations_apart() -> None:
    one = volume(study="1", series="1")
    two = volume(study="2", series="2")
    assert the_one(row(study_uid="2"), [one, two]).reference is two
    assert problem(row(), [one, two]) == (
        "row 2: several examinations, and no study_uid for this patient"
    )
    assert problem(row(study_uid="3"), [one, two]) == "row 2: no examination for this patient"


def test_a_study_under_two_patients_is_named_at_each_of_their_rows() -> None:
    volumes = [
        volume(study="1", series="1"),
        volume(study="1", series="2", patient_id="P2"),
        volume(study="3", series="3", patient_id="P3"),
    ]
    rows = [row(2), row(5, "L2", patient_id="P2"), row(7, "L3", patient_id="P3")]
    _, problems = locate(rows, volumes, [])
    assert [p.partition(":")[0] for p in problems] == ["row 2", "row 5"]


def test_a_patient_s_several_studies_are_not_several_ids() -> None:
    volumes = [volume(study="1", series="1"), volume(study="2", series="2")]
    found, problems = locate([row(study_uid="1")], volumes, [])
    assert len(found) == 1
    assert problems == []


def test_lesions_of_two_studies_do_not_overlap_wherever_they_lie() -> None:
    volumes = [volume(study="1", series="1"), volume(study="2", series="2")]
    rows = [row(2, study_uid="1"), row(3, "L2", study_uid="2")]
    assert locate(rows, volumes, [])[1] == []


def test_the_later_row_overlaps_the_earlier_one() -> None:
    found, problems = locate([row(4), row(9, "L2"), row(11, "L3", box=(0,) * 6)], [volume()], [])
    assert len(found) == 3
    assert problems == ["row 9: overlaps the lesion of row 4"]


def test_objects_are_looked_at_for_rows_without_a_box_alone(tmp_path: Path) -> None:
    missing = tmp_path / "no such object"
    assert the_one(row(), [volume()]).box == BOX
    found, problems = locate([row(box=None)], [volume()], [(missing, "")])
    assert found == []
    assert problems == ["row 2: neither a box nor a mask_file, and no segmentation in the export"]
