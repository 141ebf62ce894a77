"""Reading DICOM: headers, sequences, geometry, volumes."""
