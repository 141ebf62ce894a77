"""The DICOM attributes that HepaFed reads, each with its value representation; no other is."""

from typing import Final

SEQUENCE: Final = "SQ"

STANDARD: Final[dict[int, str]] = {
    0x00020002: "UI",  # MediaStorageSOPClassUID
    0x00020010: "UI",  # TransferSyntaxUID
    0x00080008: "CS",  # ImageType
    0x00080016: "UI",  # SOPClassUID
    0x00080018: "UI",  # SOPInstanceUID
    0x00080022: "DA",  # AcquisitionDate
    0x00080023: "DA",  # ContentDate
    0x0008002A: "DT",  # AcquisitionDateTime
    0x00080032: "TM",  # AcquisitionTime
    0x00080033: "TM",  # ContentTime
    0x00080060: "CS",  # Modality
    0x00080070: "LO",  # Manufacturer
    0x0008103E: "LO",  # SeriesDescription
    0x00089007: "CS",  # FrameType
    0x00089208: "CS",  # ComplexImageComponent
    0x00089209: "CS",  # AcquisitionContrast
    0x00100020: "LO",  # PatientID
    0x00180010: "LO",  # ContrastBolusAgent
    0x00180012: SEQUENCE,  # ContrastBolusAgentSequence
    0x00180020: "CS",  # ScanningSequence
    0x00180021: "CS",  # SequenceVariant
    0x00180022: "CS",  # ScanOptions
    0x00180023: "CS",  # MRAcquisitionType
    0x00180024: "SH",  # SequenceName
    0x00180050: "DS",  # SliceThickness
    0x00180080: "DS",  # RepetitionTime
    0x00180081: "DS",  # EchoTime
    0x00180082: "DS",  # InversionTime
    0x00180087: "DS",  # MagneticFieldStrength
    0x00180091: "IS",  # EchoTrainLength
    0x00181030: "LO",  # ProtocolName
    0x00181042: "TM",  # ContrastBolusStartTime
    0x00181060: "DS",  # TriggerTime
    0x00181314: "DS",  # FlipAngle
    0x00189005: "SH",  # PulseSequenceName
    0x00189008: "CS",  # EchoPulseSequence
    0x00189009: "CS",  # InversionRecovery
    0x00189018: "CS",  # EchoPlanarPulseSequence
    0x00189074: "DT",  # FrameAcquisitionDateTime
    0x00189075: "CS",  # DiffusionDirectionality
    0x00189076: SEQUENCE,  # DiffusionGradientDirectionSequence
    0x00189079: "FD",  # InversionTimes
    0x00189082: "FD",  # EffectiveEchoTime
    0x00189087: "FD",  # DiffusionBValue
    0x00189089: "FD",  # DiffusionGradientOrientation
    0x00189112: SEQUENCE,  # MRTimingAndRelatedParametersSequence
    0x00189114: SEQUENCE,  # MREchoSequence
    0x00189115: SEQUENCE,  # MRModifierSequence
    0x00189117: SEQUENCE,  # MRDiffusionSequence
    0x00189226: SEQUENCE,  # MRImageFrameTypeSequence
    0x00189341: SEQUENCE,  # ContrastBolusUsageSequence
    0x00189342: "CS",  # ContrastBolusAgentAdministered
    0x0020000D: "UI",  # StudyInstanceUID
    0x0020000E: "UI",  # SeriesInstanceUID
    0x00200011: "IS",  # SeriesNumber
    0x00200012: "IS",  # AcquisitionNumber
    0x00200013: "IS",  # InstanceNumber
    0x00200032: "DS",  # ImagePositionPatient
    0x00200037: "DS",  # ImageOrientationPatient
    0x00200100: "IS",  # TemporalPositionIdentifier
    0x00200105: "IS",  # NumberOfTemporalPositions
    0x00204000: "LT",  # ImageComments
    0x00209111: SEQUENCE,  # FrameContentSequence
    0x00209113: SEQUENCE,  # PlanePositionSequence
    0x00209116: SEQUENCE,  # PlaneOrientationSequence
    0x00209128: "UL",  # TemporalPositionIndex
    0x00280002: "US",  # SamplesPerPixel
    0x00280004: "CS",  # PhotometricInterpretation
    0x00280008: "IS",  # NumberOfFrames
    0x00280010: "US",  # Rows
    0x00280011: "US",  # Columns
    0x00280030: "DS",  # PixelSpacing
    0x00280100: "US",  # BitsAllocated
    0x00280101: "US",  # BitsStored
    0x00280102: "US",  # HighBit
    0x00280103: "US",  # PixelRepresentation
    0x00280301: "CS",  # BurnedInAnnotation
    0x00281052: "DS",  # RescaleIntercept
    0x00281053: "DS",  # RescaleSlope
    0x00282110: "CS",  # LossyImageCompression
    0x00289110: SEQUENCE,  # PixelMeasuresSequence
    0x00289145: SEQUENCE,  # PixelValueTransformationSequence
    0x52009229: SEQUENCE,  # SharedFunctionalGroupsSequence
    0x52009230: SEQUENCE,  # PerFrameFunctionalGroupsSequence
}
"""Tag → value representation (DICOM PS3.6), used where the file states none or UN."""

PRIVATE: Final[dict[int, dict[str, dict[int, tuple[str, str]]]]] = {
    0x0019: {
        "SIEMENS MR HEADER": {
            0x0C: ("siemens_b", "IS"),
            0x0D: ("siemens_directionality", "CS"),
            0x0E: ("siemens_direction", "FD"),
        },
        "GEMS_ACQU_01": {
            0xBB: ("ge_x", "DS"),
            0xBC: ("ge_y", "DS"),
            0xBD: ("ge_z", "DS"),
        },
    },
    0x0043: {"GEMS_PARM_01": {0x30: ("ge_collapse", "IS"), 0x39: ("ge_b", "IS")}},
    0x0065: {
        "IMAGE PRIVATE HEADER": {
            0x09: ("uih_b", "FD"),
            0x37: ("uih_direction", "FD"),
            0x50: ("uih_grid", "DS"),
        },
    },
    0x2001: {
        "PHILIPS IMAGING DD 001": {
            0x03: ("philips_b", "FL"),
            0x04: ("philips_directionality", "CS"),
        },
    },
    0x2005: {
        "PHILIPS MR IMAGING DD 001": {
            0x0E: ("philips_scale_slope", "FL"),
            0xB0: ("philips_x", "FL"),
            0xB1: ("philips_y", "FL"),
            0xB2: ("philips_z", "FL"),
        },
    },
}
"""Group → private creator (upper case) → low byte of the element → (our name, representation).

A PACS may move a private block (DICOM PS3.5 7.8.1), so elements are found by their creator; where
a de-identifier removed the creator, the block that the vendor always uses (0010) is assumed.
"""
