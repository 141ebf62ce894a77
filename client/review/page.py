"""`client review`: the site's own false negatives as a page for a radiologist."""

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hepafed.client.cohort import Cohort
from hepafed.client.learning import Trainer
from hepafed.client.review.saliency import Explanation, Map, explain
from hepafed.client.validations import recall, recall_weights
from hepafed.common.contract import CLASSES, PROTOCOLS
from hepafed.common.contract.messages import ValidateRequest
from hepafed.common.errors import DataError
from hepafed.common.files import write_whole
from hepafed.common.statistics import ScoreTable
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from numpy.typing import NDArray
from PIL import Image

WINDOW = (-2.0, 3.0)
"""Normalised intensities shown from black to white."""
SHOWN = 240
"""Pixels of a picture's side."""
WARM = np.array([213, 94, 0], np.float32)
COOL = np.array([0, 114, 178], np.float32)
"""Vermilion for malignant evidence, blue for benign: told apart with any colour vision."""


@dataclass(frozen=True)
class Missed:
    """A malignant lesion below the operating point."""

    lesion: str
    """Pseudonym."""
    patient: str
    """Pseudonym."""
    truth: str
    """One of `CLASSES`."""
    score: float
    """1 − p_benign."""


def missed_of(table: ScoreTable, threshold: float) -> list[Missed]:
    """Return the false negatives of a score table, the lowest score first."""
    scores = -np.expm1(table.log_probs[:, 0])
    rows = np.flatnonzero((table.truth != 0) & (scores < threshold))
    return [
        Missed(
            str(table.lesion[i]), str(table.patient[i]), CLASSES[table.truth[i]], float(scores[i])
        )
        for i in rows[np.argsort(scores[rows], kind="stable")]
    ]


def review(
    home: Path,
    run: str,
    target: Path,
    *,
    most: int,
    occlusion: bool,
    progress: Callable[[int, int], None],
) -> tuple[int, int]:
    """Write the page of an archived validation (0600); return how many were missed and are shown.

    Nothing of it leaves the site. At most `most` lesions are shown, and none that a radiologist
    has excluded since.

    Raises
    ------
    DataError
        Nothing is kept of the run, or its lesions are not in the cohort any more.
    """
    kept = recall(home, run)
    request = kept.request
    missed = missed_of(kept.table, request.threshold)
    excluded = {r.lesion for r, _ in Cohort.open(home).excluded()}
    there = [m for m in missed if m.lesion not in excluded]
    rows = []
    for done, row in enumerate(_rows(home, request, there[:most], occlusion=occlusion), 1):
        rows.append(row)
        progress(done, min(most, len(there)))
    page = _template().render(
        run=run,
        model=request.model,
        threshold=request.threshold,
        missed=len(missed),
        excluded=len(missed) - len(there),
        rows=rows,
        malignant=int((kept.table.truth != 0).sum()),
        sequences=PROTOCOLS[request.plan.protocol],
        occlusion=occlusion,
    )
    write_whole(target, page, private=True)
    return len(missed), len(rows)


def _rows(
    home: Path, request: ValidateRequest, missed: Sequence[Missed], *, occlusion: bool
) -> Iterator[dict[str, Any]]:
    """Yield each lesion and the pictures of its middle slice."""
    trainer = Trainer(home, 0)
    network = trainer.network(request.plan)
    module = network.loaded(recall_weights(home, request.weights, network.layout))
    images = trainer.images(request.plan, request.split)
    index = {name: i for i, name in enumerate(images.selection.lesions)}
    for lesion in missed:
        if lesion.lesion not in index:
            raise DataError(
                "a lesion of that run is not in the cohort", "run client ingest with it again"
            )
        slices = np.flatnonzero(images.selection.owner == index[lesion.lesion])
        middle = torch.tensor([slices[len(slices) // 2]])
        pixels = images.pixels(middle, trainer.device)[0]
        found = explain(module, pixels, occlusion=occlusion)
        yield {"lesion": lesion, "pictures": _pictures(pixels.cpu().numpy(), found)}


def _template() -> Template:
    pages = Environment(
        loader=PackageLoader("hepafed.client.review", "."),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return pages.get_template("review.html")


def _pictures(pixels: NDArray[np.float32], found: Explanation) -> list[dict[str, str]]:
    """Return each channel as a picture, and the maps over the first."""
    made = [{"what": "image", "data": _png(_grey(channel))} for channel in pixels]
    base = _grey(pixels[0])
    made.append({"what": "spoke for benign", "data": _png(_over(base, found.benign, COOL))})
    if found.malignant is not None:
        made.append(
            {"what": "spoke for malignant", "data": _png(_over(base, found.malignant, WARM))}
        )
    return made


def _grey(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = WINDOW
    level = np.clip((channel - low) / (high - low), 0, 1) * 255
    return np.repeat(level[..., None], 3, axis=2).astype(np.float32)


def _over(base: NDArray[np.float32], heat: Map, colour: NDArray[np.float32]) -> Map:
    share = 0.6 * heat[..., None]
    made: Map = base * (1 - share) + colour * share
    return made


def _png(picture: NDArray[np.float32]) -> str:
    image = Image.fromarray(np.rint(picture).astype(np.uint8))
    out = io.BytesIO()
    image.resize((SHOWN, SHOWN), Image.Resampling.BICUBIC).save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
