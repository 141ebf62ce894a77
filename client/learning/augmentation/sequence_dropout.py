"""Per-sequence dropout as a transform of MONAI's kind, which has none."""

import torch
from monai.transforms import RandomizableTransform
from torch import Tensor


class RandSequenceDropout(RandomizableTransform):
    """Sets each sequence of an image to zero with a probability, but not all that are there.

    So a network learns to do without one (ModDrop: Neverova et al., IEEE TPAMI 2016). Where chance
    would take all that an image has, one of them, drawn at random, stays.
    """

    def __init__(self, prob: float) -> None:
        super().__init__(prob=1.0)
        self._each = prob

    def __call__(self, image: Tensor) -> Tensor:
        """Return an image [sequences, …]; the one that came stays as it is."""
        there = (image != 0).flatten(1).any(1).tolist()
        draws = self.R.rand(len(there))
        stays = self.R.permutation(len(there))
        dropped = [draw < self._each for draw in draws]
        if all(d for d, t in zip(dropped, there, strict=True) if t):
            dropped[next((n for n in stays if there[n]), 0)] = False
        if not any(dropped):
            return image
        keep = torch.tensor([not d for d in dropped], device=image.device)
        return torch.where(keep.view(-1, *[1] * (image.dim() - 1)), image, torch.zeros_like(image))
