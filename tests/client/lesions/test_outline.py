"""Of the segmentations of an export a row takes the one of its series, or none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.lesions.labels import Label
from hepafed.client.lesions.masks import MaskError, MaskFile, look_at
from hepafed.client.lesions.outline import outline_of

Make = Callable[..., Any]


@pytest.fixture
def drawn(tmp_path: Path, examination: Make, write_seg: Make) -> tuple[dict[str, str], MaskFile]:
    """The series of an examination, and a segmentation that was drawn on its portal phase."""
    exam = examination(sequences=("t2", "portal"))
    path = write_seg(tmp_path / "s.dcm", exam.volume("portal"), {"L1": exam.inside("portal")})
    return {n: exam.volume(n).series_uid for n in ("t2", "portal")}, look_at(path)


def row(series: str = "") -> Label:
    return Label(2, "P", "L1", 0, series_uid=series)


def test_a_segmentation_of_the_row_s_series_is_taken(
    drawn: tuple[dict[str, str], MaskFile],
) -> None:
    series, seg = drawn
    assert outline_of(row(series["portal"]), [seg]).series == {series["portal"]}
    assert outline_of(row(), [seg]).series == {series["portal"]}


def test_a_segmentation_of_another_series_is_refused(
    drawn: tuple[dict[str, str], MaskFile],
) -> None:
    series, seg = drawn
    with pytest.raises(MaskError, match="no segmentation in the export refers to its series"):
        outline_of(row(series["t2"]), [seg])


def test_a_segmentation_that_names_no_series_may_be_any_s(
    tmp_path: Path, examination: Make
) -> None:
    import nibabel

    exam = examination()
    voxels = exam.inside("t2").transpose(2, 1, 0).astype(np.uint8)
    grid = np.diag([-1, -1, 1, 1]) @ exam.volume("t2").affine
    nibabel.Nifti1Image(voxels, grid).to_filename(tmp_path / "m.nii")
    assert outline_of(row("1.2.3"), [look_at(tmp_path / "m.nii")]).series == frozenset()
