"""Masks in NIfTI files: RAS millimetres turned into DICOM's LPS."""

import zlib
from pathlib import Path

import nibabel
import numpy as np
from hepafed.client.masks.mask import LARGEST_GRID, Mask, MaskError, mask_of
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_BROKEN = (ImageFileError, OSError, EOFError, ValueError, TypeError, zlib.error, OverflowError)


def read_grid(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Read a 3-D NIfTI file: voxels float32 [i, j, k], affine [i, j, k, 1] → LPS mm.

    Raises
    ------
    MaskError
        The file is no NIfTI, not 3-D, too large, or its affine is not invertible.
    """
    try:
        image = nibabel.load(path)
        shape = tuple(int(n) for n in image.shape)  # type: ignore[attr-defined]
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        affine = RAS_TO_LPS @ np.asarray(image.affine, np.float64)  # type: ignore[attr-defined]
        if len(shape) != 3 or min(shape) < 1:
            raise MaskError("the NIfTI file is not three-dimensional")
        if np.prod(np.array(shape, np.float64)) > LARGEST_GRID:
            raise MaskError("the NIfTI file is too large")
        if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise MaskError("the NIfTI file's affine is not usable")
        voxels = np.asanyarray(image.dataobj)  # type: ignore[attr-defined]
        if voxels.dtype.kind not in "biuf":
            raise MaskError("the NIfTI file does not hold numbers of one channel")
        grid: NDArray[np.float32] = voxels.reshape(shape).astype(np.float32)
    except _BROKEN as e:
        raise MaskError(f"the NIfTI file cannot be read ({type(e).__name__})") from e
    return grid, affine


def read_nifti(path: Path, value: int | None) -> Mask:
    """Read a mask; `value` picks one label of a label map.

    Raises
    ------
    MaskError
        As `read_grid`; the mask is empty; or it has several values and none was named.
    """
    voxels, affine = read_grid(path)
    if not np.isfinite(voxels).all():
        raise MaskError("the NIfTI file holds values that are no numbers")
    if value is None:
        values = np.unique(voxels[voxels != 0])
        if len(values) > 1:
            raise MaskError("the mask has several values, and no mask_value says which")
        return mask_of(voxels != 0, affine)
    return mask_of(voxels == value, affine)
