"""Each row finds its place, and every row that does not is named at once."""

import gzip
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from hepafed.client.cohort import size_of
from hepafed.client.dicom.volumes.volume import Volume
from hepafed.client.lesions.labels import BOX, complain_about, read_labels
from hepafed.client.lesions.locate import LocatedLesion, locate
from hepafed.common.errors import LabelsError
from hepafed.deploy.demo.dicom_writer import uid

Make = Callable[..., Any]
ROW = {"patient_id": "P1", "lesion_id": "L1", "label": "benign"}


def boxed(numbers: list[Any]) -> dict[str, Any]:
    return dict(zip(BOX, numbers, strict=True))


def find(
    table: Path,
    volumes: list[Volume],
    objects: list[Path] | None = None,
    unused: set[str] | None = None,
) -> list[LocatedLesion]:
    places = [(p, "") for p in objects or []]
    found, problems = locate(read_labels(table), volumes, places, unused or set())
    complain_about(problems, table)
    return found


@pytest.fixture
def problems(tmp_path: Path, write_table: Make) -> Callable[..., str]:
    def of(volumes: list[Volume], *rows: dict[str, Any], objects: list[Path] | None = None) -> str:
        with pytest.raises(LabelsError) as caught:
            find(write_table(tmp_path / "labels.csv", *rows), volumes, objects)
        return caught.value.message

    return of


def test_a_box_in_patient_coordinates_is_the_box_in_voxels(
    tmp_path: Path, examination: Make, write_table: Make
) -> None:
    exam = examination(sequences=("portal",))  # axial, so that both boxes are of one shape
    portal = exam.volume("portal")
    box = exam.box("portal")
    half = np.array([0.5, 0.5, 0.5, 0])
    low, high = np.array([*box[:3], 1]) - half, np.array([*box[3:], 1]) + half
    corners = np.stack([portal.affine @ low, portal.affine @ high])[:, :3]
    in_mm = [*corners.min(axis=0), *corners.max(axis=0)]
    table = write_table(tmp_path / "l.csv", ROW | boxed(in_mm) | {"box_space": "patient"})
    (lesion,) = find(table, exam.volumes)
    assert lesion.box == pytest.approx(box, abs=1e-2)
    size = size_of(lesion.reference.affine, lesion.box)
    assert size == pytest.approx(np.abs(corners[1] - corners[0])[[0, 1, 2]], abs=0.1)


def test_a_nifti_a_seg_and_an_rtstruct_give_the_lesion_the_same_place(
    tmp_path: Path, examination: Make, write_seg: Make, write_rtstruct: Make, write_table: Make
) -> None:
    exam = examination()
    t2, inside = exam.volume("t2"), exam.inside("t2")
    write_seg(tmp_path / "seg.dcm", t2, {"L1": inside})
    grid = inside.transpose(2, 1, 0).astype(np.uint8)
    nibabel.Nifti1Image(grid, np.diag([-1, -1, 1, 1]) @ t2.affine).to_filename(tmp_path / "m.nii")
    contours = []
    for k in np.flatnonzero(inside.any(axis=(1, 2))):
        rows, columns = np.nonzero(inside[k])
        x0, x1 = columns.min() - 0.4, columns.max() + 0.4
        y0, y1 = rows.min() - 0.4, rows.max() + 0.4
        at = np.array([[x0, y0, k, 1], [x1, y0, k, 1], [x1, y1, k, 1], [x0, y1, k, 1]])
        contours.append((k, (at @ t2.affine.T)[:, :3]))
    write_rtstruct(tmp_path / "rt.dcm", t2, {"L1": contours})
    with zipfile.ZipFile(tmp_path / "masks.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("rt.dcm", "m.nii", "seg.dcm"):
            archive.write(tmp_path / name, f"P1/{name}")
        archive.writestr("P1/m.nii.gz", gzip.compress((tmp_path / "m.nii").read_bytes()))
    packed = [f"masks.zip/P1/{name}" for name in ("seg.dcm", "m.nii", "m.nii.gz", "rt.dcm")]
    for name in ("seg.dcm", "m.nii", "rt.dcm", *packed):
        (lesion,) = find(write_table(tmp_path / "l.csv", ROW | {"mask_file": name}), exam.volumes)
        assert lesion.reference.series_uid == t2.series_uid
        assert lesion.box == pytest.approx(exam.box("t2"), abs=1e-2), name


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_a_segmentation_of_the_export_is_found_by_what_it_refers_to(
    tmp_path: Path,
    examination: Make,
    write_seg: Make,
    write_rtstruct: Make,
    write_table: Make,
    kind: str,
) -> None:
    exam = examination(sequences=("t2", "portal"))
    portal = exam.volume("portal")
    if kind == "seg":
        path = write_seg(exam.folder / "extra", portal, {"L1": exam.inside("portal")})
    else:
        at = np.array([[20, 20, 5, 1], [30, 20, 5, 1], [30, 30, 5, 1], [20, 30, 5, 1.0]])
        path = write_rtstruct(
            exam.folder / "extra", portal, {"L1": [(5, (at @ portal.affine.T)[:, :3])]}
        )
    image = Path(exam.volume("t2").headers[0].path)
    (lesion,) = find(write_table(tmp_path / "l.csv", ROW), exam.volumes, [image, path])
    assert lesion.reference.series_uid == portal.series_uid


def test_every_row_that_fits_nothing_is_named_at_once(
    tmp_path: Path, examination: Make, problems: Make
) -> None:
    exam = examination()
    good = exam.box("t2")
    nibabel.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)).to_filename(tmp_path / "e.nii")
    far = np.eye(4)
    far[:3, 3] = 5000
    nibabel.Nifti1Image(np.ones((4, 4, 4), np.uint8), far).to_filename(tmp_path / "far.nii")
    text = problems(
        exam.volumes,
        ROW | boxed(good),
        ROW | boxed(good) | {"patient_id": "Nobody"},
        ROW | boxed([*good[:3], 500, 500, 500]) | {"lesion_id": "L2"},
        ROW | boxed(good) | {"lesion_id": "L3", "series_uid": "1.2.3"},
        ROW | boxed(good) | {"lesion_id": "L4"},
        ROW | {"lesion_id": "L5", "mask_file": "e.nii"},
        ROW | {"lesion_id": "L6", "mask_file": "far.nii"},
        ROW | {"lesion_id": "L7"},
        ROW | boxed([9000, 0, 0, 9010, 10, 10]) | {"lesion_id": "L8", "box_space": "patient"},
    )
    for wanted in (
        "row 3: no examination for this patient",
        "row 4: the box lies outside the volume",
        "row 5: its series is not in the folder",
        "row 6: overlaps the lesion of row 2",
        "row 7: the mask is empty",
        "row 8: the lesion lies outside the volume",
        "row 9: neither a box nor a mask_file, and no segmentation in the export",
        "row 10: the lesion lies outside the volume",
    ):
        assert wanted in text
    assert "row 2" not in text.replace("lesion of row 2", "")
    for value in ("Nobody", "1.2.3", "far.nii", "P1"):
        assert value not in text.replace(str(tmp_path), "")


def test_one_examination_under_two_patient_ids_is_named(examination: Make, problems: Make) -> None:
    examination(patient="P1", study="S1")
    exam = examination(patient="P2", study="S1", first=5)
    first = ROW | boxed(exam.box("t2"))
    text = problems(exam.volumes, first, first | {"patient_id": "P2"})
    for row in (2, 3):
        assert (
            f"row {row}: an examination of this patient is also in the export under another" in text
        )


def test_neighbours_whose_boxes_meet_at_a_corner_do_not_overlap(
    tmp_path: Path, examination: Make, write_table: Make
) -> None:
    exam = examination(balls=(((-20.0, -20.0, 0.0), 20.0), ((10.0, 10.0, 0.0), 20.0)))
    rows = [ROW | boxed(exam.box("t2", n)) | {"lesion_id": n} for n in (0, 1)]
    (a, b) = find(write_table(tmp_path / "l.csv", *rows), exam.volumes)
    assert all(x >= y for x, y in zip(a.box[3:], b.box[:3], strict=True))  # the boxes do


def test_masks_that_share_voxels_overlap(
    examination: Make, write_seg: Make, tmp_path: Path, problems: Make
) -> None:
    exam = examination()
    inside = exam.inside("t2")
    moved = np.roll(inside, 2, axis=2)
    write_seg(tmp_path / "s.dcm", exam.volume("t2"), {"L1": inside, "L2": moved})
    rows = [ROW | {"lesion_id": n, "mask_file": "s.dcm"} for n in ("L1", "L2")]
    assert "row 3: overlaps the lesion of row 2" in problems(exam.volumes, *rows)


def test_a_mask_on_another_frame_of_reference_is_refused(
    examination: Make, write_seg: Make, tmp_path: Path, problems: Make
) -> None:
    exam = examination()
    path = write_seg(tmp_path / "s.dcm", exam.volume("t2"), {"L1": exam.inside("t2")})
    ds = pydicom.dcmread(path)
    ds.FrameOfReferenceUID = uid("another")
    ds.save_as(path)
    assert "row 2: the mask has another frame of reference" in problems(
        exam.volumes, ROW | {"mask_file": "s.dcm"}
    )


def test_a_mask_whose_images_are_not_in_the_export_is_refused(
    examination: Make, write_seg: Make, write_rtstruct: Make, tmp_path: Path, problems: Make
) -> None:
    exam = examination()
    other = examination(patient="P2", study="S2")
    theirs = next(v for v in other.volumes if v.patient_id == "P2" and v.sequence == "t2")
    write_seg(tmp_path / "s.dcm", theirs, {"L1": exam.inside("t2")})
    at = np.array([[20, 20, 5, 1], [30, 20, 5, 1], [30, 30, 5, 1.0]])
    points = (at @ exam.volume("t2").affine.T)[:, :3]
    write_rtstruct(tmp_path / "r.dcm", exam.volume("t2"), {"L2": [(5, points)]}, image="1.2.3.4")
    rows = [ROW | {"mask_file": "s.dcm"}, ROW | {"lesion_id": "L2", "mask_file": "r.dcm"}]
    text = problems(exam.volumes, *rows)
    assert text.count("the mask refers to images that are missing") == 2


def test_two_segmentations_that_both_fit_must_be_told_apart(
    examination: Make, write_seg: Make, tmp_path: Path, problems: Make
) -> None:
    exam = examination()
    paths = [write_seg(exam.folder / n, exam.volume("t2"), {"L1": exam.inside("t2")}) for n in "ab"]
    assert "several segmentations in the export match" in problems(exam.volumes, ROW, objects=paths)


def test_a_label_map_of_a_patient_without_reference_is_drawn_on_t2(
    tmp_path: Path, examination: Make, write_table: Make
) -> None:
    exam = examination()
    t2 = exam.volume("t2")
    grid = (exam.inside("t2").transpose(2, 1, 0) * 7).astype(np.int16)
    grid[0, 0, 0] = 3
    nibabel.Nifti1Image(grid, np.diag([-1, -1, 1, 1]) @ t2.affine).to_filename(tmp_path / "m.nii")
    row = ROW | {"mask_file": "m.nii", "mask_value": 7}
    (lesion,) = find(write_table(tmp_path / "l.csv", row), exam.volumes)
    assert lesion.box == pytest.approx(exam.box("t2"), abs=1e-2)


def test_a_mask_drawn_on_a_series_of_no_use_is_placed_by_its_frame_of_reference(
    tmp_path: Path, examination: Make, write_seg: Make, write_table: Make
) -> None:
    exam = examination()
    dwi, inside = exam.volume("dwi"), exam.inside("dwi")
    write_seg(tmp_path / "s.dcm", dwi, {"L1": inside})
    rest = [v for v in exam.volumes if v.sequence != "dwi"]
    unused = {h.instance for v in exam.volumes if v.sequence == "dwi" for h in v.headers}
    table = write_table(tmp_path / "l.csv", ROW | {"mask_file": "s.dcm"})
    (lesion,) = find(table, rest, unused=unused)
    assert lesion.reference.sequence == "t2"
    low, high = np.split(np.array(lesion.box), 2)
    low_t2, high_t2 = np.split(np.array(exam.box("t2"), float), 2)
    assert np.abs((low + high) / 2 - (low_t2 + high_t2) / 2).max() < 1.1
    with pytest.raises(LabelsError, match="images that are missing"):
        find(table, rest, unused=set())


def test_contours_on_a_series_of_no_use_are_refused_for_that_reason(
    examination: Make, write_rtstruct: Make, tmp_path: Path, write_table: Make
) -> None:
    exam = examination()
    dwi = exam.volume("dwi")
    at = np.array([[20, 20, 5, 1], [30, 20, 5, 1], [30, 30, 5, 1.0]])
    write_rtstruct(tmp_path / "r.dcm", dwi, {"L1": [(5, (at @ dwi.affine.T)[:, :3])]})
    rest = [v for v in exam.volumes if v.sequence != "dwi"]
    unused = {h.instance for h in dwi.headers}
    table = write_table(tmp_path / "l.csv", ROW | {"mask_file": "r.dcm"})
    with pytest.raises(LabelsError, match="drawn on a series that was set aside or refused"):
        find(table, rest, unused=unused)


def test_a_mask_whose_affine_was_forgotten_is_refused(
    tmp_path: Path, examination: Make, problems: Make
) -> None:
    exam = examination()
    grid = exam.inside("t2").transpose(2, 1, 0).astype(np.uint8)
    nibabel.Nifti1Image(grid, np.eye(4)).to_filename(tmp_path / "m.nii")
    assert "its orientation was lost" in problems(exam.volumes, ROW | {"mask_file": "m.nii"})


def test_a_segmentation_inside_an_archive_is_found(
    tmp_path: Path, examination: Make, write_seg: Make, write_table: Make
) -> None:
    exam = examination()
    seg = write_seg(tmp_path / "seg.dcm", exam.volume("t2"), {"L1": exam.inside("t2")})
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.write(seg, "a/seg.dcm")
    rows = read_labels(write_table(tmp_path / "l.csv", ROW))
    (lesion,), wrong = locate(rows, exam.volumes, [(tmp_path / "e.zip", "a/seg.dcm")])
    assert wrong == []
    assert lesion.box == pytest.approx(exam.box("t2"), abs=1e-2)


def test_a_box_without_series_needs_one_t2_or_several_of_one_grid(
    tmp_path: Path, examination: Make, write_table: Make, problems: Make
) -> None:
    exam = examination()
    t2 = exam.volume("t2")
    row = ROW | boxed(exam.box("t2"))
    again = Volume(t2.stack, "t2", "again")
    (lesion,) = find(write_table(tmp_path / "l.csv", row), [*exam.volumes, again])
    assert lesion.box == tuple(exam.box("t2"))
    moved = t2.affine.copy()
    moved[1, 3] += 0.2
    other = Volume(replace(t2.stack, affine=moved), "t2", "again")
    assert "row 2: the examination has 2 t2 volumes at different places: state in series_uid" in (
        problems([*exam.volumes, other], row)
    )
    named = row | {"series_uid": t2.series_uid}
    assert "row 2: its series holds several volumes that lie at different places" in (
        problems([*exam.volumes, other], named)
    )
