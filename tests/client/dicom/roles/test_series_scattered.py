"""A series that a de-identifier tore apart is named as such, not as single slices."""

from pathlib import Path

import pytest
from hepafed.client.dicom.roles.series import volumes_of
from pydicom.dataset import Dataset

from tests.client.dicom.builder import axial, classic, headers, save

TORN = ("refused", "every file has a series identifier of its own (SeriesInstanceUID)")
SINGLE = ("set-aside", "a single slice")


def scattered(count: int, **attributes: object) -> list[Dataset]:
    files = classic(axial(slices=count).with_attributes(**attributes))
    for k, ds in enumerate(files):
        ds.SeriesInstanceUID = f"2.25.77.{k + 1}"
    return files


def said(folder: Path, files: list[Dataset]) -> set[tuple[str, str]]:
    save(folder, files)
    return {(o.outcome, o.reason) for o in volumes_of(headers(folder)).outcomes.values()}


@pytest.mark.parametrize(("count", "wanted"), [(3, SINGLE), (4, TORN), (12, TORN)])
def test_a_series_of_its_own_for_every_file_is_named(
    tmp_path: Path, count: int, wanted: tuple[str, str]
) -> None:
    assert said(tmp_path, scattered(count)) == {wanted}


def test_single_slices_of_several_protocols_are_single_slices(tmp_path: Path) -> None:
    files = scattered(4)
    for k, ds in enumerate(files):
        ds.SeriesDescription = f"protocol {'ab'[k % 2]}"
    assert said(tmp_path, files) == {SINGLE}


def test_localizers_of_one_slice_stay_localizers(tmp_path: Path) -> None:
    files = scattered(6, SeriesDescription="3-plane LOC")
    assert said(tmp_path, files) == {("set-aside", "described as a localizer")}
