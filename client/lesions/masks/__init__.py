"""Masks of lesions: DICOM SEG, RTSTRUCT and NIfTI, all turned into points in the patient."""

from importlib import import_module
from typing import TYPE_CHECKING

from hepafed.client.lesions.masks.mask import Mask, MaskError, box_in

if TYPE_CHECKING:
    from hepafed.client.lesions.masks.nifti import read_frame, read_grid, read_nifti
    from hepafed.client.lesions.masks.read import MaskFile, look_at
    from hepafed.client.lesions.masks.rtstruct import Grid, Structure, rasterise, read_structure
    from hepafed.client.lesions.masks.seg import read_seg

__all__ = [
    "Grid",
    "Mask",
    "MaskError",
    "MaskFile",
    "Structure",
    "box_in",
    "look_at",
    "rasterise",
    "read_frame",
    "read_grid",
    "read_nifti",
    "read_seg",
    "read_structure",
]

LATE = {
    **dict.fromkeys(("read_frame", "read_grid", "read_nifti"), "nifti"),
    **dict.fromkeys(("MaskFile", "look_at"), "read"),
    **dict.fromkeys(("Grid", "Structure", "rasterise", "read_structure"), "rtstruct"),
    "read_seg": "seg",
}
"""Names whose modules load pydicom or nibabel: imported where a mask is read, not before."""


def __getattr__(name: str) -> object:
    """Import a late name's module when the name is first asked for (PEP 562)."""
    if name not in LATE:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{LATE[name]}"), name)
