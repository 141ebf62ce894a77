"""Which kind of mask a file is, and the mask of one lesion in it."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import pydicom
from hepafed.client.dicom.encoding import opened
from hepafed.client.lesions.masks.mask import MaskError
from pydicom.errors import InvalidDicomError

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Segmentation Storage, Label Map Segmentation Storage."""
RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
OBJECT_CLASSES = (*SEG_CLASSES, RTSTRUCT_CLASS)
"""Objects of an export in which lesions may be outlined."""
_TAGS = ["SOPClassUID", "PatientID", "StudyInstanceUID"]


@dataclass(frozen=True)
class MaskFile:
    """A file with masks; identities stay in memory."""

    path: Path
    kind: str
    """`seg`, `rtstruct` or `nifti`."""
    patient_id: str = ""
    study_uid: str = ""
    member: str = ""
    """Name inside the zip archive `path`; empty for a file of its own."""


def look_at(path: Path, member: str = "") -> MaskFile:
    """Return what kind of mask file this is, by its content.

    Raises
    ------
    MaskError
        It is neither DICOM SEG, RTSTRUCT nor NIfTI.
    """
    try:
        with warnings.catch_warnings(), opened(path, member) as (stream, _):
            warnings.simplefilter("ignore")  # pydicom's warnings may quote values
            ds = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=_TAGS)
            sop_class = str(ds.get("SOPClassUID", ""))
            who, study = str(ds.get("PatientID", "")), str(ds.get("StudyInstanceUID", ""))
    except InvalidDicomError:
        if (member or path.name).endswith((".nii", ".nii.gz")):
            return MaskFile(path, "nifti", member=member)
        raise MaskError("the mask is neither DICOM SEG, RTSTRUCT nor NIfTI") from None
    except Exception as e:  # a broken file can fail in any way inside the parser
        raise MaskError(f"the mask cannot be read ({type(e).__name__})") from e
    if sop_class in SEG_CLASSES:
        return MaskFile(path, "seg", who.strip(), study.strip(), member)
    if sop_class == RTSTRUCT_CLASS:
        return MaskFile(path, "rtstruct", who.strip(), study.strip(), member)
    raise MaskError("the mask is a DICOM file, but neither SEG nor RTSTRUCT")
