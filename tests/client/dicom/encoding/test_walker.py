"""The walk over a data set: bounded in depth, count, size and time, whatever the bytes."""

import struct
import time
from pathlib import Path

import pytest
from hepafed.client.dicom.encoding.read import read_headers
from hepafed.client.dicom.encoding.reasons import BrokenFileError
from hepafed.client.dicom.encoding.walker import (
    BrokenError,
    Encoding,
    ShortError,
    Walker,
)
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items

from tests.client.dicom.builder import NATIVE, axial, classic, encoded

OPEN = struct.pack("<HH2sHI", 0x5200, 0x9230, b"SQ", 0, 0xFFFFFFFF)
ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
ITEM_END, SEQUENCE_END = (struct.pack("<HHI", 0xFFFE, e, 0) for e in (0xE00D, 0xE0DD))
ROWS = struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 6)


def nested(levels: int) -> bytes:
    return (OPEN + ITEM) * levels + ROWS + (ITEM_END + SEQUENCE_END) * levels


def test_nesting_is_followed_to_a_limit() -> None:
    elements = Walker(nested(16), whole=True).data_set(0, Encoding())
    for _ in range(16):
        elements = elements.within(0x52009230)
    assert elements.number(0x00280010) == 6
    with pytest.raises(BrokenError):
        Walker(nested(17), whole=True).data_set(0, Encoding())


def test_more_is_asked_for_when_the_data_set_goes_on() -> None:
    data = nested(2)
    for end in range(1, len(data)):
        with pytest.raises(ShortError):
            Walker(data[:end], whole=False).data_set(0, Encoding())


def test_a_cut_data_set_is_broken() -> None:
    data = nested(2)
    for end in range(len(data) - 1, 0, -1):
        with pytest.raises(BrokenError):
            Walker(data[:end], whole=True).data_set(0, Encoding())


IMPLICIT, EXPLICIT = b"\x09\x00\x10\x00\x00\x00\x00\x00", b"\x09\x00\x10\x00LO\x00\x00"


@pytest.mark.parametrize("syntax", NATIVE[:2])
def test_millions_of_elements_end_in_a_reason_within_seconds(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "x"
    element = EXPLICIT if syntax == NATIVE[0] else IMPLICIT
    path.write_bytes(encoded(without_pixels(), syntax) + element * 3_000_000)
    begun = time.process_time()
    with pytest.raises(BrokenFileError, match="encoding"):
        read_headers(path, "x")
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(("count", "good"), [(262_144, True), (262_145, False)])
def test_sequences_hold_at_most_2_to_the_18_items_together(count: int, good: bool) -> None:
    empty = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    half = OPEN + empty * (count // 2) + SEQUENCE_END
    rest = OPEN + empty * (count - count // 2) + SEQUENCE_END
    walker = Walker(half + rest, whole=True)
    if good:
        assert len(walker.data_set(0, Encoding()).items[0x52009230]) == count
    else:
        with pytest.raises(BrokenError):
            walker.data_set(0, Encoding())


@pytest.mark.parametrize("encoding", [Encoding(), Encoding(implicit=True)], ids=str)
@pytest.mark.parametrize(("count", "good"), [(999_999, True), (1_000_000, False)])
def test_a_file_holds_at_most_a_million_elements(
    encoding: Encoding, count: int, good: bool
) -> None:
    rows = struct.pack("<HHI", 0x0028, 0x0010, 2) if encoding.implicit else ROWS[:8]
    data = (IMPLICIT if encoding.implicit else EXPLICIT) * count + rows + b"\6\0"
    walker = Walker(data, whole=True)
    if good:
        assert walker.data_set(0, encoding).number(0x00280010) == 6
    else:
        with pytest.raises(BrokenError):
            walker.data_set(0, encoding)


def test_a_length_beyond_the_file_is_not_allocated(tmp_path: Path) -> None:
    ds = without_pixels()
    data = encoded(ds) + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 0xFFFFFFF0)
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(BrokenFileError, match="shorter"):
        read_headers(tmp_path / "x", "x")


def without_pixels() -> Dataset:
    ds = classic(axial())[0]
    del ds.PixelData
    return ds


def test_compressed_pixels_inside_a_sequence_are_passed_over(tmp_path: Path) -> None:
    ds = classic(axial())[0]
    icon = Dataset()
    icon.Rows = icon.Columns = 1
    icon.PixelData = encapsulate([b"\xff\xd8 not DICOM at all \xff\xd9"])
    icon["PixelData"].VR = "OB"
    icon["PixelData"].is_undefined_length = True
    ds.IconImageSequence = Items([icon])
    ds["IconImageSequence"].is_undefined_length = True
    icon.is_undefined_length_sequence_item = True
    (tmp_path / "x").write_bytes(encoded(ds))
    (header,) = read_headers(tmp_path / "x", "x")
    assert header.rows == 6


def test_private_sequences_of_unknown_representation_are_passed_over(tmp_path: Path) -> None:
    ds = classic(axial())[0]
    data = encoded(ds)
    inner = struct.pack("<HHI", 0x0008, 0x0060, 2) + b"CT"  # implicit, as PS3.5 6.2.2 says
    unknown = (
        struct.pack("<HH2sHI", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFFF)
        + struct.pack("<HHI", 0xFFFE, 0xE000, len(inner))
        + inner
        + SEQUENCE_END
    )
    at = data.index(struct.pack("<HH2s", 0x0010, 0x0010, b"PN"))
    (tmp_path / "x").write_bytes(data[:at] + unknown + data[at:])
    (header,) = read_headers(tmp_path / "x", "x")
    assert header.rows == 6
