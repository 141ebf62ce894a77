"""A lesion's contrast is measured against the tissue round it, in most directions."""

import numpy as np
import pytest
from hepafed.client.cohort.crops.contrast import adc_with_dwi, contrast, zones
from numpy.typing import NDArray

SIZE = (40.0, 25.0, 20.0)
"""The crop is 64 mm wide: a pixel is 0.4 mm."""


def crop(inside: float, seed: int = 0, shift: int = 0, noise: float = 0.1) -> NDArray[np.float16]:
    """Make an ellipse of 40 × 25 mm on tissue of level 0.5; `shift` pixels to the right."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:160, :160] - 79.5) * 0.4
    lesion = np.hypot((x - 0.4 * shift) / 20, y / 12.5) < 1
    shown = 0.5 + (inside - 0.5) * lesion + noise * rng.normal(size=(3, 160, 160))
    return shown.astype(np.float16)


def test_distances_are_counted_in_radii_of_the_box() -> None:
    radius = zones(SIZE)
    assert radius[79, 129] == pytest.approx(49.5 * 0.4 / 20, rel=1e-3)
    assert radius[110, 80] == pytest.approx(30.5 * 0.4 / 12.5, rel=1e-3)


def test_a_small_lesion_s_crop_is_not_smaller_than_30_mm() -> None:
    assert zones((10.0, 10.0, 5.0))[79, 159] == pytest.approx(79.5 * 30 / 160 / 5, rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("inside", [0.9, 0.1])
def test_contrast_is_in_standard_deviations_of_the_ring_and_has_a_sign(
    seed: int, inside: float
) -> None:
    found = contrast(crop(inside, seed), SIZE)
    assert found == pytest.approx((inside - 0.5) / 0.1, rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_a_box_beside_the_lesion_has_no_contrast(seed: int) -> None:
    assert abs(contrast(crop(0.9, seed, shift=100), SIZE) or 0.0) < 0.5


def test_an_organ_on_one_side_of_the_ring_hides_no_lesion_and_makes_none() -> None:
    for inside, least, most in ((0.9, 3.0, 5.0), (0.5, 0.0, 0.5)):
        planes = crop(inside)
        planes[:, 132:] = 5.0
        assert least <= abs(contrast(planes, SIZE) or 0.0) <= most


def test_a_picture_without_noise_has_a_finite_contrast() -> None:
    assert contrast(crop(0.9, noise=0.0), SIZE) == pytest.approx(0.4 / 0.02, rel=0.01)


def test_a_box_too_thin_to_have_an_inside_has_no_contrast() -> None:
    assert contrast(crop(0.9), (40.0, 0.1, 20.0)) is None


def test_adc_and_dwi_are_compared_over_lesion_and_ring() -> None:
    dwi = crop(0.9, noise=0.02)
    adc = (-2.0 * dwi.astype(np.float32)).astype(np.float16)
    assert adc_with_dwi({"adc": adc, "dwi": dwi}, SIZE) == pytest.approx(-1, abs=0.01)
    assert adc_with_dwi({"adc": dwi, "dwi": dwi}, SIZE) == pytest.approx(1, abs=0.01)
    far = dwi.copy()
    far[:, :10] = 100.0
    assert adc_with_dwi({"adc": far, "dwi": dwi}, SIZE) == pytest.approx(1, abs=0.01)
    assert adc_with_dwi({"t2": dwi, "dwi": dwi}, SIZE) is None
    assert adc_with_dwi({"adc": np.zeros_like(dwi), "dwi": dwi}, SIZE) is None


def test_the_correlation_of_adc_with_dwi_has_three_decimals() -> None:
    rng = np.random.default_rng(5)
    dwi, other = (rng.normal(size=(3, 160, 160)).astype(np.float16) for _ in range(2))
    adc = (0.5 * dwi + other).astype(np.float16)
    near = zones(SIZE) < 1.55
    wanted = np.corrcoef(*(p[:, near].astype(float).ravel() for p in (adc, dwi)))[0, 1]
    assert adc_with_dwi({"adc": adc, "dwi": dwi}, SIZE) == round(wanted, 3)
    assert 0.4 < wanted < 0.5
