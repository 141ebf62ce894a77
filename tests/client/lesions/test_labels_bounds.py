"""Numbers of a labels table at each bound and just beside it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hepafed.client.lesions.labels import BOX, Label, read_labels
from hepafed.common.errors import LabelsError

Write = Callable[..., Path]
GOOD = {"patient_id": "P", "lesion_id": "L", "label": "metastatic"}


@pytest.fixture
def read(tmp_path: Path, write_table: Write) -> Callable[..., Label]:
    (tmp_path / "m.nii").write_bytes(b"x")

    def of(**about: object) -> Label:
        (label,) = read_labels(write_table(tmp_path / "l.csv", GOOD | about))
        return label

    return of


@pytest.mark.parametrize("value", ["1", "65535"])
def test_a_mask_value_is_from_1_to_65535(read: Callable[..., Label], value: str) -> None:
    assert read(mask_file="m.nii", mask_value=value).mask_value == int(value)


@pytest.mark.parametrize("value", ["0", "65536", "-1", "1.0", "٣"])
def test_another_mask_value_is_a_problem(read: Callable[..., Label], value: str) -> None:
    with pytest.raises(LabelsError, match="row 2: mask_value is not a whole number"):
        read(mask_file="m.nii", mask_value=value)


@pytest.mark.parametrize(
    ("space", "numbers"),
    [
        ("voxel", (0, 0, 0, 0, 0, 0)),
        ("voxel", (1, 2, 3, 99_999.9, 2, 3)),
        ("patient", (-99_999.9, -2, -3, -1, -1, -1)),
    ],
)
def test_a_box_within_its_bounds_is_read(
    read: Callable[..., Label], space: str, numbers: tuple[float, ...]
) -> None:
    label = read(**dict(zip(BOX, numbers, strict=True)), box_space=space)
    assert (label.box, label.space, label.label, label.row) == (numbers, space, 2, 2)


@pytest.mark.parametrize(
    ("space", "numbers"),
    [
        ("voxel", (0, 0, 0, 100_000, 1, 1)),
        ("patient", (-100_000, 0, 0, 1, 1, 1)),
        ("voxel", (0, -0.1, 0, 1, 1, 1)),
        ("voxel", (1.1, 0, 0, 1, 1, 1)),
        ("voxel", (0, 1.1, 0, 1, 1, 1)),
        ("voxel", (0, 0, 1.1, 1, 1, 1)),
        ("patient", (1, 0, 0, 1, 1, 1)),
        ("patient", (0, 1, 0, 1, 1, 1)),
        ("patient", (0, 0, 1, 1, 1, 1)),
    ],
)
def test_a_box_beyond_a_bound_is_a_problem(
    read: Callable[..., Label], space: str, numbers: tuple[float, ...]
) -> None:
    with pytest.raises(LabelsError, match="row 2: the box"):
        read(**dict(zip(BOX, numbers, strict=True)), box_space=space)
