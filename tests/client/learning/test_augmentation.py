"""How far training images are turned, scaled, mirrored, shifted, brightened, and what moves alike.

A ramp stays a ramp when it is moved: the plane through the middle of each made image tells the
movement, up to the channel's own gain.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hepafed.client.learning.augmentation import augment
from numpy.typing import NDArray
from torch import Tensor

IMAGES, EACH, SIDE = 400, 40, 16
STEEP = 1000.0
"""So steep that the offset of 0.15 is nothing beside it."""

Floats = NDArray[np.float64]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def centres() -> Floats:
    """Give the coordinates of the pixels' centres, from -1 to 1 over the whole side."""
    return (2 * np.arange(SIDE) + 1) / SIDE - 1


@dataclass
class Moved:
    """Planes a·x + b·y + c of the ramps in x and in y, [images, channels, 3]."""

    in_x: Floats
    in_y: Floats


@pytest.fixture(scope="module")
def moved() -> Moved:
    ramp = torch.from_numpy(STEEP * centres()).float()
    in_x = ramp.expand(SIDE, SIDE)
    in_y = in_x.T
    pixels = torch.stack([in_x] * EACH + [in_y] * EACH).expand(IMAGES, -1, -1, -1)
    made = augment(pixels, seeded(3)).double().numpy() / STEEP
    y, x = np.meshgrid(centres(), centres(), indexing="ij")
    middle = (abs(x) <= 0.5) & (abs(y) <= 0.5)
    design = np.stack([x[middle], y[middle], np.ones(int(middle.sum()))], 1)
    values = made[:, :, middle]
    planes = values @ np.linalg.pinv(design).T
    assert abs(planes @ design.T - values).max() < 1e-3  # still planes
    return Moved(planes[:, :EACH], planes[:, EACH:])


def scales(moved: Moved) -> Floats:
    """Estimate each image's scale: a plane's slope is gain / scale, and gains are 1 on average."""
    slopes = np.concatenate([moved.in_x, moved.in_y], 1)
    return 1 / np.hypot(slopes[..., 0], slopes[..., 1]).mean(1)


def test_images_are_turned_by_up_to_an_eighth_of_pi_to_either_side(moved: Moved) -> None:
    turned = -np.arctan(moved.in_x[..., 1] / moved.in_x[..., 0])
    assert np.ptp(turned, axis=1).max() < 1e-3  # all channels alike
    angle = turned[:, 0]
    assert 0.97 * math.pi / 8 < angle.max() <= math.pi / 8 + 1e-4
    assert -0.97 * math.pi / 8 > angle.min() >= -math.pi / 8 - 1e-4
    assert abs(angle.mean()) < 0.04


def test_images_are_turned_as_far_to_one_side_as_to_the_other(moved: Moved) -> None:
    """A mirror turns the angle that is seen; the signs of the slopes tell of it."""
    cos_x, sin_x, cos_y = moved.in_x[:, 0, 0], -moved.in_x[:, 0, 1], moved.in_y[:, 0, 1]
    angle = np.arctan(sin_x / cos_x) * np.sign(cos_x) * np.sign(cos_y)
    assert angle.max() > 0.97 * math.pi / 8
    assert angle.min() < -0.97 * math.pi / 8


def test_images_are_turned_and_not_sheared(moved: Moved) -> None:
    """A movement's tangent in the ramp of x is the opposite of that in the ramp of y."""
    one, other = moved.in_x[:, 0], moved.in_y[:, 0]
    assert one[:, 1] / one[:, 0] == pytest.approx(-other[:, 0] / other[:, 1], abs=1e-3)


def test_images_are_scaled_by_up_to_a_tenth(moved: Moved) -> None:
    """The estimate's standard error is 0.087 / √80, about 1 %."""
    found = scales(moved)
    assert 0.86 < found.min() < 0.92
    assert 1.08 < found.max() < 1.14
    assert abs(found.mean() - 1) < 0.02


def test_half_of_the_images_is_mirrored_each_way_on_its_own(moved: Moved) -> None:
    mirrored, flipped = moved.in_x[:, 0, 0] < 0, moved.in_y[:, 0, 1] < 0
    for one in (mirrored, ~mirrored):
        for other in (flipped, ~flipped):
            assert 60 < int((one & other).sum()) < 140
    assert ((moved.in_x[..., 0] < 0) == mirrored[:, None]).all()
    assert ((moved.in_y[..., 1] < 0) == flipped[:, None]).all()


@pytest.mark.parametrize("axis", ["x", "y"])
def test_images_are_shifted_by_up_to_a_fortieth_of_their_side(moved: Moved, axis: str) -> None:
    """0.05 where the side is 2."""
    planes = moved.in_x if axis == "x" else moved.in_y
    slope = np.hypot(planes[..., 0], planes[..., 1])
    shift = (planes[..., 2] / slope).mean(1) / scales(moved)
    assert 0.046 < shift.max() < 0.0525
    assert -0.046 > shift.min() > -0.0525
    assert abs(shift.mean()) < 0.01


def test_the_two_shifts_are_drawn_apart(moved: Moved) -> None:
    pair = np.corrcoef(moved.in_x[:, 0, 2], moved.in_y[:, 0, 2])
    assert abs(pair[0, 1]) < 0.2


def flat(value: float, images: int = 500, channels: int = 4) -> Tensor:
    made = augment(torch.full((images, channels, 5, 7), value), seeded(1)).double()
    spread = made.amax((2, 3)) - made.amin((2, 3))
    assert spread.max() < 1e-3 * max(value, 1)  # the border goes on beyond the edge
    return made[:, :, 2, 3]


def test_each_channels_offset_is_within_fifteen_hundredths_by_itself() -> None:
    offset = flat(0.0)
    assert 0.148 < offset.max() <= 0.15
    assert -0.148 > offset.min() >= -0.15
    assert abs(torch.corrcoef(offset.T)[0, 1]) < 0.15


def test_each_channels_gain_is_within_fifteen_per_cent_by_itself() -> None:
    gain = flat(1e5) / 1e5
    assert 1.148 < gain.max() <= 1.15 + 1e-5
    assert 0.852 > gain.min() >= 0.85 - 1e-5
    assert abs(torch.corrcoef(gain.T)[0, 1]) < 0.15


def test_the_offsets_are_the_last_numbers_drawn() -> None:
    """Six numbers an image are drawn for its movement, then a gain and an offset a channel."""
    made = augment(torch.zeros(3, 2, 5, 7), seeded(4))[:, :, 2, 3]
    drawn = torch.rand(3 * 6 + 3 * 2 + 3 * 2, generator=seeded(4))[-6:].reshape(3, 2)
    assert made.flatten().tolist() == pytest.approx((0.3 * drawn - 0.15).flatten().tolist())


def test_the_generator_alone_decides_and_the_pixels_stay_as_they_are() -> None:
    pixels = torch.randn(3, 2, 9, 11, generator=seeded(5))
    before = pixels.clone()
    torch.manual_seed(1)
    one = augment(pixels, seeded(7))
    torch.manual_seed(2)
    assert torch.equal(one, augment(pixels, seeded(7)))
    assert not torch.equal(one, augment(pixels, seeded(8)))
    assert torch.equal(pixels, before)
    assert (one.shape, one.dtype) == (pixels.shape, torch.float32)


def test_images_of_a_batch_are_changed_each_on_its_own() -> None:
    pixels = torch.randn(1, 1, 9, 9, generator=seeded(5)).expand(3, -1, -1, -1)
    made = augment(pixels, seeded(7))
    assert not torch.equal(made[0], made[1])
    assert not torch.equal(made[1], made[2])
