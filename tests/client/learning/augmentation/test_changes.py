"""How far images are moved and their intensities changed, and what decides it."""

from collections.abc import Callable

import monai.transforms as monai
import numpy as np
import pytest
import torch
from hepafed.client.learning.augmentation import Augmentation
from hepafed.common.contract import AugmentationPlan
from torch import Tensor

NOTHING: dict[str, float] = {
    "rotate": 0, "scale": 0, "shift": 0, "flip": 0, "gain": 0, "offset": 0, "bias_field": 0,
    "noise": 0, "contrast": 0, "gibbs": 0, "probability": 1,
}  # fmt: skip
SIDE = 24
MANY = 200


def only(**strengths: float) -> Callable[[Tensor, list[int]], Tensor]:
    """Make the augmentation that has these changes alone, the four of chance for each image."""
    return Augmentation(AugmentationPlan(**{**NOTHING, **strengths}))


def images(count: int = 3, channels: int = 2) -> Tensor:
    return torch.randn(count, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(5))


def seeds(count: int) -> list[int]:
    return list(range(7, 7 + count))


def test_a_plan_without_any_change_gives_the_images_as_they_are() -> None:
    assert torch.allclose(only()(images(), seeds(3)), images(), atol=1e-5)


@pytest.mark.parametrize("name", [n for n in NOTHING if n != "probability"])
def test_each_change_alone_makes_other_images(name: str) -> None:
    made = only(**{name: 0.5 if name != "rotate" else 20})(images(40), seeds(40))
    changed = (made - images(40)).abs().amax((1, 2, 3)) > 1e-3
    assert changed.any()
    if name != "flip":
        assert changed.all()


@pytest.mark.parametrize("name", ["bias_field", "noise", "gibbs"])
def test_changes_of_chance_are_made_as_often_as_the_plan_says(name: str) -> None:
    made = only(**{name: 0.5, "probability": 0.25})(images(MANY), seeds(MANY))
    changed = (made - images(MANY)).abs().amax((1, 2, 3)) > 1e-4
    assert 30 < int(changed.sum()) < 70


def test_contrast_is_changed_as_often_as_the_plan_says_of_each_sequence_by_itself() -> None:
    made = only(contrast=0.5, probability=0.25)(images(MANY), seeds(MANY))
    changed = (made - images(MANY)).abs().amax((2, 3)) > 1e-4
    assert 30 < int(changed[:, 0].sum()) < 70
    assert 30 < int(changed[:, 1].sum()) < 70
    assert (changed[:, 0] != changed[:, 1]).any()


def test_the_seed_of_an_image_alone_decides_whatever_batch_it_is_in() -> None:
    augment, pixels = Augmentation(AugmentationPlan(probability=0.5)), images(6, 4)
    before = pixels.clone()
    np.random.seed(1)
    torch.manual_seed(1)
    made = augment(pixels, [11, 12, 13, 14, 15, 16])
    np.random.seed(2)
    torch.manual_seed(2)
    other = Augmentation(AugmentationPlan(probability=0.5))
    assert torch.equal(other(pixels[4:], [15, 16]), made[4:])
    assert torch.equal(other(pixels[:4], [11, 12, 13, 14]), made[:4])
    assert not torch.equal(augment(pixels, [11, 12, 13, 14, 15, 17])[5], made[5])
    assert torch.equal(pixels, before)
    assert (made.shape, made.dtype) == (pixels.shape, torch.float32)
    assert type(made) is Tensor


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_any_seed_of_32_bits_can_be_used(seed: int) -> None:
    assert Augmentation(AugmentationPlan())(images(1), [seed]).isfinite().all()


def test_images_are_moved_as_monais_own_transform_moves_them() -> None:
    """RandAffine, one image at a time, about the image's middle, in pixels."""
    grid = monai.RandAffineGrid(
        rotate_range=np.pi / 4, translate_range=(0.2 * SIDE,) * 2, scale_range=(0.3, 0.3)
    )
    resample = monai.Resample(mode="bilinear", padding_mode="border")
    made = only(rotate=45, shift=0.2, scale=0.3)(images(), seeds(3))
    for n, seed in enumerate(seeds(3)):
        grid.set_random_state(seed)
        wanted = resample(images()[n], grid=grid(spatial_size=(SIDE, SIDE)))
        assert torch.allclose(made[n], torch.as_tensor(wanted), atol=1e-3)


def test_images_are_turned_and_shifted_as_far_as_the_plan_says_to_either_side() -> None:
    """A ramp along each side: its slopes tell the angle, its middle the shift."""
    ramp = torch.arange(SIDE).float() - (SIDE - 1) / 2
    pixels = torch.stack([ramp[:, None].expand(SIDE, SIDE), ramp[None].expand(SIDE, SIDE)])
    pixels = pixels.expand(MANY, -1, -1, -1) + 0.0
    middle = slice(SIDE // 2 - 1, SIDE // 2 + 1)
    turned = only(rotate=10)(pixels, seeds(MANY))[:, 0, middle, middle]
    angle = torch.rad2deg(torch.asin((turned[:, 0, 1] - turned[:, 0, 0]).clamp(-1, 1)))
    assert 9.5 < angle.max() <= 10.01
    assert -9.5 > angle.min() >= -10.01
    shifted = only(shift=0.1)(pixels, seeds(MANY))[:, :, middle, middle].mean((2, 3))
    for axis in (0, 1):
        assert 0.095 * SIDE < shifted[:, axis].max() <= 0.1001 * SIDE
        assert -0.095 * SIDE > shifted[:, axis].min() >= -0.1001 * SIDE
    assert abs(np.corrcoef(shifted.T.numpy())[0, 1]) < 0.25


def test_the_border_goes_on_beyond_the_edge() -> None:
    made = only(shift=0.4, rotate=90)(torch.full((9, 1, SIDE, SIDE), 3.0), seeds(9))
    assert torch.allclose(made, torch.tensor(3.0))


def test_half_of_the_images_is_mirrored_each_way_on_its_own() -> None:
    pixels = images(1, 2).expand(MANY, -1, -1, -1)
    made = only(flip=0.5)(pixels, seeds(MANY))
    for axes in ([], [1], [2], [1, 2]):
        same = [torch.allclose(m, pixels[0].flip(axes), atol=1e-5) for m in made]
        assert 30 < sum(same) < 70


@pytest.mark.parametrize(("name", "level"), [("gain", 1.0), ("offset", 0.0)])
def test_gain_and_offset_are_within_the_plans_bounds_for_each_sequence_by_itself(
    name: str, level: float
) -> None:
    pixels = torch.full((MANY, 3, 8, 8), 1.0)
    found = only(**{name: 0.3})(pixels, seeds(MANY))[:, :, 4, 4] - 1.0
    assert 0.28 < found.max() <= 0.3001
    assert -0.28 > found.min() >= -0.3001
    assert abs(torch.corrcoef(found.T) - torch.eye(3)).max() < 0.25
    assert level in (0.0, 1.0)


def test_noise_has_at_most_the_plans_standard_deviation() -> None:
    made = only(noise=0.3)(torch.zeros(MANY, 1, SIDE, SIDE) + 2, seeds(MANY)) - 2
    spread = made.flatten(1).std(1)
    assert 0.27 < spread.max() < 0.33
    assert spread.min() < 0.03
    assert abs(made.mean()) < 0.01


def test_contrast_is_a_power_of_each_sequences_own_range() -> None:
    ramp = torch.linspace(0, 1, SIDE * SIDE).reshape(1, SIDE, SIDE)
    pixels = torch.cat([ramp, 5 * ramp - 2]).expand(MANY, -1, -1, -1) + 0.0
    made = only(contrast=0.4)(pixels, seeds(MANY))
    own = torch.stack([made[:, 0], (made[:, 1] + 2) / 5], 1)
    at = SIDE // 2
    gamma = own[:, :, at, at].log() / ramp[0, at, at].log()
    assert 1.38 < gamma.max() <= 1.4001
    assert 0.6 - 1e-3 <= gamma.min() < 0.62
    assert abs(np.corrcoef(gamma.T.numpy())[0, 1]) < 0.25
    assert torch.allclose(own, ramp ** gamma[..., None, None], atol=1e-3)


def test_a_coils_field_is_smooth_positive_and_the_same_for_all_sequences() -> None:
    pixels = images(5, 3).abs() + 1
    field = only(bias_field=0.3)(pixels, seeds(5)) / pixels
    assert torch.allclose(field, field[:, :1].expand_as(field), atol=1e-4)
    assert (field > 0).all()
    across = np.vander(np.linspace(-1, 1, SIDE), 4)
    powers = np.einsum("ri,cj->rcij", across, across).reshape(SIDE * SIDE, 16)
    logs = field[:, 0].log().reshape(5, -1).double().numpy().T
    assert abs(powers @ np.linalg.pinv(powers) @ logs - logs).max() < 1e-4
    assert field.std() > 0.02


def test_gibbs_ringing_cuts_the_high_frequencies_and_keeps_the_mean() -> None:
    pixels = images(20, 1)
    made = only(gibbs=0.8)(pixels, seeds(20))
    assert torch.allclose(made.mean((2, 3)), pixels.mean((2, 3)), atol=1e-4)
    assert (made.std((2, 3)) < pixels.std((2, 3))).all()


@pytest.mark.parametrize("channel", [0, 2])
def test_a_sequence_that_an_image_does_not_have_stays_zero(channel: int) -> None:
    pixels = images(3, 3)
    pixels[1, channel] = 0.0
    made = Augmentation(AugmentationPlan(probability=1.0))(pixels, seeds(3))
    assert (made[1, channel] == 0).all()
    assert (made.flatten(2).abs().amax(2) > 0).sum() == 8
