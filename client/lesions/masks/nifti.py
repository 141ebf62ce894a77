"""NIfTI files: RAS millimetres turned into DICOM's LPS."""

import math
import zlib
from pathlib import Path

import nibabel
import nibabel.spatialimages
import numpy as np
from hepafed.client.lesions.masks.mask import LARGEST_GRID, Mask, MaskError, mask_of
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
Shape = tuple[int, ...]
_BROKEN = (ImageFileError, OSError, EOFError, ValueError, TypeError, zlib.error, OverflowError)


def _open(path: Path) -> tuple[nibabel.spatialimages.SpatialImage, Shape, NDArray[np.float64]]:
    image = nibabel.load(path)
    if not isinstance(image, nibabel.spatialimages.SpatialImage):
        raise MaskError("the NIfTI file is not an image")
    shape = tuple(int(n) for n in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    affine = RAS_TO_LPS @ np.asarray(image.affine, np.float64)
    if len(shape) != 3 or min(shape) < 1:
        raise MaskError("the NIfTI file is not three-dimensional")
    if math.prod(shape) > LARGEST_GRID:
        raise MaskError("the NIfTI file is too large")
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise MaskError("the NIfTI file's affine is not usable")
    return image, shape, affine


def read_frame(path: Path) -> tuple[Shape, NDArray[np.float64]]:
    """Return the header of a 3-D NIfTI file: shape [i, j, k], affine [i, j, k, 1] → LPS mm.

    Raises
    ------
    MaskError
        The file is no NIfTI, not 3-D, too large, or its affine is not invertible.
    """
    try:
        _, shape, affine = _open(path)
    except _BROKEN as e:
        raise MaskError(f"the NIfTI file cannot be read ({type(e).__name__})") from e
    return shape, affine


def read_grid(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a 3-D NIfTI file: voxels float32 [i, j, k], affine [i, j, k, 1] → LPS mm.

    Raises
    ------
    MaskError
        As `read_frame`, or the voxels cannot be read.
    """
    try:
        image, shape, affine = _open(path)
        voxels = np.asanyarray(image.dataobj)
        if voxels.dtype.kind not in "biuf":
            raise MaskError("the NIfTI file does not contain numbers of one channel")
        grid: NDArray[np.float32] = voxels.reshape(shape).astype(np.float32)
    except _BROKEN as e:
        raise MaskError(f"the NIfTI file cannot be read ({type(e).__name__})") from e
    return grid, affine


def read_nifti(path: Path, value: int | None) -> Mask:
    """Return the mask in a file; `value` picks one label of a label map.

    Raises
    ------
    MaskError
        As `read_grid`; the mask is empty; or it has several values and none was named.
    """
    voxels, affine = read_grid(path)
    if not np.isfinite(voxels).all():
        raise MaskError("the NIfTI file contains values that are not numbers")
    if value is None:
        values = np.unique(voxels[voxels != 0])
        if len(values) > 1:
            raise MaskError("the mask has several values; state one as mask_value")
        return mask_of(voxels != 0, affine)
    return mask_of(voxels == value, affine)
