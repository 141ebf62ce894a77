"""Exported pictures of made-up patients, a lesion each, and their table of labels."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(folder: Path, labels: Sequence[str], seed: int) -> Path:
    """Write a random picture for each label, and the table; return the table."""
    folder.mkdir()
    random, table = np.random.default_rng(seed), folder / "labels.csv"
    with table.open("w", newline="") as f:
        rows = csv.writer(f)
        rows.writerow(("patient_id", "file", "label"))
        for n, label in enumerate(labels):
            pixels = random.integers(0, 255, (160, 160), np.uint8)
            Image.fromarray(pixels).save(folder / f"{n}.png")
            rows.writerow((f"p{n}", f"{n}.png", label))
    return table
