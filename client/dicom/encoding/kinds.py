"""Which kinds of DICOM object are MR images, and what the others are."""

from collections.abc import Mapping

from hepafed.client.dicom.encoding.elements import Elements
from hepafed.client.dicom.encoding.reasons import BrokenFileError, SetAsideError

MR, ENHANCED_MR, LEGACY_MR = (
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.4.4",
)
OBJECTS: Mapping[str, str] = {
    "1.2.840.10008.1.3.10": "a directory of files (DICOMDIR)",
    "1.2.840.10008.5.1.4.1.1.7": "a secondary capture",
    "1.2.840.10008.5.1.4.1.1.4.2": "spectroscopy",
    "1.2.840.10008.5.1.4.1.1.4.3": "a colour MR image",
    "1.2.840.10008.5.1.4.1.1.11": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation: a label, not an image",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
    "1.2.840.10008.5.1.4.1.1.88": "a structured report",
    "1.2.840.10008.5.1.4.1.1.481.3": "a structure set: a label, not an image",
    "1.2.840.10008.5.1.4.1.1.104": "an encapsulated document",
}
"""SOP class, or the root of a family of them → what it is (DICOM PS3.4 B.5)."""


def judge_class(sop_class: str) -> None:
    """Set aside every kind of object that is no MR image.

    Raises
    ------
    SetAsideError
        It is none; the reason says what it is, where we know.
    """
    if sop_class in (MR, ENHANCED_MR, LEGACY_MR):
        return
    family = sop_class
    while family and family not in OBJECTS:
        family = family.rpartition(".")[0]
    raise SetAsideError(f"not an MR image: {OBJECTS.get(family, 'another kind of object')}")


def judge_kind(meta: Elements, top: Elements) -> None:
    """Set aside what is no MR image; refuse what is not to be looked at."""
    sop_class = top.text(0x00080016) or meta.text(0x00020002)
    if not sop_class and top.text(0x00080060) == "MR" and top.pixel_tag:
        raise BrokenFileError("the kind of object (SOP class) is missing")
    judge_class(sop_class)
    if top.text(0x00080060) != "MR":
        raise SetAsideError("not an MR image: the modality is not MR")
    if top.text(0x00280301) == "YES":
        raise BrokenFileError("text is burned into the pixels (BurnedInAnnotation)")
    if not top.pixel_tag:
        raise BrokenFileError("an MR image without pixels")
