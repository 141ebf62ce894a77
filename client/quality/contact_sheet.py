"""The contact sheet: every lesion in every sequence, with what was found odd, for the eye."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.cohort import Cohort, Lesion
from hepafed.client.quality.consistency import ExaminationLine, consistency
from hepafed.client.quality.findings import Quality, quality
from hepafed.client.quality.pictures import SHOWN, frame, slice_names, strips
from hepafed.common.contract import CLASSES
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

MOST_PICTURED = 600
"""Lesions with pictures on one page, the doubtful first: 40 MB with eight sequences."""
REASONS = (
    "wrong place",
    "wrong phase or sequence",
    "no lesion to be seen",
    "wrong class",
    "poor image",
    "other",
)
"""What the page offers as the reason of an exclusion."""


@dataclass(frozen=True)
class Drawn:
    """The pictures of a page, by the lesion's pseudonym."""

    pictures: dict[str, list[tuple[str, str]]]
    """Of the lesions that are pictured: (sequence, strip of slices as a data URI)."""
    shapes: dict[str, tuple[tuple[str, ...], str]]
    """Of all lesions: the names of the slices, and the box as a data URI."""


@dataclass(frozen=True)
class ExcludedLine:
    """One excluded lesion on the page."""

    lesion: str
    """Pseudonym."""
    patient: str
    """Pseudonym."""
    label: str
    reason: str


def contact_sheet(store: Cohort, most_pictured: int = MOST_PICTURED) -> str:
    """Return the page: self-contained HTML with pictures, pseudonyms and remarks, no identity.

    Raises
    ------
    CohortError
        A crop is missing or damaged.
    """
    seen = quality(store)
    rows, out = store.rows(), store.excluded()
    lines = consistency(rows, store.acquisitions(), store.splits(), seen.findings)
    excluded = [ExcludedLine(r.lesion, r.patient, CLASSES[r.label], why) for r, why in out]
    known = {r.lesion: r for r in (*rows, *(r for r, _ in out))}
    order = [x.lesion for e in lines for x in e.lesions] + [x.lesion for x in excluded]
    drawn = Drawn(
        pictures={k: strips(known[k], store.voxels(known[k])) for k in order[:most_pictured]},
        shapes={k: _shape(r) for k, r in known.items()},
    )
    return _render(store, seen, lines, excluded, drawn)


def _shape(row: Lesion) -> tuple[tuple[str, ...], str]:
    return slice_names(row.slices), frame(row)


def _render(
    store: Cohort,
    seen: Quality,
    lines: list[ExaminationLine],
    excluded: list[ExcludedLine],
    drawn: Drawn,
) -> str:
    """Return the page's template filled; every text is escaped but the page's own script."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = Path(__file__).with_name("contact_sheet.html").read_text("utf-8")
    script = Path(__file__).with_name("contact_sheet.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.from_string(template).render(
        counts=store.counts(),
        quality=seen,
        examinations=lines,
        excluded=excluded,
        looked=sum(e.suspicious for e in lines),
        hidden=len(drawn.shapes) - len(drawn.pictures),
        pictures=drawn.pictures,
        shapes=drawn.shapes,
        shown=SHOWN,
        reasons=REASONS,
        script=Markup(script),  # noqa: S704 - a file of this program
        script_digest=Markup(digest),  # noqa: S704 - of base64 alone
    )
