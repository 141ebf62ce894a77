"""The files of crops: one lesion's voxels each, named by its SHA-256 and held to that name.

A file is NumPy's format, version 1.0: float16 [sequences, slices, 160, 160].
"""

import hashlib
import io
from collections.abc import Collection
from pathlib import Path

import numpy as np
from hepafed.client.cohort.records import SIDE, Lesion
from hepafed.common.errors import CohortError
from hepafed.common.files import write_whole
from numpy.typing import NDArray

DAMAGED = "a crop is missing or damaged"
HINT = "client check names it; run client ingest again"


def write_crop(folder: Path, voxels: NDArray[np.float16]) -> str:
    """Write voxels [sequences, slices, 160, 160] and return their digest.

    Raises
    ------
    CohortError
        They are not finite numbers of the store's size.
    """
    if voxels.ndim != 4 or voxels.shape[2:] != (SIDE, SIDE) or not np.isfinite(voxels).all():
        raise CohortError("a crop is not finite numbers of the store's size")
    out = io.BytesIO()
    np.lib.format.write_array(out, voxels, version=(1, 0), allow_pickle=False)
    digest = hashlib.sha256(out.getvalue()).hexdigest()
    if not is_whole(folder, digest):
        write_whole(_path(folder, digest), out.getvalue(), private=True)
    return digest


def read_crop(folder: Path, lesion: Lesion) -> NDArray[np.float16]:
    """Read a lesion's voxels [sequences, slices, 160, 160].

    Raises
    ------
    CohortError
        The file is missing, is not the one of that name, or has another shape.
    """
    try:
        made = np.load(io.BytesIO(_content(folder, lesion.crop)), allow_pickle=False)
    except ValueError as e:
        raise CohortError(DAMAGED, HINT) from e
    shape = (len(lesion.sequences.split(",")), lesion.slices, SIDE, SIDE)
    if made.dtype != np.float16 or made.shape != shape:
        raise CohortError(DAMAGED, HINT)
    return np.asarray(made)


def is_whole(folder: Path, digest: str) -> bool:
    """Return whether a crop is there and undamaged."""
    try:
        _content(folder, digest)
    except CohortError:
        return False
    return True


def sweep(folder: Path, named: Collection[str]) -> None:
    """Remove every file that is not a crop of these digests."""
    for path in folder.iterdir():
        if path.suffix != ".npy" or path.stem not in named:
            path.unlink(missing_ok=True)


def _path(folder: Path, digest: str) -> Path:
    return folder / f"{digest}.npy"


def _content(folder: Path, digest: str) -> bytes:
    """Read a crop's file and hold it to its name."""
    try:
        content = _path(folder, digest).read_bytes()
    except OSError as e:
        raise CohortError(DAMAGED, HINT) from e
    if hashlib.sha256(content).hexdigest() != digest:
        raise CohortError(DAMAGED, HINT)
    return content
