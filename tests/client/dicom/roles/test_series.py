"""From slices to volumes: what splits a series, what is one volume, and what is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.dicom.roles.series import volumes_of
from hepafed.client.dicom.volumes.volume import Grouped, Volume
from pydicom.dataset import Dataset

from tests.client.dicom.builder import DWI, T1, Stack, axial, classic, enhanced, headers, save


def grouped(folder: Path, files: list[Dataset]) -> Grouped:
    save(folder, files)
    return volumes_of(headers(folder))


def reasons(found: Grouped) -> set[tuple[str, str]]:
    return {(o.outcome, o.reason) for o in found.outcomes.values()}


def t1(first: int = 1, **attributes: object) -> Stack:
    return dataclasses.replace(axial(), attributes=T1 | attributes, first=first)


def dwi(first: int, **attributes: object) -> Stack:
    return dataclasses.replace(axial(), attributes=DWI | attributes, first=first)


def by_role(volumes: list[Volume]) -> dict[tuple[str, float | None], Volume]:
    return {(v.sequence, v.b_value): v for v in volumes}


def test_a_series_is_one_volume_sorted_along_its_normal(tmp_path: Path) -> None:
    found = grouped(tmp_path, classic(axial())[::-1])
    (volume,) = found.volumes
    assert [h.number for h in volume.headers] == [1, 2, 3, 4]
    assert volume.shape == (4, 6, 5)
    assert volume.spacing == (3.0, 1.25, 1.5)
    assert reasons(found) == {("taken", "")}


def test_the_acquisition_number_may_vary_inside_a_volume(tmp_path: Path) -> None:
    files = classic(axial())
    for k, ds in enumerate(files):
        ds.AcquisitionNumber, ds.AcquisitionTime = k + 1, f"10000{k}"
    assert len(grouped(tmp_path, files).volumes) == 1


def test_echo_times_split_a_series(tmp_path: Path) -> None:
    files = classic(axial()) + classic(
        dataclasses.replace(axial(), first=10).with_attributes(EchoTime=180.0)
    )
    assert len(grouped(tmp_path, files).volumes) == 2


def test_temporal_positions_at_the_same_places_are_volumes(tmp_path: Path) -> None:
    files = [
        ds
        for n in range(4)
        for ds in classic(
            t1(
                10 * n + 1,
                TemporalPositionIdentifier=n + 1,
                AcquisitionDate="20250101",
                AcquisitionTime=f"10{n:02d}00",
                ContrastBolusAgent="agent",
            )
        )
    ]
    found = grouped(tmp_path, files)
    assert [v.sequence for v in found.volumes] == ["t1-pre", "arterial", "portal", "delayed"]


def test_repeats_without_temporal_positions_are_split_by_time(tmp_path: Path) -> None:
    files = [
        ds
        for n in range(4)
        for ds in classic(t1(10 * n + 1, AcquisitionTime=f"10000{n}", TriggerTime=float(n)))
    ]
    found = grouped(tmp_path, files)
    assert [v.headers[0].number for v in found.volumes] == [1, 11, 21, 31]


def test_repeats_without_any_time_are_split_by_blocks_of_instance_numbers(tmp_path: Path) -> None:
    files = [ds for n in range(3) for ds in classic(t1(10 * n + 1))]
    assert [v.headers[0].number for v in grouped(tmp_path, files).volumes] == [1, 11, 21]


def test_an_interleaved_repeat_without_any_time_is_refused(tmp_path: Path) -> None:
    files = classic(axial()) + classic(dataclasses.replace(axial(), first=101))
    for k, ds in enumerate(files):
        ds.InstanceNumber = 1 + k % 4
    assert reasons(grouped(tmp_path, files)) == {("refused", "two slices lie at the same place")}


def test_phases_are_told_across_the_series_of_an_examination(tmp_path: Path) -> None:
    starts = {"1000": False, "1003": True, "1004": True, "1007": True, "1023": True}
    for number, (start, contrast) in enumerate(starts.items(), 1):
        agent = {"ContrastBolusAgent": "agent"} if contrast else {}
        stack = dataclasses.replace(t1(AcquisitionTime=f"{start}00", **agent), number=number)
        save(tmp_path, classic(stack))
    found = {v.headers[0].series[-1]: v.sequence for v in volumes_of(headers(tmp_path)).volumes}
    assert found == {
        "1": "t1-pre",
        "2": "arterial",
        "3": "portal",
        "4": "delayed",
        "5": "hepatobiliary",
    }


def test_b_zero_may_carry_no_b_value(tmp_path: Path) -> None:
    files = classic(dwi(1)) + classic(dwi(10, DiffusionBValue=800.0))
    assert set(by_role(grouped(tmp_path, files).volumes)) == {("dwi", 0.0), ("dwi", 800.0)}


def three_directions() -> list[Stack]:
    made = []
    for n, direction in enumerate(np.eye(3).tolist()):
        stack = dwi(10 * n + 1, DiffusionBValue=800.0, DiffusionGradientOrientation=direction)
        made.append(dataclasses.replace(stack, voxels=stack.voxels + 100 * n))
    return made


def test_directions_of_one_b_value_become_their_geometric_mean(tmp_path: Path) -> None:
    stacks = three_directions()
    found = grouped(tmp_path, [ds for s in stacks for ds in classic(s)])
    (volume,) = found.volumes
    product = np.prod([s.voxels.astype(np.float64) for s in stacks], axis=0)
    assert np.allclose(volume.load(), np.cbrt(product), rtol=1e-5)
    assert volume.combined == "geometric mean of 3 directions"
    assert len(volume.stacks) == 3
    assert reasons(found) == {("taken", "geometric mean of 3 directions")}


def test_directions_that_are_not_named_have_the_same_mean(tmp_path: Path) -> None:
    stacks = [s for s in three_directions() if s.attributes.pop("DiffusionGradientOrientation")]
    (volume,) = grouped(tmp_path, [ds for s in stacks for ds in classic(s)]).volumes
    product = np.prod([s.voxels.astype(np.float64) for s in stacks], axis=0)
    assert np.allclose(volume.load(), np.cbrt(product), rtol=1e-5)


def test_the_scanners_trace_image_is_preferred(tmp_path: Path) -> None:
    trace = dataclasses.replace(
        dwi(1, DiffusionBValue=800.0, ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"]),
        number=2,
    )
    files = [ds for s in (*three_directions(), trace) for ds in classic(s)]
    found = grouped(tmp_path, files)
    (volume,) = found.volumes
    assert volume.series_uid.endswith(".2")
    assert not volume.combined
    assert ("set-aside", "a diffusion direction; the trace image is there") in reasons(found)


def test_an_enhanced_file_holds_several_volumes(tmp_path: Path) -> None:
    stacks = [dwi(1, DiffusionBValue=0.0), dwi(1, DiffusionBValue=800.0)]
    found = grouped(tmp_path, [enhanced(stacks)])
    assert set(by_role(found.volumes)) == {("dwi", 0.0), ("dwi", 800.0)}
    assert reasons(found) == {("taken", "")}


def test_a_copy_of_an_instance_is_set_aside(tmp_path: Path) -> None:
    save(tmp_path / "a", classic(axial()))
    save(tmp_path / "b", classic(axial()))
    found = volumes_of(headers(tmp_path))
    (volume,) = found.volumes
    assert len(volume.headers) == 4
    outcomes = {o.path[0]: o.outcome for o in found.outcomes.values()}
    assert outcomes == {"a": "taken", "b": "set-aside"}


def test_a_single_slice_is_set_aside(tmp_path: Path) -> None:
    assert reasons(grouped(tmp_path, classic(axial())[:1])) == {("set-aside", "a single slice")}


def test_a_localizer_of_three_directions_is_set_aside_not_refused(tmp_path: Path) -> None:
    files = classic(axial().with_attributes(SeriesDescription="3-plane LOC"))
    files[1].ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    assert reasons(grouped(tmp_path, files)) == {("set-aside", "described as a localizer")}


def _drop(files: list[Dataset]) -> None:
    del files[2]


def _same_place(files: list[Dataset]) -> None:
    files[2].ImagePositionPatient = files[1].ImagePositionPatient


def _uneven(files: list[Dataset]) -> None:
    files[2].ImagePositionPatient[2] += 0.5


def _shear(files: list[Dataset]) -> None:
    for k, ds in enumerate(files):
        ds.ImagePositionPatient[0] += 2.0 * k


def _sideways(files: list[Dataset]) -> None:
    files[1].ImagePositionPatient[0] += 2.0


def _turn(files: list[Dataset]) -> None:
    files[1].ImageOrientationPatient = [1, 0, 0, 0, 0, -1]


def _matrix(files: list[Dataset]) -> None:
    files[1].Rows, files[1].Columns = files[1].Columns, files[1].Rows


def _pixel(files: list[Dataset]) -> None:
    files[1].PixelSpacing = [2.0, 2.0]


def _lost(files: list[Dataset]) -> None:
    del files[1].ImagePositionPatient


def _skew(files: list[Dataset]) -> None:
    for ds in files:
        ds.ImageOrientationPatient = [1, 0, 0, 0.5, 0.5, 0]


def _zero(files: list[Dataset]) -> None:
    for ds in files:
        ds.PixelSpacing = [0, 0]


def _far(files: list[Dataset]) -> None:
    files[0].ImagePositionPatient = ["1e30", 0, 0]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_drop, "a slice is missing"),
        (_same_place, "two slices lie at the same place"),
        (_uneven, "the slices are not evenly spaced"),
        (_shear, "the stack is sheared: slices do not follow their normal"),
        (_sideways, "slices are shifted sideways against each other"),
        (_turn, "slices of several directions in one series"),
        (_matrix, "the image matrix differs within one series"),
        (_pixel, "the pixel spacing differs within one series"),
        (_lost, "position, orientation or pixel spacing is missing"),
        (_skew, "the image orientation is not two perpendicular directions"),
        (_zero, "the pixel spacing is impossible"),
        (_far, "a slice lies impossibly far away"),
    ],
)
def test_a_broken_stack_is_refused_by_name(tmp_path: Path, damage: object, reason: str) -> None:
    files = classic(axial(slices=6))
    damage(files)  # type: ignore[operator]
    found = grouped(tmp_path, files)
    assert not found.volumes
    assert reasons(found) == {("refused", reason)}
