"""What is kept of a header: numbers within bounds and words of ours, each under its own name."""

import numpy as np
import pytest
from hepafed.client.cohort.crops.cropping import LoadedVolume, Scale
from hepafed.client.ingest.acquisition import acquisition_of, digest, manufacturer_of

from tests.client.volumes import volume


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("SIEMENS", "siemens"),
        ("Siemens Healthineers", "siemens"),
        ("GE MEDICAL SYSTEMS", "ge"),
        ("GE", "ge"),
        (" ge_medical", "ge"),
        ("General Electric", "other"),
        ("German MR", "other"),
        ("Philips Medical Systems", "philips"),
        ("CANON_MEC", "canon"),
        ("TOSHIBA", "canon"),
        ("United  Imaging", "united-imaging"),
        ("UIH", "united-imaging"),
        ("Not Siemens", "other"),
        ("", "other"),
    ],
)
def test_a_manufacturer_is_known_by_how_its_name_begins(text: str, ours: str) -> None:
    assert manufacturer_of(text) == ours


def test_every_number_of_an_acquisition_stands_under_its_name() -> None:
    dwi = volume(
        "dwi", rule="by-name", b_value=800.0, manufacturer="Philips", field_strength=2.8936
    )
    voxels = np.arange(14 * 23 * 48, dtype=np.float32).reshape(14, 23, 48)
    loaded = LoadedVolume(voxels, dwi.affine, Scale(1.0, 2.0, 3.0, 4.0))
    found = acquisition_of("e", "p", dwi, loaded, {800.0, None, 50.0, 400.0})
    assert (found.examination, found.patient, found.sequence) == ("e", "p", "dwi")
    assert (found.manufacturer, found.field_strength, found.rule) == ("philips", 2.89, "by-name")
    assert (found.b_value, found.b_values) == (800.0, "50,400,800")
    assert (found.slices, found.rows, found.columns) == (14, 23, 48)
    assert found.between_slices == pytest.approx(4.3)
    assert found.between_rows == pytest.approx(1.9)
    assert found.between_columns == pytest.approx(0.8)
    assert (found.low, found.high, found.mean, found.spread) == (1.0, 2.0, 3.0, 4.0)
    assert found.pixels == digest(voxels)


@pytest.mark.parametrize(
    ("tesla", "b", "kept"),
    [
        (25.0, 20_000.0, (25.0, 20_000.0)),
        (25.01, 20_000.01, (None, None)),
        (0.0, 0.0, (0.0, 0.0)),
        (-0.01, -0.01, (None, None)),
        (None, None, (None, None)),
    ],
    ids=["most", "more", "none", "negative", "not stated"],
)
def test_a_field_strength_and_a_b_value_are_kept_within_bounds_alone(
    tesla: float | None, b: float | None, kept: tuple[float | None, float | None]
) -> None:
    dwi = volume("dwi", b_value=b, field_strength=tesla)
    loaded = LoadedVolume(np.zeros((2, 3, 4), np.float32), dwi.affine, Scale(0, 1, 0, 1))
    found = acquisition_of("e", "p", dwi, loaded, {b, 600.0, 20_001.0, -1.0})
    assert (found.field_strength, found.b_value) == kept
    shown = [f"{v:g}" for v in sorted({600.0, *(v for v in kept[1:] if v is not None)})]
    assert found.b_values == ",".join(shown)


def test_a_digest_tells_values_and_shapes_apart_and_not_how_they_lie_in_memory() -> None:
    voxels = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert len(digest(voxels)) == 32
    assert digest(np.asfortranarray(voxels)) == digest(voxels)
    other = voxels.copy()
    other[1, 2, 3] += 1
    different = {digest(v) for v in (voxels, other, voxels.reshape(3, 2, 4), voxels.reshape(6, 4))}
    assert len(different) == 4
