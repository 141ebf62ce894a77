"""Masks of lesions: DICOM SEG, RTSTRUCT and NIfTI, all turned into points in the patient."""
