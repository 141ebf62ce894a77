"""Which part of an image moved the network: Grad-CAM and occlusion, for a reader's eye."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Map = NDArray[np.float32]
STAGES = ("conv2d_7b", "repeat_1", "repeat")
"""Layers of `inception_resnet_v2` whose activations can be mapped, deepest first."""
FINEST = 7
"""Fewest cells across that still show a place; small inputs need an earlier stage."""
PATCH = 5
"""An occluding square is this fraction of the image's side; it moves by half of itself."""


@dataclass(frozen=True)
class Explanation:
    """The maps of one image at its own size, each 0 to 1."""

    benign: Map
    """Grad-CAM (Selvaraju et al. 2017) of the log-odds for benign: what spoke for benign."""
    malignant: Map | None
    """Occlusion (Zeiler and Fergus 2014): where covering lowers the log-odds for malignant."""


def malignant_log_odds(logits: Tensor) -> Tensor:
    """Return log p(malignant) − log p(benign) of logits [n, 3]."""
    return torch.logsumexp(logits[:, 1:], 1) - logits[:, 0]


def explain(module: nn.Module, pixels: Tensor, *, occlusion: bool) -> Explanation:
    """Return the maps of one image float32 [channels, size, size] on the module's own device."""
    module.eval()
    return Explanation(
        grad_cam(module, pixels[None]), occlude(module, pixels[None]) if occlusion else None
    )


def grad_cam(module: nn.Module, image: Tensor) -> Map:
    """Return a map of what spoke for benign in one image [1, channels, size, size].

    It is 0 everywhere when nothing did.
    """
    kept: dict[str, Tensor] = {}

    def keeper(name: str) -> object:
        def keep(_module: nn.Module, _input: object, output: Tensor) -> None:
            kept[name] = output

        return dict(module.named_children())[name].register_forward_hook(keep)

    hooks = [keeper(name) for name in STAGES]
    try:
        with torch.enable_grad():
            benign = -malignant_log_odds(module(image.requires_grad_())).sum()
        stage = next((s for s in STAGES if kept[s].shape[-1] >= FINEST), STAGES[-1])
        (slopes,) = torch.autograd.grad(benign, kept[stage])
    finally:
        for hook in hooks:
            hook.remove()  # type: ignore[attr-defined]
    weights = slopes.mean((2, 3), keepdim=True)
    return _spread((weights * kept[stage]).sum(1, keepdim=True).detach(), image.shape[-1])


def occlude(module: nn.Module, image: Tensor) -> Map:
    """Return a map of where covering one image takes malignant evidence away.

    `image` is [1, channels, size, size]. The cover is the channel's mean. Each pixel gets the mean
    fall of the log-odds over the covers that hid it.
    """
    size = image.shape[-1]
    patch = max(2, size // PATCH)
    starts = sorted({*range(0, size - patch, max(1, patch // 2)), size - patch})
    places = [(y, x) for y in starts for x in starts]
    mean = image.mean((2, 3), keepdim=True)
    falls = torch.zeros(size, size)
    times = torch.zeros(size, size)
    with torch.inference_mode():
        whole = malignant_log_odds(module(image))
        for part in (places[i : i + 32] for i in range(0, len(places), 32)):
            covered = image.repeat(len(part), 1, 1, 1)
            for row, (y, x) in enumerate(part):
                covered[row, :, y : y + patch, x : x + patch] = mean[0]
            fall = (whole - malignant_log_odds(module(covered))).cpu()
            for (y, x), value in zip(part, fall, strict=True):
                falls[y : y + patch, x : x + patch] += value
                times[y : y + patch, x : x + patch] += 1
    return _spread((falls / times)[None, None], size)


def _spread(values: Tensor, size: int) -> Map:
    """Return what is positive, at the image's size, with its largest value 1."""
    positive = functional.interpolate(
        functional.relu(values.float()), size=(size, size), mode="bilinear", align_corners=False
    )[0, 0].cpu()
    top = float(positive.max())
    made: Map = (positive / top if top > 0 else positive).numpy()
    return made
