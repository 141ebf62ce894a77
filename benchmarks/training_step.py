"""What a site's training adds to a bare PyTorch loop, and what MONAI's augmentation costs.

python benchmarks/training_step.py [--quick] [--channels 4] [--batch 4] [--side 299]

Real network (timm's Inception-ResNet V2), made-up images. In one run, in turn, five times each,
medians: a step of the product (`Trainer.train`, crops from the store in memory); a bare loop over
tensors in memory with the same augmentation, optimiser and numbers; the augmentation of a batch by
MONAI and by the code of before (mirror, rotation, scale, shift, gain, offset). `first batch`: from
the weights of a round after the first to the end of its first step, less one step.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning import Trainer
from hepafed.client.learning.augmentation import Augmentation
from hepafed.common.contract import (
    PROTOCOLS,
    ModelPlan,
    Plan,
    RoundsPlan,
    TrainingPlan,
)
from hepafed.common.network import Flat, build, flatten
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.optimizer import register_optimizer_step_post_hook

TARGET, FIRST_BATCH_SECONDS, REPEATS = 0.95, 1.0, 5
BY_CHANNELS = {len(v): k for k, v in PROTOCOLS.items()}


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def before(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Change a batch as releases up to 0.1.0 did."""
    n, channels = pixels.shape[:2]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator).to(pixels.device)

    angle, scale = uniform(-math.pi / 8, math.pi / 8, n), uniform(0.9, 1.1, n)
    mirror = torch.where(uniform(0, 1, n) < 0.5, -1.0, 1.0)
    flip = torch.where(uniform(0, 1, n) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [
        torch.stack([cos * mirror, -sin * flip, uniform(-0.05, 0.05, n)], 1),
        torch.stack([sin * mirror, cos * flip, uniform(-0.05, 0.05, n)], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    gain, offset = uniform(0.85, 1.15, n, channels, 1, 1), uniform(-0.15, 0.15, n, channels, 1, 1)
    return moved * gain + offset


def crops(protocol: str, batch: int) -> list[Crop]:
    """Make so many lesions that two batches or more are in the training split."""
    rng = np.random.default_rng(1)
    names = PROTOCOLS[protocol]
    return [
        Crop(
            f"l{i}", f"p{i}", i % 3, names, rng.normal(size=(len(names), 1, 160, 160)).astype("f2")
        )
        for i in range(4 * batch)
    ]


class Bare:
    """A loop that anybody would write: tensors in memory, one optimiser, the same augmentation."""

    def __init__(self, plan: Plan, device: torch.device, images: Tensor) -> None:
        self._module: nn.Module = build(plan).to(device).train()
        self._on_gpu = device.type == "cuda"
        if self._on_gpu:
            self._module = self._module.to(memory_format=torch.channels_last)
        parameters = self._module.parameters()
        self._optimiser = torch.optim.AdamW(parameters, plan.training.rate, fused=True)
        self._augment = Augmentation(plan.augmentation)
        self._images, self._device = images.to(device), device
        self._step = 0

    def step(self) -> None:
        """Take a step over the batch."""
        count = len(self._images)
        self._step += 1
        seeds = [self._step * count + n for n in range(count)]
        labels = torch.arange(count, device=self._device) % 3
        pixels = self._augment(self._images, seeds)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._on_gpu):
            loss = functional.cross_entropy(self._module(pixels), labels)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        loss.item()


def measure(channels: int, batch: int, side: int) -> dict[str, float]:
    """Return the medians, seconds."""
    protocol = BY_CHANNELS[channels]
    plan = Plan(
        name="step",
        protocol=protocol,
        model=ModelPlan(size=side),
        rounds=RoundsPlan(count=REPEATS + 1),
        training=TrainingPlan(batch=batch),
    )
    generator = torch.Generator().manual_seed(1)
    found: dict[str, list[float]] = {k: [] for k in ("ours", "bare", "monai", "before", "first")}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        Cohort.create(home).add(crops(protocol, batch))
        trainer = Trainer(home, 1)
        network = trainer.network(plan)
        weights = flatten(network.module, network.layout)
        one = trainer.images(plan, "train").pixels(slice(0, batch), trainer.device)
        bare, augment = Bare(plan, trainer.device, one), Augmentation(plan.augmentation)
        step_ends(trainer, plan, weights, 1)
        bare.step()
        for n in range(REPEATS):
            started = time.perf_counter()
            ends = step_ends(trainer, plan, weights, n + 2)
            found["first"].append(ends[0] - started)
            found["ours"].append((ends[-1] - ends[0]) / (len(ends) - 1))
            found["bare"].append(statistics.mean(seconds(bare.step) for _ in ends[1:]))
            keys = list(range(n * batch, n * batch + batch))
            found["monai"].append(seconds(lambda k=keys: augment(one, k)))
            found["before"].append(seconds(lambda: before(one, generator)))
    made = {k: statistics.median(v) for k, v in found.items()}
    ratios = [b / o for o, b in zip(found["ours"], found["bare"], strict=True)]
    waits = [f - o for f, o in zip(found["first"], found["ours"], strict=True)]
    return {**made, "ratio": statistics.median(ratios), "first_batch": statistics.median(waits)}


def step_ends(trainer: Trainer, plan: Plan, weights: Flat, number: int) -> list[float]:
    """Train a round; return when each of its steps ended."""
    ends: list[float] = []

    def note(*_: object) -> None:
        seconds(lambda: None)  # a GPU's work counts when it is done
        ends.append(time.perf_counter())

    handle = register_optimizer_step_post_hook(note)
    try:
        trainer.train(plan, weights, "r", number)
    finally:
        handle.remove()
    return ends


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--channels", type=int, default=4, choices=sorted(BY_CHANNELS))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=299)
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.channels, chosen.batch, chosen.side = 1, 2, 96
    found = measure(chosen.channels, chosen.batch, chosen.side)
    for name in ("ours", "bare", "monai", "before", "first_batch"):
        print(f"{name:12} {found[name]:8.3f} s")
    met = found["ratio"] >= TARGET and found["first_batch"] <= FIRST_BATCH_SECONDS
    record = {
        "benchmark": "training_step",
        "ours": 1 / found["ours"],
        "theirs": 1 / found["bare"],
        "unit": "steps/s",
        "ratio": found["ratio"],
        "target": TARGET,
        "met": met,
        "settings": vars(chosen),
        **{k: found[k] for k in ("monai", "before", "first_batch")},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
