"""One-bit frames that are compressed are refused before a decoder sees them; others are read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hepafed.client.lesions.masks.mask import MaskError
from hepafed.client.lesions.masks.seg import read_seg
from pydicom.uid import RLELossless

Make = Callable[..., Any]


def test_compressed_frames_of_eight_bits_are_read(
    tmp_path: Path, examination: Make, write_seg: Make
) -> None:
    exam = examination()
    t2, inside = exam.volume("t2"), exam.inside("t2")
    whole = write_seg(tmp_path / "bits.dcm", t2, {"L1": inside})
    source = pydicom.dcmread(whole)
    fractional = hd.seg.Segmentation(
        source_images=[pydicom.dcmread(h.path) for h in t2.headers],
        pixel_array=inside.astype(np.float32),
        segmentation_type=hd.seg.SegmentationTypeValues.FRACTIONAL,
        segment_descriptions=list(source.SegmentSequence),
        series_instance_uid=pydicom.uid.generate_uid(),
        series_number=9,
        sop_instance_uid=pydicom.uid.generate_uid(),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
        transfer_syntax_uid=RLELossless,
    )
    fractional.save_as(tmp_path / "bytes.dcm")
    made = read_seg(tmp_path / "bytes.dcm", None, "")
    assert np.array_equal(made.points, read_seg(whole, None, "").points)
    assert made.series == {t2.series_uid}
    assert made.images <= {h.instance for h in t2.headers}


def test_compressed_frames_of_one_bit_are_refused(
    tmp_path: Path, examination: Make, write_seg: Make
) -> None:
    exam = examination()
    path = write_seg(tmp_path / "s.dcm", exam.volume("t2"), {"L1": exam.inside("t2")})
    broken = pydicom.dcmread(path)
    broken.file_meta.TransferSyntaxUID = RLELossless
    broken.PixelData = pydicom.encaps.encapsulate([b"\0" * 64] * int(broken.NumberOfFrames))
    broken["PixelData"].is_undefined_length = True
    broken.save_as(tmp_path / "rle.dcm")
    with pytest.raises(MaskError, match="one-bit frames are compressed"):
        read_seg(tmp_path / "rle.dcm", None, "")
