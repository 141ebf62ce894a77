"""Sites of a few random pictures, which take part in whatever they are asked."""

import csv
from pathlib import Path

import numpy as np
from hepafed.deploy.demo.federation import Federation
from PIL import Image

PATIENTS = 6
"""Of a site: the fewest of which one is a tuning patient."""


def set_up(fed: Federation, site: str, seed: int) -> None:
    """Give an enrolled site its pictures as a cohort, and allow all that is asked."""
    images = fed.folder / f"images-{site}"
    _write_images(images, seed)
    fed.command(
        site,
        "ingest",
        "--images",
        str(images),
        "--labels",
        str(images / "labels.csv"),
    )
    fed.command(site, "allow", "--everything")
    config = fed.home(site) / "site.toml"
    config.write_text(config.read_text().replace("threads = 0", "threads = 1"))


def _write_images(folder: Path, seed: int) -> None:
    """Write a few random pictures and their labels."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    with (folder / "labels.csv").open("w", newline="") as f:
        table = csv.writer(f)
        table.writerow(("patient_id", "file", "label"))
        for patient in range(PATIENTS):
            pixels = random.integers(0, 255, (160, 160), np.uint8)
            Image.fromarray(pixels).save(folder / f"{patient}.png")
            table.writerow((f"p{patient}", f"{patient}.png", "benign"))
