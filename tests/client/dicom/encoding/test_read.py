"""Reading a file's header: as little as is needed, in the encoding that the bytes show."""

import struct
import zlib
from pathlib import Path

import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.read import read_headers
from hepafed.client.dicom.encoding.reasons import BrokenFileError, SetAsideError
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from tests.client.dicom.builder import axial, classic, encoded


def dataset() -> Dataset:
    return classic(axial())[1]


def read(folder: Path, data: bytes) -> Header:
    (folder / "x").write_bytes(data)
    (header,) = read_headers(folder / "x", "shown/x")
    return header


@pytest.mark.parametrize("length", [0, 10, 131, 132])
def test_what_is_no_dicom_file_is_set_aside(tmp_path: Path, length: int) -> None:
    with pytest.raises(SetAsideError, match="not a DICOM file"):
        read(tmp_path, bytes(length))


def test_the_signature_stands_behind_128_bytes_of_anything(tmp_path: Path) -> None:
    data = encoded(dataset())
    assert read(tmp_path, b"\xff" * 128 + data[128:]).rows == 6
    with pytest.raises(SetAsideError, match="not a DICOM file"):
        read(tmp_path, data[:128] + b"DICX" + data[132:])


def test_a_header_knows_its_file_by_both_names(tmp_path: Path) -> None:
    h = read(tmp_path, encoded(dataset()))
    assert (h.path, h.name, h.member) == (str(tmp_path / "x"), "shown/x", "")


def without_syntax(data: bytes, syntax: str) -> bytes:
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value
    assert element in data
    return data.replace(element, b"")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_file_that_names_no_syntax_has_the_one_that_its_bytes_show(
    tmp_path: Path, syntax: str
) -> None:
    h = read(tmp_path, without_syntax(encoded(dataset(), syntax), syntax))
    assert (h.transfer_syntax, h.rows, h.native) == (syntax, 6, True)


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_the_pixels_are_where_the_header_says(tmp_path: Path, syntax: str) -> None:
    data = encoded(dataset(), syntax)
    h = read(tmp_path, data)
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    expected = axial().voxels[1].astype(order).tobytes()
    assert data[h.pixel_offset : h.pixel_offset + 60] == expected
    assert (h.transfer_syntax, h.big) == (syntax, syntax == ExplicitVRBigEndian)


def deflated(data: bytes) -> tuple[bytes, bytes]:
    """Give the bytes in front of a deflated data set and the inflated data set."""
    start = 144 + int.from_bytes(data[140:144], "little")
    return data[:start], zlib.decompress(data[start:], -zlib.MAX_WBITS)


def test_a_deflated_files_pixels_lie_in_its_inflated_data_set(tmp_path: Path) -> None:
    data = encoded(dataset(), DeflatedExplicitVRLittleEndian)
    h = read(tmp_path, data)
    front, body = deflated(data)
    assert (front + body)[h.pixel_offset :][:60] == axial().voxels[1].astype("<u2").tobytes()


def test_a_deflated_files_pixels_are_counted_in_its_inflated_data_set(tmp_path: Path) -> None:
    front, body = deflated(encoded(dataset(), DeflatedExplicitVRLittleEndian))
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    cut = front + engine.compress(body[:-2]) + engine.flush()
    with pytest.raises(BrokenFileError):
        read(tmp_path, cut)


@pytest.mark.parametrize("before", [1 << 16, (1 << 20) - 3000, 1 << 20, 3 << 20])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_header_that_goes_on_is_read_on(tmp_path: Path, before: int, syntax: str) -> None:
    ds = dataset()
    generator = (b"%08d" % (n * 7919 % 100_000_000) for n in range(before // 8))
    ds.add_new(0x00091001, "OB", b"".join(generator))
    h = read(tmp_path, encoded(ds, syntax))
    assert (h.rows, h.number) == (6, 2)


def test_another_kind_of_object_is_known_before_its_data_set_is_read(tmp_path: Path) -> None:
    ds = dataset()
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66"
    data = encoded(ds)
    start = 144 + int.from_bytes(data[140:144], "little")
    with pytest.raises(SetAsideError, match="raw data"):
        read(tmp_path, data[:start] + b"no data set at all")


def test_compressed_pixels_under_a_native_syntax_are_refused(tmp_path: Path) -> None:
    ds = dataset()
    data = encoded(ds)
    at = data.rindex(struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"))
    open_pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + bytes(100)
    with pytest.raises(BrokenFileError, match="encoding"):
        read(tmp_path, data[:at] + open_pixels)


def test_big_endian_is_believed_and_not_guessed(tmp_path: Path) -> None:
    h = read(tmp_path, encoded(dataset(), ExplicitVRBigEndian))
    assert (h.rows, h.columns, h.number) == (6, 5, 2)


def test_a_header_of_another_release_is_not_taken(tmp_path: Path) -> None:
    h = read(tmp_path, encoded(dataset()))
    line = h.to_json()
    assert Header.from_json(line) == h
    assert isinstance(Header.from_json(line).image_type, tuple)
    assert isinstance(Header.from_json(line).position, tuple)
    with pytest.raises(ValueError, match="another release"):
        Header.from_json(line.replace('"rows"', '"lines"'))
    with pytest.raises(ValueError, match="another release"):
        Header.from_json(line.replace('{"path"', '{"more":1,"path"'))
    with pytest.raises(ValueError, match="another release"):
        Header.from_json(line.replace(',"lossy":false', ""))
