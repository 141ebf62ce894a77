"""Masks in DICOM Segmentation objects (PS3.3 A.51 and the label maps of A.51.9), by highdicom."""

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from hepafed.client.dicom.encoding import opened
from hepafed.client.lesions.masks.mask import LARGEST_GRID, Mask, MaskError, mask_of
from hepafed.common.errors import HepaFedError
from pydicom.dataset import Dataset

FRACTION_INSIDE = 0.5
"""Share of a voxel from which a fractional segmentation counts as inside."""


def read_seg(path: Path, value: int | None, name: str, member: str = "") -> Mask:
    """Return one segment: by its number, else by its label (the lesion's id), else the only one.

    Raises
    ------
    MaskError
        The object is broken, too large or of another kind; the segment is not clear or is empty.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings may quote values
        try:
            with opened(path, member) as (stream, _):
                content = BytesIO(stream.read())
            return _read(content, value, name)
        except HepaFedError:
            raise
        except Exception as e:  # a broken object can fail in any way inside the readers
            raise MaskError(f"the segmentation cannot be read ({type(e).__name__})") from e


def _read(content: BytesIO, value: int | None, name: str) -> Mask:
    from highdicom.seg import segread

    _check(pydicom.dcmread(content, stop_before_pixels=True))
    content.seek(0)
    segmentation = segread(content)
    number = _segment(segmentation, value, name)
    volume = segmentation.get_volume(
        segment_numbers=[number], combine_segments=False, rescale_fractional=True
    )
    inside = np.asarray(volume.array)[..., 0] >= FRACTION_INSIDE
    affine = np.asarray(volume.affine, np.float64)
    uids = list(segmentation.get_source_image_uids())
    return mask_of(
        inside,
        affine,
        frame=str(volume.frame_of_reference_uid or ""),
        images=frozenset(str(u[2]) for u in uids),
        series=frozenset(str(u[1]) for u in uids),
    )


def _check(header: Dataset) -> None:
    """Bound the size before anything is decoded; one-bit frames in RLE abort GDCM (no reason)."""
    frames = int(header.get("NumberOfFrames", 1) or 1)
    segments = len(header.get("SegmentSequence") or ())
    if int(header.Rows) * int(header.Columns) * frames > LARGEST_GRID:
        raise MaskError("the segmentation is too large")
    if not 0 < segments <= 65535:
        raise MaskError("the segmentation has no segments")
    syntax = header.file_meta.TransferSyntaxUID
    if int(header.get("BitsAllocated", 1)) == 1 and syntax.is_compressed and not syntax.is_deflated:
        raise MaskError("the segmentation's one-bit frames are compressed; export it uncompressed")


def _segment(segmentation: Dataset, value: int | None, name: str) -> int:
    labels = {int(s.SegmentNumber): str(s.SegmentLabel) for s in segmentation.SegmentSequence}
    if value is not None:
        if value not in labels:
            raise MaskError("the segmentation has no segment of this mask_value")
        return value
    named = [n for n, text in labels.items() if text.strip().casefold() == name.casefold()]
    if len(named) == 1:
        return named[0]
    if len(labels) > 1:
        raise MaskError("the mask has several segments; state one as mask_value")
    return next(iter(labels))
