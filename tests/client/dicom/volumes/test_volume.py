"""What a volume says of itself, and the geometric mean of its directions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.volumes.volume import Volume

from tests.client.dicom.slices import header, run, volume


def test_a_volume_is_what_its_slices_say() -> None:
    slices = run(places=(4.0, 0.0), rows=7, columns=9, spacing=(0.7, 0.8), series="S9",
                 study="ST", patient_id="PX", b_value=50.0)  # fmt: skip
    v = volume(slices, "dwi", "b-value")
    assert v.shape == (2, 7, 9)
    assert v.spacing == (4.0, 0.7, 0.8)
    assert v.affine[:3, 3].tolist() == [0.0, 0.0, 0.0]
    assert (v.series_uid, v.study_uid, v.patient_id, v.b_value) == ("S9", "ST", "PX", 50.0)
    assert v.names == [slices[1].name, slices[0].name]
    assert v.stacks == (v,)
    assert (v.combined, v.remark, v.lossy) == ("", "", False)


@pytest.mark.parametrize(
    ("rule", "b", "told"),
    [
        ("b-zero", None, 0.0),
        ("b-zero", 0.0, 0.0),
        ("b-zero", 0.5, 0.5),
        ("diffusion", None, None),
        ("t2", None, None),
        ("b-value", 800.0, 800.0),
    ],
)
def test_no_b_value_means_0_only_beside_weighted_images(
    rule: str, b: float | None, told: float | None
) -> None:
    assert volume(run(b_value=b), "dwi", rule).b_value == told


def mean(*parts: Volume) -> Volume:
    return Volume(parts[0].stack, "dwi", "b-value", tuple(parts))


def test_a_mean_is_made_of_the_files_of_all_its_directions_each_named_once() -> None:
    a, b = volume(run(name="shared")), volume(run(places=(0.0, 3.0, 6.0)))
    made = mean(a, b)
    assert made.stacks == (a, b)
    assert made.names == ["shared", *(h.name for h in b.headers)]
    assert made.headers == a.headers
    assert made.remark == made.combined == "geometric mean of 2 directions"


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("which", [0, 2])
def test_one_lossy_slice_of_any_direction_makes_a_lossy_volume(part: int, which: int) -> None:
    slices = [run(), run()]
    slices[part][which] = header(**vars(slices[part][which]) | {"lossy": True})
    made = mean(*map(volume, slices))
    assert made.lossy
    assert made.remark == "geometric mean of 2 directions; compressed with loss"
    alone = volume(slices[part])
    assert alone.remark == "compressed with loss"


def test_a_volume_may_be_given_another_role() -> None:
    parts = volume(run()), volume(run())
    made = mean(*parts).named("portal", "portal-words")
    assert (made.sequence, made.rule) == ("portal", "portal-words")
    assert made.directions == parts


def stored(folder: Path, name: str, *values: list[list[int]], **changes: object) -> list[Header]:
    """Write slices as bare pixels, signed 16-bit, and give their headers."""
    made = []
    for k, plane in enumerate(values):
        array = np.array(plane, "<i2")
        path = folder / f"{name}{k}"
        path.write_bytes(b"head" + array.tobytes())
        made.append(
            header(
                path=str(path), name=f"{name}{k}", pixel_offset=4, signed=True,
                rows=array.shape[0], columns=array.shape[1], position=(0.0, 0.0, 3.0 * k),
            )
        )  # fmt: skip
    return [replace(h, **changes) for h in made]  # type: ignore[arg-type]


def test_directions_are_combined_by_their_geometric_mean(tmp_path: Path) -> None:
    a = stored(tmp_path, "a", [[8, 1, 27]], [[1, 2, 4]])
    b = stored(tmp_path, "b", [[1, 1, 1]], [[8, 4, 2]])
    c = stored(tmp_path, "c", [[1, 27, 1]], [[64, 1, 1]])
    found = mean(*map(volume, (a, b, c))).load()
    assert found.dtype == np.float32
    assert np.allclose(found, [[[2, 3, 3]], [[8, 2, 2]]])


def test_a_voxel_that_is_zero_or_negative_in_one_direction_is_zero(tmp_path: Path) -> None:
    a = stored(tmp_path, "a", [[5, 5, 0, -3]], [[4, 1, 1, 1]])
    b = stored(tmp_path, "b", [[0, -7, 0, -3]], [[9, 1, 1, 1]])
    found = mean(*map(volume, (a, b))).load()
    assert found[0].tolist() == [[0, 0, 0, 0]]
    assert np.allclose(found[1], [[6, 1, 1, 1]])


def test_one_stack_is_loaded_as_it_is_and_may_be_negative(tmp_path: Path) -> None:
    slices = stored(tmp_path, "a", [[5, -5]], [[0, 7]], slope=0.5, intercept=1.0)
    assert volume(slices[::-1]).load().tolist() == [[[3.5, -1.5]], [[1.0, 4.5]]]
