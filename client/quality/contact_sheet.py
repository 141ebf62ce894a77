"""The contact sheet: every lesion's crop beside what was found odd, in one page for the eye."""

import base64
import io
from pathlib import Path

import numpy as np
from hepafed.client.cohort import Cohort, Lesion
from hepafed.client.quality.consistency import ExaminationLine, consistency
from hepafed.client.quality.findings import Quality, quality
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

SHOWN = 96
"""Pixels of a picture's side on the page."""
MOST_PICTURED = 600
"""Lesions with pictures on one page (about 20 MB); those with remarks first."""
WINDOW = (1.0, 99.0)
"""Percentiles of the crop that become black and white."""

Pictures = dict[str, list[tuple[str, str]]]
"""Lesion's pseudonym → (sequence, PNG as a data URI)."""


def contact_sheet(store: Cohort, most_pictured: int = MOST_PICTURED) -> str:
    """Return the page: self-contained HTML with pictures, pseudonyms and remarks, no identity.

    Raises
    ------
    CohortError
        A crop is missing or damaged.
    """
    seen = quality(store)
    rows = store.rows()
    lines = consistency(rows, store.acquisitions(), store.splits(), seen.findings)
    pictures = _pictures(store, {r.lesion: r for r in rows}, lines, most_pictured)
    return render(store, seen, lines, pictures)


def _pictures(
    store: Cohort, rows: dict[str, Lesion], lines: list[ExaminationLine], most: int
) -> Pictures:
    wanted = [x.lesion for e in lines for x in e.lesions][:most]
    made: Pictures = {}
    for name in wanted:
        row = rows[name]
        voxels = store.voxels(row)
        sequences = row.sequences.split(",")
        made[name] = [(s, png(voxels[n, row.slices // 2])) for n, s in enumerate(sequences)]
    return made


def png(picture: NDArray[np.float16]) -> str:
    """Return a crop's slice as a PNG data URI of 96 × 96 grey values."""
    values = picture.astype(np.float32)
    low, high = np.percentile(values, WINDOW)
    grey = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1) * 255
    image = Image.fromarray(grey.astype(np.uint8)).resize((SHOWN, SHOWN), Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def render(store: Cohort, seen: Quality, lines: list[ExaminationLine], pictures: Pictures) -> str:
    """Return the page's template filled; every text is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = Path(__file__).with_name("contact_sheet.html").read_text("utf-8")
    return environment.from_string(template).render(
        counts=store.counts(),
        quality=seen,
        examinations=lines,
        looked=sum(e.suspicious for e in lines),
        hidden=sum(len(e.lesions) for e in lines) - len(pictures),
        pictures=pictures,
    )
