"""Random changes of training images, by MONAI's transforms: movement, coil, noise, contrast.

What can be done to a whole batch on its device is; MONAI's other transforms take one image at a
time. Each image's changes come from a seed of its own, whatever batch it is in.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from hepafed.client.learning.augmentation.sequence_dropout import RandSequenceDropout
from hepafed.common.contract import AugmentationPlan
from monai.networks.layers import AffineTransform
from monai.transforms import (
    Compose,
    RandAdjustContrast,
    RandAffineGrid,
    RandBiasField,
    RandFlip,
    RandGaussianNoise,
    RandGibbsNoise,
    RandomizableTransform,
    RandScaleIntensity,
    RandShiftIntensity,
)
from monai.utils import convert_to_tensor
from torch import Tensor

DEGREE = 3
"""Of the bias field's polynomials."""


class Augmentation:
    """The changes that a plan asks for."""

    def __init__(self, plan: AugmentationPlan) -> None:
        shift = 2 * plan.shift  # a side is 2 long in the coordinates of grid_sample
        self._move = RandAffineGrid(
            rotate_range=math.radians(plan.rotate),
            translate_range=(shift, shift),
            scale_range=(plan.scale, plan.scale),
            lazy=True,
        )
        self._mirror = Compose([RandFlip(plan.flip, axis) for axis in (0, 1)])
        self._bias = RandBiasField(
            DEGREE, (-plan.bias_field, plan.bias_field), prob=_chance(plan, plan.bias_field)
        )
        gamma = (1 - plan.contrast, 1 + plan.contrast)
        contrast = RandAdjustContrast(_chance(plan, plan.contrast), gamma)
        self._intensity = Compose(
            [
                _EachSequence(contrast),
                RandScaleIntensity(plan.gain, prob=1.0, channel_wise=True),
                RandShiftIntensity(plan.offset, prob=1.0, channel_wise=True),
                RandGaussianNoise(_chance(plan, plan.noise), std=plan.noise),
                RandGibbsNoise(_chance(plan, plan.gibbs), (0.0, plan.gibbs)),
                RandSequenceDropout(plan.drop_sequence),
            ]
        )
        self._resample = AffineTransform(
            normalized=True, padding_mode="border", align_corners=False
        )

    def __call__(self, pixels: Tensor, seeds: Sequence[int]) -> Tensor:
        """Return images float32 [n, channels, side, side], each changed by its seed (0 to 2³² - 1).

        A sequence that an image does not have (all zero) stays as it is.
        """
        missing = (pixels == 0).flatten(2).all(2)[..., None, None]
        moves, fields = zip(*(self._drawn(seed, pixels.shape[2:]) for seed in seeds), strict=True)
        moved = self._resample(pixels, torch.stack(moves).to(pixels))
        moved = moved * torch.stack(fields).to(pixels)
        made = [self._changed(one, seed) for one, seed in zip(moved, seeds, strict=True)]
        return torch.stack(made).masked_fill(missing, 0.0)

    def _drawn(self, seed: int, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Draw the movement of an image, 3 × 3, and its coil's field [1, side, side]."""
        self._move.set_random_state(seed)
        self._move(shape)
        self._bias.set_random_state(seed ^ 1)
        field = self._bias(torch.ones(1, *shape))
        return torch.as_tensor(self._move.get_transformation_matrix()), _plain(field)

    def _changed(self, image: Tensor, seed: int) -> Tensor:
        self._mirror.set_random_state(seed ^ 2)
        self._intensity.set_random_state(seed ^ 3)
        return _plain(self._intensity(self._mirror(image)))


class _EachSequence(RandomizableTransform):
    """Applies a transform to each sequence of an image by itself, with its own random numbers."""

    def __init__(self, transform: RandomizableTransform) -> None:
        super().__init__()
        self._transform = transform

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> "_EachSequence":
        self._transform.set_random_state(seed, state)
        super().set_random_state(seed, state)
        return self

    def __call__(self, image: Tensor) -> Tensor:
        return torch.cat([self._transform(channel[None]) for channel in image])


def _chance(plan: AugmentationPlan, strength: float) -> float:
    """Return how often a change is made; one without strength never is."""
    return plan.probability if strength else 0.0


def _plain(image: "np.ndarray[Any, Any] | Tensor") -> Tensor:
    """Return an image without what MONAI notes beside it."""
    return torch.as_tensor(convert_to_tensor(image, track_meta=False))
