"""The LLD-MMRI annotation: each bound of a box and of a name, each category, each owner."""

import json
from pathlib import Path
from typing import Any

import pytest
from hepafed.client.ingest.lld_layout import Examination, read_annotation
from hepafed.common.errors import LabelsError, UsageError

CORNERS = ("x_min", "y_min", "z_min", "x_max", "y_max", "z_max")
BOX = (3, 5, 2, 9, 6, 4)


def entry(**about: object) -> dict[str, Any]:
    values: dict[str, Any] = {
        "study": "1.1",
        "series": "2.1",
        "phase": "T2WI",
        "category": "FNH",
        "box": BOX,
    }
    values |= about
    box = dict(zip(CORNERS, values["box"], strict=True))
    lesion = {"category": values["category"], "bbox": {"3D_box": box}}
    return {
        "studyUID": values["study"],
        "seriesUID": values["series"],
        "phase": values["phase"],
        "annotation": {"lesion": values.get("lesions", {"0": lesion})},
    }


def read(
    folder: Path, patients: dict[str, list[dict[str, Any]]], suffix: str = ".nii.gz"
) -> list[Examination]:
    (folder / "images").mkdir(exist_ok=True)
    for patient, entries in patients.items():
        for e in entries:
            path = folder / "images" / patient / e["studyUID"] / f"{e['seriesUID']}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    (folder / "Annotation.json").write_text(json.dumps({"Annotation_info": patients}))
    return read_annotation(folder)[0]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_an_entry_is_read_with_its_box_as_columns_rows_and_slices(
    tmp_path: Path, suffix: str
) -> None:
    (found,) = read(tmp_path, {"A": [entry()]}, suffix)
    assert (found.patient, found.study, found.labels) == ("A", "1.1", {"0": 0})
    (series,) = found.series
    assert series.path == tmp_path / "images/A/1.1" / f"2.1{suffix}"
    assert series.sequence == "t2"
    assert series.boxes == {"0": (3.0, 5.0, 2.0, 9.0, 6.0, 4.0)}


def test_the_annotation_may_lie_in_the_folder_labels(tmp_path: Path) -> None:
    read(tmp_path, {"A": [entry()]})
    (tmp_path / "labels").mkdir()
    (tmp_path / "Annotation.json").rename(tmp_path / "labels/Annotation.json")
    found, file = read_annotation(tmp_path)
    assert len(found) == 1
    assert file == tmp_path / "labels/Annotation.json"


def test_an_annotation_without_images_is_not_the_layout(tmp_path: Path) -> None:
    (tmp_path / "Annotation.json").write_text("{}")
    with pytest.raises(UsageError, match="layout"):
        read_annotation(tmp_path)


@pytest.mark.parametrize(
    ("category", "label"),
    [
        ("Hepatic hemangioma", 0), ("haemangioma", 0), ("Hepatic abscess", 0), ("cysts", 0),
        ("Focal-nodular-hyperplasia", 0), ("HCC", 1), ("ICC", 1),
        ("Intrahepatic cholangiocarcinoma", 1), ("Hepatic metastasis", 2),
        ("liver_metastases", 2),
    ],
)  # fmt: skip
def test_a_category_has_its_class(tmp_path: Path, category: str, label: int) -> None:
    (found,) = read(tmp_path, {"A": [entry(category=category)]})
    assert found.labels == {"0": label}


@pytest.mark.parametrize(
    ("phase", "sequence"),
    [
        ("T2WI", "t2"), ("DWI", "dwi"), ("In Phase", "t1-in-phase"),
        ("Out Phase", "t1-opposed-phase"), ("C-pre", "t1-pre"), ("C+A", "arterial"),
        ("C+V", "portal"), ("C+Delay", "delayed"),
    ],
)  # fmt: skip
def test_a_phase_has_its_sequence(tmp_path: Path, phase: str, sequence: str) -> None:
    (found,) = read(tmp_path, {"A": [entry(phase=phase)]})
    assert found.series[0].sequence == sequence


@pytest.mark.parametrize(
    "box",
    [(0, 0, 0, 0, 0, 0), (3, 5, 2, 3, 5, 2), (3, 5, 2, 99_999, 6, 4)],
    ids=["the first voxel", "one voxel", "far"],
)
def test_a_box_may_be_one_voxel_and_begin_at_zero(tmp_path: Path, box: tuple[int, ...]) -> None:
    (found,) = read(tmp_path, {"A": [entry(box=box)]})
    assert found.series[0].boxes["0"] == tuple(map(float, box))


@pytest.mark.parametrize(
    "box",
    [
        (-1, 5, 2, 9, 6, 4),
        (3, -1, 2, 9, 6, 4),
        (3, 5, -1, 9, 6, 4),
        (10, 5, 2, 9, 6, 4),
        (3, 7, 2, 9, 6, 4),
        (3, 5, 5, 9, 6, 4),
        (3, 5, 2, 100_000, 6, 4),
        (3, 5, 2, float("inf"), 6, 4),
        (float("nan"), 5, 2, 9, 6, 4),
    ],
    ids=["x", "y", "z", "x turned", "y turned", "z turned", "too far", "inf", "nan"],
)
def test_a_box_with_a_corner_out_of_order_is_a_problem(
    tmp_path: Path, box: tuple[float, ...]
) -> None:
    with pytest.raises(LabelsError, match="patient 1, series 1: a 3D_box's corners"):
        read(tmp_path, {"A": [entry(box=box)]})


@pytest.mark.parametrize("name", ["a" * 129, "a/b", "a..b", "", "a b"])
def test_a_name_that_is_no_plain_folder_is_a_problem(tmp_path: Path, name: str) -> None:
    (tmp_path / "images").mkdir()
    text = json.dumps({"Annotation_info": {"A": [entry(study=name)]}})
    (tmp_path / "Annotation.json").write_text(text)
    with pytest.raises(LabelsError, match="series 1: a name that is not usable"):
        read_annotation(tmp_path)


def test_a_name_of_128_letters_is_usable(tmp_path: Path) -> None:
    (found,) = read(tmp_path, {"A": [entry(study="a" * 128)]})
    assert found.study == "a" * 128


def test_a_lesion_has_one_class_and_a_phase_one_series(tmp_path: Path) -> None:
    entries = [
        entry(),
        entry(series="2.2", phase="DWI", category="HCC"),
        entry(series="2.3", phase="T2WI"),
    ]
    with pytest.raises(LabelsError) as caught:
        read(tmp_path, {"A": [entry(study="1.9")], "B": entries})
    text = caught.value.message
    assert "patient 2, series 2: a lesion has another class than in an earlier series" in text
    assert "patient 2, series 3: a second series of its phase" in text
    assert "patient 1" not in text


def test_the_same_phase_in_two_studies_of_a_patient_is_no_problem(tmp_path: Path) -> None:
    found = read(tmp_path, {"A": [entry(), entry(study="1.2", series="2.2", category="HCC")]})
    assert [(e.study, e.labels) for e in found] == [("1.1", {"0": 0}), ("1.2", {"0": 1})]


def test_a_study_under_two_patients_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="examination 2: its study is also listed"):
        read(tmp_path, {"A": [entry()], "B": [entry(series="2.2")]})


def test_lesions_may_be_a_list_and_a_study_without_any_is_left_out(tmp_path: Path) -> None:
    (lesion,) = entry()["annotation"]["lesion"].values()
    entries = [entry(lesions=[lesion, lesion]), entry(study="1.2", series="2.2", lesions={})]
    (found,) = read(tmp_path, {"A": entries})
    assert found.labels == {"0": 0, "1": 0}
    with pytest.raises(LabelsError, match="has no lesions"):
        read(tmp_path, {"A": [entry(lesions={})]})
