"""Pictures of a lesion for a page: each sequence as a strip of its slices, and the lesion's box."""

import base64
import io

import numpy as np
from hepafed.client.cohort import SIDE, Lesion, box_in_crop, measurements_from
from hepafed.common.contract import SEQUENCES
from numpy.typing import NDArray
from PIL import Image

SHOWN = 112
"""Pixels of a slice's side on the page."""
WINDOW = (1.0, 99.0)
"""Percentiles of a sequence's slices that become black and white."""
QUALITY = 75
"""Of the JPEG: a strip of three slices is about 6 kB."""
FRAME = "#ffd400"
SLICES = {1: ("centre",), 3: ("before", "centre", "after")}
"""Names of a crop's slices; of two none is the centre."""


def slice_names(slices: int) -> tuple[str, ...]:
    """Return what the slices of a crop are called, from the first to the last of the box."""
    return SLICES.get(slices) or tuple(f"slice {n}" for n in range(1, slices + 1))


def strips(row: Lesion, voxels: NDArray[np.float16]) -> list[tuple[str, str]]:
    """Return each sequence of a crop [sequences, slices, 160, 160], and its strip's data URI.

    They are in the order of `SEQUENCES`: the phases stand in the order of the contrast agent.
    """
    there = row.sequences.split(",")
    return [(s, strip(voxels[there.index(s)])) for s in sorted(there, key=SEQUENCES.index)]


def strip(slices: NDArray[np.float16]) -> str:
    """Return the slices [slices, 160, 160] of one sequence, one below the other, as a JPEG.

    All have the same grey values for the same intensities, so that they can be compared.
    """
    values = slices.astype(np.float32).reshape(-1, SIDE)
    low, high = np.percentile(values, WINDOW)
    grey = np.rint(np.clip((values - low) / max(float(high - low), 1e-6), 0, 1) * 255)
    size = (SHOWN, SHOWN * len(slices))
    image = Image.fromarray(grey.astype(np.uint8)).resize(size, Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return _data_uri("jpeg", out.getvalue())


def frame(row: Lesion) -> str:
    """Return the lesion's box as a picture that lies over one slice; "" where no box is known."""
    size = measurements_from(row.facts).size
    if not size:
        return ""
    width, height = (SHOWN * share for share in box_in_crop(size))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SHOWN} {SHOWN}" '
        f'width="{SHOWN}" height="{SHOWN}"><rect x="{(SHOWN - width) / 2:.1f}" '
        f'y="{(SHOWN - height) / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="none" stroke="{FRAME}"/></svg>'
    )
    return _data_uri("svg+xml", svg.encode())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()
