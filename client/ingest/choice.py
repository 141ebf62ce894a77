"""Which volume of an examination is cropped for each sequence; none where nothing decides.

What the labels name comes first, then what fits the lesions' own slices, what was acquired rather
than computed, what nothing speaks against, and what shows most. Of several phases of one name the
one nearest to its usual time after injection is taken. Volumes that all of this leaves equal are
told apart by when they were acquired: a repeated acquisition is taken for the better one, and the
last of several arterial phases for the late arterial one. Nothing else decides, no order of files
or identifiers.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from hepafed.client.dicom.roles import is_computed
from hepafed.client.dicom.volumes import Volume, is_direction
from hepafed.client.lesions import LocatedLesion
from hepafed.common.contract import SEQUENCES
from numpy.typing import NDArray

PARALLEL = 20.0
"""Degrees by which slices may be tilted against a lesion's and still count as the same way."""
SAME_B = 0.05
"""Share by which b-values of one nominal value may differ (995, 1000, 1005)."""
LEAST_B = 100.0
"""s/mm²; with less an image is hardly diffusion-weighted."""
USUAL: Final = {"arterial": 35.0, "portal": 70.0, "delayed": 180.0, "hepatobiliary": 1200.0}
"""Seconds after injection at which a phase is usually acquired (LI-RADS v2018: late arterial)."""


def choose(
    volumes: Sequence[Volume], lesions: Sequence[LocatedLesion]
) -> tuple[dict[str, Volume], dict[str, str]]:
    """Return the volume of each sequence, in the vocabulary's order.

    The second part are the sequences for which nothing decides between their volumes, and why.
    """
    chosen: dict[str, Volume] = {}
    undecided: dict[str, str] = {}
    for sequence in SEQUENCES:
        found = [v for v in volumes if v.sequence == sequence]
        if not found:
            continue
        left, reason = _narrowed(found, lesions)
        if len(left) == 1:
            chosen[sequence] = left[0]
        else:
            undecided[sequence] = f"{sequence} left out: {len(found)} volumes, {reason}"
    return chosen, undecided


def _narrowed(found: list[Volume], lesions: Sequence[LocatedLesion]) -> tuple[list[Volume], str]:
    """Return what is left of the volumes of one sequence; if not one volume, why."""
    own = [x.reference for x in lesions if _is_named(x)]
    named = {v.series_uid for v in own if v.sequence == found[0].sequence}
    normals = [_normal(x.reference) for x in lesions]
    left = _best(found, lambda v: v.series_uid in named)
    left = _best(left, lambda v: all(_parallel(_normal(v), n) for n in normals))
    left = _best(left, lambda v: not is_computed(v.headers[0].image_type))
    if found[0].sequence == "dwi":
        left, reason = _weighted(left)
        if reason:
            return left, reason
    left = _best(left, lambda v: -len(v.doubts))
    left = _best(left, lambda v: len(v.headers))
    usual = USUAL.get(found[0].sequence)
    if usual is not None and all(v.after_injection is not None for v in left):
        left = _best(left, lambda v: -abs((v.after_injection or 0.0) - usual))
    times = [v.headers[0].acquired for v in left]
    if None not in times:
        left = _best(left, lambda v: v.headers[0].acquired or 0.0)
    return left, "and nothing decides; set the others aside in sequences.toml"


def _weighted(left: list[Volume]) -> tuple[list[Volume], str]:
    """Return the diffusion volumes of the highest b-value; none, and why, where that is unsure."""
    if len(left) > 1 and any(v.b_value is None for v in left):
        return [], "and their b-values are not all known"
    highest = max(v.b_value or 0.0 for v in left)
    if highest < LEAST_B and left[0].b_value is not None:
        return [], f"and none has a b-value of {LEAST_B:g} or more"
    left = [v for v in left if (v.b_value or 0.0) >= (1 - SAME_B) * highest]
    if len(left) > 1 and any(map(is_direction, left)):
        return [], "and single diffusion directions among them cannot be combined"
    return left, ""


def _is_named(lesion: LocatedLesion) -> bool:
    """Return whether the labels say on which series a lesion was drawn."""
    mask = lesion.mask
    return bool(lesion.label.series_uid or (mask is not None and (mask.images or mask.series)))


def _best(volumes: list[Volume], worth: Callable[[Volume], float]) -> list[Volume]:
    highest = max(worth(v) for v in volumes)
    return [v for v in volumes if worth(v) == highest]


def _normal(volume: Volume) -> NDArray[np.float64]:
    normal: NDArray[np.float64] = np.cross(volume.affine[:3, 0], volume.affine[:3, 1])
    return normal / np.linalg.norm(normal)


def _parallel(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return abs(float(a @ b)) >= math.cos(math.radians(PARALLEL))
