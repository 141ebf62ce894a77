"""Images a second when a site scores its cohort, against the bare inference loop.

python benchmarks/scoring.py [--quick]

`ours` is all that a validation does with the model at a site for the first time: load the weights
into the network, read the crops of the cohort store, resize them, run the network, and make the
lesions' scores. `theirs` runs the same network over the same batches in the same layout, which lie
in memory already at its size, with the same threads. Both take turns, each time the other one
first; the ratio is the median of the turns' ratios, so that what else the machine does meanwhile
hits both.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning import Trainer, batches, score
from hepafed.client.worker import WORKER_SETTINGS
from hepafed.common.contract import ModelPlan, Plan
from hepafed.common.network import Flat, flatten

TARGET = 0.95
SPLIT = "external"


@dataclass(frozen=True)
class Figures:
    """What the turns took."""

    images: int
    ours: list[float]
    """Seconds, turn by turn."""
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """Our images a second over theirs: the median of the turns."""
        return statistics.median(t / o for o, t in zip(self.ours, self.theirs, strict=True))


def fill(home: Path, lesions: int) -> None:
    """Make a cohort store of random crops, three slices and two sequences each."""
    rng = np.random.default_rng(5)
    Cohort.create(home).add(
        Crop(
            f"lesion{i:05d}",
            f"patient{i:05d}",
            i % 3,
            ("t2", "dwi"),
            rng.normal(size=(2, 3, 160, 160)).astype(np.float16),
        )
        for i in range(lesions)
    )


def bare(module: torch.nn.Module, ready: list[torch.Tensor]) -> float:
    """Seconds of the loop that cannot be left out."""
    started = time.perf_counter()
    module.eval()
    with torch.inference_mode():
        for pixels in ready:
            module(pixels)
    return time.perf_counter() - started


def site(home: Path, plan: Plan, weights: Flat) -> float:
    """Seconds of a site's scoring; the network is built, no image is in memory."""
    trainer = Trainer(home, 0, "cpu")
    trainer.network(plan)
    started = time.perf_counter()
    score(trainer, plan, weights, SPLIT, "site")
    return time.perf_counter() - started


def measure(home: Path, size: int, turns: int) -> Figures:
    """Time both, turn by turn, after one that does not count."""
    plan = Plan(name="bench", protocol="t2-dwi", model=ModelPlan(size=size))
    trainer = Trainer(home, 0, "cpu")
    network = trainer.network(plan)
    module, weights = network.module, flatten(network.module, network.layout)
    images = trainer.images(plan, SPLIT)
    ready = list(batches(images, trainer.device))
    ours, theirs = [], []
    bare(module, ready[:1])
    for turn in range(turns):
        if turn % 2:
            ours.append(site(home, plan, weights))
        theirs.append(bare(module, ready))
        if not turn % 2:
            ours.append(site(home, plan, weights))
    return Figures(len(images.labels), ours, theirs)


def main() -> None:
    """Measure and print the closing line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="75 px instead of 299 px")
    quick = parser.parse_args().quick
    if not WORKER_SETTINGS.keys() <= os.environ.keys():  # PyTorch reads them when it is loaded
        settings = {**WORKER_SETTINGS, **os.environ}
        os.execve(sys.executable, [sys.executable, *sys.argv], settings)  # noqa: S606 - this script
    size, lesions, turns = (75, 96, 7) if quick else (299, 12, 9)
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), lesions)
        found = measure(Path(folder), size, turns)
    print(f"{found.images} images at {size} px, {torch.get_num_threads()} threads")
    for ours, theirs in zip(found.ours, found.theirs, strict=True):
        print(f"ours {ours:.2f} s, bare loop {theirs:.2f} s, ratio {theirs / ours:.3f}")
    mine, other = (found.images / statistics.median(s) for s in (found.ours, found.theirs))
    print(
        json.dumps(
            {
                "benchmark": "scoring",
                "ours": round(mine, 2),
                "theirs": round(other, 2),
                "unit": "images/s",
                "ratio": round(found.ratio, 3),
                "target": TARGET,
                "met": found.ratio >= TARGET,
            }
        )
    )


if __name__ == "__main__":
    main()
