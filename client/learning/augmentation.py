"""Random changes of training images: mirror, rotation, scale, shift, intensity."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def augment(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return a batch float32 [n, channels, size, size], each image changed on its own.

    All channels of an image move together; each channel's intensity changes by itself. The
    random numbers come from `generator`, on the CPU, wherever the pixels are.
    """
    n, channels = pixels.shape[:2]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator).to(pixels.device)

    angle = uniform(-math.pi / 8, math.pi / 8, n)
    scale = uniform(0.9, 1.1, n)
    mirror = torch.where(uniform(0, 1, n) < 0.5, -1.0, 1.0)
    flip = torch.where(uniform(0, 1, n) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    theta = torch.stack(
        [
            torch.stack([cos * mirror, -sin * flip, uniform(-0.05, 0.05, n)], 1),
            torch.stack([sin * mirror, cos * flip, uniform(-0.05, 0.05, n)], 1),
        ],
        1,
    )
    grid = functional.affine_grid(theta, list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    gain = uniform(0.85, 1.15, n, channels, 1, 1)
    offset = uniform(-0.15, 0.15, n, channels, 1, 1)
    return moved * gain + offset
