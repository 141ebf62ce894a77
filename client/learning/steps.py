"""The steps of a round: a batch through the network, in parts where memory asks for it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
from hepafed.client.learning.images import Images
from hepafed.client.learning.local_training import LocalTraining
from hepafed.client.learning.precision import computing, number_type
from hepafed.common.contract import Plan
from hepafed.common.errors import RunError
from torch import Tensor, nn
from torch.nn import functional

log = logging.getLogger("hepafed.client")
SMALLEST_PART = 2
"""Images of the smallest part: BatchNorm cannot learn from a single one."""


@dataclass
class Memory:
    """How many images a site's device holds, as far as its steps have shown."""

    most: int = 0
    """Images that go through together at most; 0: no limit is known."""
    proven: int = 0
    """The most images that went through together without an error."""


class Steps:
    """Takes a round's steps with one network and one optimiser."""

    def __init__(
        self,
        plan: Plan,
        module: nn.Module,
        forward: Callable[[Tensor], Tensor],
        optimiser: torch.optim.Optimizer,
        images: Images,
        generator: torch.Generator,
        memory: Memory,
        local: LocalTraining,
    ) -> None:
        """`forward` is `module`, or what torch.compile made of it.

        `local` is the strategy's rule.
        """
        self._plan, self._module, self._forward = plan, module, forward
        self._optimiser, self._images, self._generator = optimiser, images, generator
        self._memory, self._local = memory, local
        self._device = next(module.parameters()).device
        scaled = number_type(plan.training, self._device) == torch.float16
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=scaled)
        self._augment: Callable[[Tensor, list[int]], Tensor] | None = None
        if plan.training.augment:
            # MONAI is imported with the first training: it takes seconds
            from hepafed.client.learning.augmentation import Augmentation

            self._augment = Augmentation(plan.augmentation)

    def take(self, chosen: Tensor) -> Tensor:
        """Take one step over the images `chosen`, int64 [images]; return the mean loss.

        The step is that of the whole batch: each part's loss counts by its share of the images.
        BatchNorm takes its statistics of each part, and its running ones once a part.

        Raises
        ------
        RunError
            Not even two images go through the network together on this device.
        """
        drawn = torch.randint(2**32, (len(chosen),), generator=self._generator)
        while True:
            parts = self._parts(len(chosen))
            largest = -(-len(chosen) // parts)
            before = None if largest <= self._memory.proven else _Before(self._module, self._device)
            try:
                loss = self._accumulated(chosen, drawn, parts)
            except (MemoryError, RuntimeError) as e:
                if not _is_out_of_memory(e):
                    if not self._plan.training.compile:
                        raise
                    log.warning("a step failed with torch.compile", exc_info=e)
                    raise RunError(
                        "torch.compile does not work at this site; its log says why",
                        "state training.compile = false",
                    ) from e
                if parts >= len(chosen) // SMALLEST_PART or before is None:
                    raise RunError(
                        f"{largest} images together are too many for this site's memory",
                        "state a smaller training.micro_batch or model.size",
                    ) from e
            else:
                self._memory.proven = max(self._memory.proven, largest)
                self._scaler.unscale_(self._optimiser)
                self._local.before_step()
                self._scaler.step(self._optimiser)
                self._local.after_step(self._optimiser.param_groups[0]["lr"])
                self._scaler.update()
                return loss
            before.restore()
            self._halve(largest)

    def _parts(self, images: int) -> int:
        """Return in how many parts a batch goes through; none has a single image of several."""
        limits = [n for n in (self._plan.training.micro_batch, self._memory.most) if n]
        if not limits:
            return 1
        return max(1, min(-(-images // min(limits)), images // SMALLEST_PART))

    def _accumulated(self, chosen: Tensor, drawn: Tensor, parts: int) -> Tensor:
        """Add up the gradients of a batch's parts; return its mean loss."""
        self._optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self._device)
        pairs = zip(chosen.tensor_split(parts), drawn.tensor_split(parts), strict=True)
        for part, seeds in pairs:
            pixels = self._images.pixels(part, self._device)
            if self._augment is not None:
                pixels = self._augment(pixels, seeds.tolist())
            if self._device.type == "cuda":
                pixels = pixels.contiguous(memory_format=torch.channels_last)
            labels = self._images.labels[part].to(self._device)
            softened = self._plan.training.label_smoothing
            with computing(self._plan.training, self._device):
                logits = self._forward(pixels)
                loss = functional.cross_entropy(logits, labels, label_smoothing=softened)
            if parts > 1:
                loss = loss * (len(part) / len(chosen))
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _halve(self, largest: int) -> None:
        """Let half as many images go through together from now on, and say so."""
        self._optimiser.zero_grad(set_to_none=True)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._memory.most = max(SMALLEST_PART, largest // 2)
        log.warning(
            "%d images together are too many for this device's memory: from now on %d go through "
            "together. A step is still over the plan's batch; BatchNorm's statistics are those of "
            "each part",
            largest,
            self._memory.most,
        )


class _Before:
    """What a step that breaks off has changed: BatchNorm's statistics and the random numbers."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self._module, self._device = module, device
        self._buffers = [b.clone() for b in module.buffers()]
        self._random = torch.get_rng_state()
        self._on_gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def restore(self) -> None:
        """Put it back as it was."""
        with torch.no_grad():
            for buffer, kept in zip(self._module.buffers(), self._buffers, strict=True):
                buffer.copy_(kept)
        torch.set_rng_state(self._random)
        if self._on_gpu is not None:
            torch.cuda.set_rng_state(self._on_gpu, self._device)


def _is_out_of_memory(error: Exception) -> bool:
    """Return whether a device or this machine had too little memory; PyTorch has a text for it."""
    known = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return known or "can't allocate memory" in str(error)
