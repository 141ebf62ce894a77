"""Data sets as old archives export them: without a preamble, or without any file header."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.dicom.encoding.read import read_headers
from hepafed.client.dicom.encoding.reasons import SetAsideError
from hepafed.client.dicom.volumes.pixels import load_stack
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from tests.client.dicom.builder import axial, classic


def bare(ds: Dataset, *, explicit: bool, meta: bool) -> bytes:
    """Give a data set as old archives write it, without preamble, and without a file header."""
    out = BytesIO()
    if meta:
        whole = BytesIO()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dcmwrite(whole, ds, enforce_file_format=True)
        return whole.getvalue()[132:]
    dcmwrite(out, ds, implicit_vr=not explicit, little_endian=True, enforce_file_format=False)
    return out.getvalue()


@pytest.mark.parametrize("explicit", [False, True], ids=["implicit", "explicit"])
@pytest.mark.parametrize("group_length", [False, True], ids=["", "with group length"])
def test_a_data_set_without_a_file_header_is_read(
    tmp_path: Path, explicit: bool, group_length: bool
) -> None:
    ds = classic(axial())[1]
    del ds.file_meta
    content = bare(ds, explicit=explicit, meta=False)
    assert content[128:132] != b"DICM"
    if group_length:
        head = b"UL\x04\x00" if explicit else b"\x04\x00\x00\x00"
        content = b"\x08\x00\x00\x00" + head + b"\x00\x01\x00\x00" + content
    (tmp_path / "a").write_bytes(content)
    (found,) = read_headers(tmp_path / "a", "a")
    assert found.instance == str(ds.SOPInstanceUID)
    assert (load_stack([found])[0] == ds_pixels(ds)).all()


def ds_pixels(ds: Dataset) -> np.ndarray[Any, Any]:
    return np.frombuffer(ds.PixelData, np.uint16).reshape(ds.Rows, ds.Columns)


def test_a_file_header_without_a_preamble_is_read(tmp_path: Path) -> None:
    ds = classic(axial())[0]
    (tmp_path / "a").write_bytes(bare(ds, explicit=True, meta=True))
    (found,) = read_headers(tmp_path / "a", "a")
    assert found.transfer_syntax == ExplicitVRLittleEndian
    assert (load_stack([found])[0] == ds_pixels(ds)).all()


@pytest.mark.parametrize(
    "content",
    [
        b"\x08\x00\x05\x00" + b"words" * 100,
        b"\x08\x00\x05\x00\x04\x00\x00\x00abcd" + b"\x10\x00\x10\x00\x04\x00\x00\x00abcd" * 40,
        b"\x08\x00",
        b"\x02\x00\x00\x00" + bytes(400),
        b"\x10\x00\x10\x00" * 200,
    ],
    ids=["words", "no class", "cut", "an empty header", "group 16"],
)
def test_what_only_begins_like_a_data_set_is_no_dicom_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(SetAsideError, match="not a DICOM file"):
        read_headers(tmp_path / "a", "a")
