"""From a row of labels to its mask: the file named, or an object of the export that fits."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from hepafed.client.dicom.encoding import opened
from hepafed.client.dicom.volumes import Volume
from hepafed.client.lesions.labels import Label
from hepafed.client.lesions.masks import (
    Grid,
    Mask,
    MaskError,
    MaskFile,
    Structure,
    look_at,
    rasterise,
    read_nifti,
    read_seg,
    read_structure,
)


@dataclass(frozen=True)
class Outline:
    """A lesion's mask before it is known which volume it was drawn on."""

    content: Mask | Structure

    @property
    def images(self) -> frozenset[str]:
        """SOPInstanceUIDs that the mask refers to."""
        return self.content.images

    @property
    def series(self) -> frozenset[str]:
        """SeriesInstanceUIDs that the mask refers to."""
        return self.content.series

    @property
    def frame(self) -> str:
        """FrameOfReferenceUID of a mask in patient coordinates; empty for contours on slices."""
        return self.content.frame if isinstance(self.content, Mask) else ""

    def on(self, reference: Volume) -> Mask:
        """Return the mask, contours rasterised on `reference`; MaskError when they do not fit."""
        if isinstance(self.content, Mask):
            return self.content
        h = reference.headers[0]
        shape = (len(reference.headers), h.rows, h.columns)
        instances = tuple(x.instance for x in reference.headers)
        return rasterise(self.content, Grid(shape, reference.affine, instances))


def outline_of(row: Label, objects: Sequence[MaskFile]) -> Outline:
    """Return a row's mask: its mask_file, else the one object of the export that fits.

    `objects` are SEG and RTSTRUCT files of the row's examination.

    Raises
    ------
    MaskError
        No mask, several masks, or one that cannot be read.
    """
    if row.mask_file is not None:
        return _read(look_at(row.mask_file, row.mask_member), row)
    if not objects:
        raise MaskError("neither a box nor a mask_file, and no segmentation in the export")
    found: list[Outline] = []
    first: MaskError | None = None
    for file in objects:
        try:
            outline = _read(file, row)
        except MaskError as e:
            first = first or e
            continue
        if not row.series_uid or not outline.series or row.series_uid in outline.series:
            found.append(outline)
    if len(found) > 1:
        raise MaskError("several segmentations in the export match; name one as mask_file")
    if not found:
        raise first or MaskError("no segmentation in the export refers to its series")
    return found[0]


def _read(file: MaskFile, row: Label) -> Outline:
    if file.kind == "seg":
        return Outline(read_seg(file.path, row.mask_value, row.lesion_id, file.member))
    if file.kind == "rtstruct":
        return Outline(read_structure(file.path, row.mask_value, row.lesion_id, file.member))
    return Outline(read_nifti(file.path, row.mask_value, file.member))


def reference_frame(reference: Volume) -> str:
    """Return the FrameOfReferenceUID of a volume; "" when it has none.

    Raises
    ------
    MaskError
        The volume's first file cannot be read again.
    """
    h = reference.headers[0]
    try:
        with warnings.catch_warnings(), opened(Path(h.path), h.member) as (stream, _):
            warnings.simplefilter("ignore")  # pydicom's warnings may quote values
            ds = pydicom.dcmread(
                stream, stop_before_pixels=True, specific_tags=["FrameOfReferenceUID"], force=True
            )
            return str(ds.get("FrameOfReferenceUID", "") or "").strip()
    except Exception as e:  # it was readable a moment ago; the reason holds the kind alone
        raise MaskError(f"the header cannot be read again ({type(e).__name__})") from e
