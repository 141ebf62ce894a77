"""Images a second when a site scores its cohort, against the bare inference loop.

python benchmarks/scoring.py [--quick]

`ours` is all that a validation does with the model at a site for the first time: load the weights
into the network, read the crops of the cohort store, resize them, run the network, and make the
lesions' scores. `theirs` runs the same network over the same batches, which lie in memory already
at its size. Both take turns; the best of the turns counts.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.score import BATCH, score
from hepafed.client.train import Trainer
from hepafed.common.plan import ModelPlan, Plan
from hepafed.common.weights import Flat, flatten

TARGET = 0.95


def fill(home: Path, lesions: int) -> None:
    """Make a cohort store of random crops, three slices and two sequences each."""
    rng = np.random.default_rng(5)
    Cohort.create(home).add(
        Crop(f"lesion{i:05d}", f"patient{i:05d}", i % 3, ("t2", "dwi"),
             rng.normal(size=(2, 3, 160, 160)).astype(np.float16))
        for i in range(lesions)
    )  # fmt: skip


def bare(module: torch.nn.Module, batches: list[torch.Tensor]) -> float:
    """Seconds of the loop that cannot be left out."""
    started = time.perf_counter()
    module.eval()
    with torch.inference_mode():
        for pixels in batches:
            module(pixels)
    return time.perf_counter() - started


def site(trainer: Trainer, plan: Plan, weights: Flat) -> float:
    """Seconds of a site's scoring; the network is built, no image is in memory."""
    started = time.perf_counter()
    score(trainer, plan, weights, "external", "site")
    return time.perf_counter() - started


def measure(home: Path, size: int, turns: int) -> tuple[int, float, float]:
    """Give the number of images, and the least seconds of ours and of theirs."""
    plan = Plan(name="bench", protocol="t2-dwi", model=ModelPlan(size=size))
    first = Trainer(home, 0)
    module = first.module(plan)
    weights = flatten(module, first.layout(plan))
    images = first.images(plan, "external")
    batches = [b.to(first.device) for b in torch.split(images.pixels, BATCH)]
    bare(module, batches[:1])
    ours, theirs = [], []
    for _ in range(turns):
        theirs.append(bare(module, batches))
        trainer = Trainer(home, 0)
        trainer.module(plan)
        ours.append(site(trainer, plan, weights))
    return len(images.labels), min(ours), min(theirs)


def _in_folder(call: Callable[[Path], tuple[int, float, float]], lesions: int) -> tuple[float, ...]:
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), lesions)
        return call(Path(folder))


def main() -> None:
    """Measure and print the closing line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="96 images at 75 px, once")
    quick = parser.parse_args().quick
    size, lesions, turns = (75, 32, 1) if quick else (299, 64, 2)
    count, ours, theirs = _in_folder(lambda home: measure(home, size, turns), lesions)
    ratio = theirs / ours
    print(f"{count:.0f} images at {size} px: ours {ours:.2f} s, bare loop {theirs:.2f} s")
    print(json.dumps({
        "benchmark": "scoring", "ours": count / ours, "theirs": count / theirs,
        "unit": "images/s", "ratio": ratio, "target": TARGET, "met": ratio >= TARGET,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
