"""NIfTI files: RAS millimetres turned into DICOM's LPS."""

import gzip
import math
import zlib
from io import BytesIO
from itertools import product
from pathlib import Path

import nibabel
import nibabel.spatialimages
import numpy as np
from hepafed.client.dicom.encoding import BrokenFileError, whole
from hepafed.client.lesions.masks.mask import LARGEST_GRID, Mask, MaskError, mask_of
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

MOST_APART = 0.5
"""Voxels by which the sform and the qform of one file may place a corner apart."""
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
GZIP = b"\x1f\x8b"
LARGEST_UNPACKED = 1 << 29
"""Bytes of a NIfTI file of an archive, unpacked twice if it is a `.nii.gz`."""
Shape = tuple[int, ...]
_BROKEN = (
    BrokenFileError,
    ImageFileError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    zlib.error,
    OverflowError,
)


def _open(
    path: Path, member: str = "", largest: int = LARGEST_UNPACKED
) -> tuple[nibabel.spatialimages.SpatialImage, Shape, NDArray[np.float64]]:
    image = _of_archive(path, member, largest) if member else nibabel.load(path)
    if not isinstance(image, nibabel.spatialimages.SpatialImage):
        raise MaskError("the NIfTI file is not an image")
    shape = tuple(int(n) for n in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    affine = RAS_TO_LPS @ np.asarray(image.affine, np.float64)
    _check_orientation(image, shape)
    if len(shape) != 3 or min(shape) < 1:
        raise MaskError("the NIfTI file is not three-dimensional")
    if math.prod(shape) > LARGEST_GRID:
        raise MaskError("the NIfTI file is too large")
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise MaskError("the NIfTI file's affine is not usable")
    return image, shape, affine


def _of_archive(path: Path, member: str, largest: int) -> nibabel.spatialimages.SpatialImage:
    """Return a NIfTI file of a zip archive; it is unpacked in memory, never to disk."""
    data = whole(path, member)
    if data.startswith(GZIP):
        with gzip.GzipFile(fileobj=BytesIO(data)) as stream:
            data = stream.read(largest + 1)
    if len(data) > largest:
        raise MaskError("the NIfTI file is too large")
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        header = kind.header_class
        if header.may_contain_header(data[: header.sizeof_hdr]):  # type: ignore[no-untyped-call]
            return kind.from_bytes(data)
    raise MaskError("the file states no orientation: it is not NIfTI-1 or NIfTI-2")


def _check_orientation(image: nibabel.spatialimages.SpatialImage, shape: Shape) -> None:
    """Refuse a file that states no orientation, or two that differ (NIfTI-1, methods 1 to 3).

    Libraries guess where both codes are 0, and choose differently where both are set.
    """
    header = image.header
    if not isinstance(header, nibabel.Nifti1Header):
        raise MaskError("the file states no orientation: it is not NIfTI-1 or NIfTI-2")
    sform, said_s = header.get_sform(coded=True)  # type: ignore[no-untyped-call]
    qform, said_q = header.get_qform(coded=True)  # type: ignore[no-untyped-call]
    if not said_s and not said_q:
        raise MaskError("the NIfTI file states no orientation (its sform and qform codes are 0)")
    if said_s and said_q and len(shape) == 3:
        corners = np.array([(*c, 1) for c in product(*((0, n - 1) for n in shape))], np.float64)
        apart = np.linalg.norm((corners @ (sform - qform).T)[:, :3], axis=1).max()
        if not apart <= MOST_APART * np.linalg.norm(sform[:3, :3], axis=0).min():
            raise MaskError("the NIfTI file's sform and qform contradict each other")


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


def read_grid(
    path: Path, member: str = "", largest: int = LARGEST_UNPACKED
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a 3-D NIfTI file: voxels float32 [i, j, k], affine [i, j, k, 1] → LPS mm.

    `member` is its name in the zip archive `path`, empty for a file of its own; `largest` the
    bytes to which a member may unpack.

    Raises
    ------
    MaskError
        As `read_frame`, or the voxels cannot be read.
    """
    try:
        image, shape, affine = _open(path, member, largest)
        voxels = np.asanyarray(image.dataobj)
        if voxels.dtype.kind not in "biuf":
            raise MaskError("the NIfTI file does not contain numbers of one channel")
        grid: NDArray[np.float32] = voxels.reshape(shape).astype(np.float32)
    except _BROKEN as e:
        raise MaskError(f"the NIfTI file cannot be read ({type(e).__name__})") from e
    return grid, affine


def read_nifti(path: Path, value: int | None, member: str = "") -> Mask:
    """Return the mask in a file; `value` picks one label of a label map.

    Raises
    ------
    MaskError
        As `read_grid`; the mask is empty; or it has several values and none was named.
    """
    voxels, affine = read_grid(path, member)
    if not np.isfinite(voxels).all():
        raise MaskError("the NIfTI file contains values that are not numbers")
    identity = bool((affine == RAS_TO_LPS).all())
    if value is None:
        values = np.unique(voxels[voxels != 0])
        if len(values) > 1:
            raise MaskError("the mask has several values; state one as mask_value")
        return mask_of(voxels != 0, affine, identity=identity)
    return mask_of(voxels == value, affine, identity=identity)
