"""The same picture under two patients' names: found by content, whatever its header says.

A re-export has other identifiers, may be mirrored, and its grey values may be scaled. So a crop
is reduced to the magnitudes of its low cosine frequencies: mirroring changes only their signs,
scaling only their common factor. Near neighbours among these short descriptors (a k-d tree, not
all pairs) are then compared by the correlation of their fine detail, which two different livers
do not share however alike the lesions are.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, irfft2, rfft2
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

COARSE = 32
"""Pixels of a side from which the descriptor is made."""
FINE = 80
"""Pixels of a side at which detail is compared."""
FREQUENCIES = 8
"""Cosine frequencies along each side."""
NEAR = 0.2
"""Distance of two descriptors (unit vectors) from which a pair is looked at more closely."""
SAME = 0.8
"""Correlation of detail from which two pictures are the same."""
SMOOTH = 2.0
"""Pixels (of `FINE`): what is coarser is no detail."""
SHIFT = 6
"""Pixels (of `FINE`) by which one may be shifted: boxes are drawn by hand."""
NOTHING = 1e-6
"""Length below which a picture has no detail."""
REMEMBERED = 4096
"""Number of details that are kept in memory."""
KEPT = 12
"""Coordinates of a descriptor that the tree is made of; the rest is checked on what it finds."""


def describe(picture: NDArray[np.float16]) -> NDArray[np.float32] | None:
    """Return the descriptor of a square picture: a unit vector [63].

    Mirroring and scaling leave it as it is. A picture without any detail has none.
    """
    small = _smaller(np.asarray(picture, np.float32), COARSE)
    magnitudes = np.abs(dctn(small, norm="ortho")[:FREQUENCIES, :FREQUENCIES]).ravel()[1:]
    length = float(np.linalg.norm(magnitudes))
    if length < NOTHING or detail_of(picture) is None:
        return None
    made: NDArray[np.float32] = (magnitudes / length).astype(np.float32)
    return made


def detail_of(picture: NDArray[np.float16]) -> NDArray[np.float32] | None:
    """Return a picture's detail, [80, 80], zero mean and unit norm; None when there is none."""
    fine = _smaller(np.asarray(picture, np.float32), FINE)
    fine = fine - gaussian_filter(fine, SMOOTH)
    fine = fine - fine.mean()
    length = float(np.linalg.norm(fine))
    return None if length < NOTHING else fine / length


def _smaller(picture: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return averages of blocks of pixels; the side must divide the picture's."""
    step = picture.shape[0] // side
    made: NDArray[np.float32] = picture.reshape(side, step, side, step).mean(axis=(1, 3))
    return made


def same_pictures(
    descriptors: Sequence[NDArray[np.float32]],
    owners: Sequence[str],
    picture: Callable[[int], NDArray[np.float16]],
    compare: Callable[[NDArray[np.float32], NDArray[np.float32]], float] | None = None,
) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of the same picture under two owners, and the correlation of their detail.

    `picture` is asked for those pictures alone that have a near neighbour, `compare` (by itself
    `detail_alike`) for those pairs alone.
    """
    if len(descriptors) < 2:
        return
    coarse = np.stack(descriptors).astype(np.float64)
    kept = np.argsort(coarse.var(axis=0))[::-1][:KEPT]
    pairs = cKDTree(coarse[:, kept]).query_pairs(NEAR, output_type="ndarray")
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]

    @lru_cache(maxsize=REMEMBERED)
    def detail(n: int) -> NDArray[np.float32] | None:
        return detail_of(picture(n))

    for a, b in pairs.tolist():
        if owners[a] == owners[b] or np.linalg.norm(coarse[a] - coarse[b]) > NEAR:
            continue
        first, second = detail(a), detail(b)
        if first is not None and second is not None:
            alike = (compare or detail_alike)(first, second)
            if alike > SAME:
                yield a, b, round(alike, 3)


def detail_alike(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the highest correlation of two details.

    The second is taken as it is and mirrored, shifted by `SHIFT` at most.
    The correlations at every shift come from one product of Fourier transforms, so a box drawn
    a little elsewhere hides nothing.
    """
    first = rfft2(a)
    best = 0.0
    for view in (b, b[::-1], b[:, ::-1], b[::-1, ::-1]):
        at = irfft2(first * np.conj(rfft2(view)), s=a.shape)
        near = np.roll(at, (SHIFT, SHIFT), axis=(0, 1))[: 2 * SHIFT + 1, : 2 * SHIFT + 1]
        best = max(best, float(near.max()))
    return best
