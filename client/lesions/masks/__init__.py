"""Masks of lesions: DICOM SEG, RTSTRUCT and NIfTI, all turned into points in the patient."""

from hepafed.client.lesions.masks.mask import Mask, MaskError, box_in
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
