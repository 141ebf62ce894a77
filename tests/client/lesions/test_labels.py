"""Every problem of a labels table is told at once, by row number, never by value."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hepafed.client.lesions.labels import BOX, read_labels
from hepafed.common.errors import LabelsError

Write = Callable[..., Path]
GOOD = {"patient_id": "Secret^Name", "lesion_id": "L1", "label": "benign"}


def box(*numbers: object) -> dict[str, object]:
    return dict(zip(BOX, numbers, strict=True))


def test_boxes_masks_and_readers_are_read(tmp_path: Path, write_table: Write) -> None:
    (tmp_path / "m.nii").write_bytes(b"x")
    rows = [
        GOOD | box(1, 2, 3, 4, 5, 6) | {"reader_ann": 1, "reader_bob": ""},
        GOOD | box(-9.5, 2, 3, 4, 5, 6) | {"lesion_id": "L2", "box_space": "patient"},
        GOOD | {"lesion_id": "L3", "mask_file": "m.nii", "mask_value": 5, "reader_bob": 0},
        GOOD | {"lesion_id": "L4"},
    ]
    labels = read_labels(write_table(tmp_path / "l.csv", *rows))
    assert [label.box for label in labels] == [
        (1, 2, 3, 4, 5, 6),
        (-9.5, 2, 3, 4, 5, 6),
        None,
        None,
    ]
    assert [label.space for label in labels] == ["voxel", "patient", "voxel", "voxel"]
    assert labels[2].mask_file == tmp_path / "m.nii"
    assert {label.mask_member for label in labels} == {""}
    assert labels[2].mask_value == 5
    assert labels[0].readers == {"ann": 1, "bob": None}
    assert labels[2].readers == {"ann": None, "bob": 0}


def test_every_problem_of_every_row_is_listed_without_a_value(
    tmp_path: Path, write_table: Write
) -> None:
    rows = [
        GOOD | {"patient_id": "", "label": "tumour-xyz"} | box(1, 2, 3, 4, 5, 6),
        GOOD | {"box_space": "scanner"} | box("a7", 2, 3, 4, 5, 6),
        GOOD | {"reader_ann": "maybe"} | box(9, 2, 3, 4, 5, 6),
        GOOD | {"mask_file": "nothere.nii", "mask_value": "0.5"},
        GOOD | {"mask_file": "../out.nii"},
        GOOD | box(-1, 2, 3, 4, 5, 6),
        GOOD | box("nan", 2, 3, 4, 5, 6),
    ]
    with pytest.raises(LabelsError) as caught:
        read_labels(write_table(tmp_path / "l.csv", *rows))
    text = caught.value.message
    for wanted in (
        "l.csv: row",
        "row 2: patient_id is empty",
        "row 2: label is not one of",
        "row 3: box_space is not one of",
        "row 3: the box is not six numbers",
        "row 4: reader_ann is not 0, 1 or empty",
        "row 4: the box's corners are not in order",
        "row 5: mask_file does not exist",
        "row 5: mask_value is not a whole number",
        "row 6: mask_file lies outside the folder",
        "row 7: the box's corners",
        "row 8: the box is not six numbers",
        "row 6: the same lesion as row 3",
    ):
        assert wanted in text
    for value in ("tumour-xyz", "Secret", "scanner", "a7", "maybe", "nothere", "out.nii"):
        assert value not in text


def test_a_box_and_a_mask_in_one_row_is_a_problem(tmp_path: Path, write_table: Write) -> None:
    (tmp_path / "m.nii").write_bytes(b"x")
    row = GOOD | box(1, 2, 3, 4, 5, 6) | {"mask_file": "m.nii"}
    with pytest.raises(LabelsError, match="row 2: both a box and a mask_file"):
        read_labels(write_table(tmp_path / "l.csv", row))


@pytest.mark.parametrize("missing", ["patient_id", "lesion_id", "label", "z_max"])
def test_a_missing_column_is_named(tmp_path: Path, write_table: Write, missing: str) -> None:
    row = {k: v for k, v in (GOOD | box(1, 2, 3, 4, 5, 6)).items() if k != missing}
    with pytest.raises(LabelsError, match=missing):
        read_labels(write_table(tmp_path / "l.csv", row))


@pytest.mark.parametrize("column", ["reader_", "reader_Dr. Who", "reader_" + "x" * 41])
def test_a_reader_s_name_is_letters_and_digits(
    tmp_path: Path, write_table: Write, column: str
) -> None:
    with pytest.raises(LabelsError, match="reader"):
        read_labels(write_table(tmp_path / "l.csv", GOOD | {column: 1}))


def rows_with(column: str, values: list[str]) -> list[dict[str, object]]:
    return [
        GOOD | {"patient_id": f"P{i}", column: v} | box(1, 2, 3, 4, 5, 6)
        for i, v in enumerate(values)
    ]


def test_declared_groups_are_read(tmp_path: Path, write_table: Write) -> None:
    rows = rows_with("group_age_band", ["50-59", "", ">=70", "50-59", ">=70", "65+", "65+"])
    labels = read_labels(write_table(tmp_path / "l.csv", *rows))
    assert labels[0].groups == {"age_band": "50-59"}
    assert labels[1].groups == {}
    assert labels[2].groups == {"age_band": ">=70"}


@pytest.mark.parametrize(
    "value",
    [
        "61",
        "61 y",
        "60.5",
        "2021-03-01",
        "21-03-12",
        "20210301",
        "1955",
        "61-62",
        "61-61",
        "F",
        "Müller",
        "a_b",
        "x" * 21,
        "every level",
    ],
)
def test_a_value_that_could_be_an_age_a_date_or_a_name_is_refused_without_showing_it(
    tmp_path: Path, write_table: Write, value: str
) -> None:
    rows = rows_with("group_age", ["50-59", value, "50-59", value])
    with pytest.raises(LabelsError) as caught:
        read_labels(write_table(tmp_path / "l.csv", *rows))
    assert "row 3: group_age is not a short word" in caught.value.message
    assert value not in caught.value.message.replace("group_age", "").replace("row", "")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([f"v{i}" for i in range(6)], "almost only different values"),
        ([f"{'abcdefghijklm'[i % 13]}" for i in range(60)], "more than 12 different values"),
    ],
)
def test_a_column_whose_values_are_many_or_do_not_repeat_is_refused(
    tmp_path: Path, write_table: Write, values: list[str], words: str
) -> None:
    with pytest.raises(LabelsError, match=words):
        read_labels(write_table(tmp_path / "l.csv", *rows_with("group_ward", values)))


@pytest.mark.parametrize("name", ["group_", "group_Age", "group_a-b", "group_vendor"])
def test_a_group_name_that_is_unusable_or_measured_is_refused(
    tmp_path: Path, write_table: Write, name: str
) -> None:
    with pytest.raises(LabelsError, match="name of a column group_… is not usable"):
        read_labels(write_table(tmp_path / "l.csv", *rows_with(name, ["a", "a"])))
