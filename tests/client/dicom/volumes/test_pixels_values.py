"""Pixel values by hand: types, byte order, frames, stored bits, rescale and what is not finite."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.dicom.encoding.header import DEFLATED, Header
from hepafed.client.dicom.encoding.reasons import BrokenFileError
from hepafed.client.dicom.volumes.pixels import (
    check_pixels,
    load_stack,
    scales,
    statistics,
    stored_of,
)

from tests.client.dicom.slices import header


def write(path: Path, kind: str, *planes: list[list[int]], head: bytes = b"abc") -> list[Header]:
    """Write planes one behind the other as frames of one file; give their headers."""
    arrays = [np.array(p, kind) for p in planes]
    path.write_bytes(head + b"".join(a.tobytes() for a in arrays))
    dtype, (rows, columns) = arrays[0].dtype, arrays[0].shape
    bits = dtype.itemsize * 8
    return [
        header(
            path=str(path), frame=k, frames=len(planes), pixel_offset=len(head), rows=rows,
            columns=columns, bits_allocated=bits, bits_stored=bits, high_bit=bits - 1,
            signed=dtype.kind == "i", big=kind.startswith(">"),
            transfer_syntax="1.2.840.10008.1.2.2" if kind[0] == ">" else "1.2.840.10008.1.2.1",
        )
        for k in range(len(planes))
    ]  # fmt: skip


def values(headers: list[Header]) -> list[list[list[int]]]:
    return [plane.tolist() for plane in stored_of(headers)]


PLANES = [[[0, 1, 2], [3, 4, 100]], [[7, 8, 9], [10, 11, 12]]]


@pytest.mark.parametrize("kind", ["<u1", "<i1", "<u2", "<i2", "<u4", "<i4", ">u2", ">i2", ">u4"])
def test_every_native_kind_is_read_frame_by_frame(tmp_path: Path, kind: str) -> None:
    headers = write(tmp_path / "x", kind, *PLANES)
    assert values(headers) == PLANES
    assert values(headers[::-1]) == PLANES[::-1]


@pytest.mark.parametrize(
    ("kind", "low"), [("<i1", -128), ("<i2", -32768), ("<i4", -(2**31)), (">i2", -32768)]
)
def test_signed_values_stay_signed(tmp_path: Path, kind: str, low: int) -> None:
    headers = write(tmp_path / "x", kind, [[low, -1], [0, -low - 1]])
    assert values(headers) == [[[low, -1], [0, -low - 1]]]


@pytest.mark.parametrize(
    ("kind", "high"), [("<u1", 255), ("<u2", 65535), ("<u4", 2**32 - 1), (">u2", 65535)]
)
def test_unsigned_values_stay_unsigned(tmp_path: Path, kind: str, high: int) -> None:
    assert values(write(tmp_path / "x", kind, [[high, 0]])) == [[[high, 0]]]


def test_a_file_that_ends_within_the_last_pixel_is_refused(tmp_path: Path) -> None:
    headers = write(tmp_path / "x", "<u2", *PLANES)
    path = tmp_path / "x"
    path.write_bytes(path.read_bytes()[:-1])
    assert next(stored_of(headers)).tolist() == PLANES[0]
    with pytest.raises(BrokenFileError, match="shorter than the image"):
        check_pixels(headers)


def deflated(path: Path, *planes: list[list[int]]) -> list[Header]:
    """Write a deflated data set of bare pixels behind a meta group of ten bytes."""
    body = b"xy" + b"".join(np.array(p, "<u2").tobytes() for p in planes)
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    meta = bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", 10) + bytes(10)
    path.write_bytes(meta + engine.compress(body) + engine.flush())
    (first, *_) = write(path.with_name("unused"), "<u2", *planes)
    return [
        replace(first, path=str(path), frame=k, pixel_offset=len(meta) + 2,
                transfer_syntax=DEFLATED)
        for k in range(len(planes))
    ]  # fmt: skip


def test_deflated_files_are_inflated_each_for_itself(tmp_path: Path) -> None:
    one = deflated(tmp_path / "a", *PLANES)
    two = deflated(tmp_path / "b", *PLANES[::-1])
    mixed = [one[0], two[0], one[1], two[1]]
    assert values(mixed) == [PLANES[0], PLANES[1], PLANES[1], PLANES[0]]


@pytest.mark.parametrize(
    ("stored", "kind", "bits", "expected"),
    [
        ([0x5FFF, 0x0FFF, 0x1000, 0x0001], "<u2", 12, [0x0FFF, 0x0FFF, 0, 1]),
        ([0x0FFF, 0x0000, 0x0800, 0x0001], "<u2", 12, [0x0FFF, 0, 0x0800, 1]),
        ([0x1000, 0x0000, 0x0000, 0x0000], "<u2", 12, [0, 0, 0, 0]),
        ([0x07FF, -0x0800, -1, 1], "<i2", 12, [0x07FF, -0x0800, -1, 1]),
        ([0x0800, 0, 0, 0], "<i2", 12, [-0x0800, 0, 0, 0]),
        ([-0x0801, 0, 0, 0], "<i2", 12, [0x07FF, 0, 0, 0]),
        ([0x0FFF, 0x17FF, 0, 0], "<i2", 12, [-1, 0x07FF, 0, 0]),
        ([0xFF, 0x80, 0x7F, 0], "<u1", 7, [0x7F, 0, 0x7F, 0]),
        ([0xFFFF, 0, 0x8000, 1], "<u2", 16, [0xFFFF, 0, 0x8000, 1]),
        ([0xFFFF, 0, 0x8000, 1], "<u2", 15, [0x7FFF, 0, 0, 1]),
        ([0xFF123456, 0, 1, 2], "<u4", 24, [0x123456, 0, 1, 2]),
    ],
)
def test_what_stands_above_the_stored_bits_is_cleared(
    tmp_path: Path, stored: list[int], kind: str, bits: int, expected: list[int]
) -> None:
    (h,) = write(tmp_path / "x", kind, [stored])
    (found,) = stored_of([replace(h, bits_stored=bits, high_bit=bits - 1)])
    assert found.tolist() == [expected]
    assert found.dtype == np.dtype(kind)


def test_rescale_of_unequal_slices_by_hand(tmp_path: Path) -> None:
    headers = write(tmp_path / "x", "<i2", [[1, -2, 3]], [[10, 0, -10]])
    headers = [
        replace(headers[0], slope=2.0, intercept=0.5),
        replace(headers[1], slope=-0.5, intercept=0.0),
    ]
    assert load_stack(headers).tolist() == [[[2.5, -3.5, 6.5]], [[-5.0, 0.0, 5.0]]]
    assert load_stack(headers).dtype == np.float32
    low, high, average = statistics(headers)
    assert (low, high, average) == (-5.0, 6.5, pytest.approx(5.5 / 6))


@pytest.mark.parametrize("slope", [1.0, -1.0])
def test_the_extremes_may_lie_in_any_slice(tmp_path: Path, slope: float) -> None:
    headers = write(tmp_path / "x", "<i2", [[1, 2]], [[-9, 4]], [[30, 0]], [[3, 3]])
    low, high, average = statistics([replace(h, slope=slope) for h in headers])
    assert (low, high) == ((-9.0, 30.0) if slope > 0 else (-30.0, 9.0))
    assert average == pytest.approx(slope * 34 / 8)


def test_the_mean_of_large_values_is_summed_in_double_precision(tmp_path: Path) -> None:
    headers = write(tmp_path / "x", "<u4", [[2**32 - 1, 2**32 - 1, 2**32 - 2]])
    assert statistics(headers)[2] == pytest.approx(2**32 - 4 / 3, rel=1e-15)


def philips(slope: float, intercept: float, scale: float | None) -> Header:
    return header(slope=slope, intercept=intercept, scale_slope=scale)


def test_philips_stacks_of_unequal_rescale_use_the_scale_slope() -> None:
    found = scales([philips(2.0, 6.0, 0.25), philips(4.0, -8.0, 0.5)])
    # 1 / scale slope; intercept / (slope times scale slope)
    assert found == [(4.0, 12.0), (2.0, -4.0)]


@pytest.mark.parametrize(
    "headers",
    [
        [philips(2.0, 6.0, 0.25), philips(2.0, 6.0, 0.5)],
        [philips(2.0, 6.0, 0.25), philips(4.0, 6.0, None)],
        [philips(2.0, 6.0, None), philips(4.0, 6.0, 0.5)],
        [philips(2.0, 6.0, 0.25)],
    ],
    ids=["equal rescale", "second without", "first without", "one slice"],
)
def test_other_stacks_keep_their_rescale(headers: list[Header]) -> None:
    assert scales(headers) == [(h.slope, h.intercept) for h in headers]


def test_unequal_intercepts_alone_make_the_scale_slope_count() -> None:
    found = scales([philips(2.0, 6.0, 0.25), philips(2.0, 4.0, 0.5)])
    assert found == [(4.0, 12.0), (2.0, 4.0)]


LARGEST = float(np.finfo(np.float32).max)


@pytest.mark.parametrize(
    ("stored", "slope", "intercept", "good"),
    [
        ([1, 2], LARGEST / 2, 0.0, True),
        ([1, 3], LARGEST / 2, 0.0, False),
        ([-3, 1], LARGEST / 2, 0.0, False),
        ([-2, 1], LARGEST / 2, 0.0, True),
        ([0, 1], 1.0, LARGEST * 1.0001, False),
        ([0, 0], LARGEST * 1.0001, 0.0, False),
        ([0, 1], LARGEST, LARGEST / 2, False),
        ([-1, 0], -LARGEST, LARGEST / 2, False),
        ([-1, 1], LARGEST / 2, LARGEST / 2, True),
        ([-1, 0], LARGEST / 2, -LARGEST * 0.51, False),
        ([-32768, 32767], 1e33, 0.0, True),
        ([5, 5], 1.0, 0.0, True),
    ],
)
def test_values_that_leave_single_precision_are_refused(
    tmp_path: Path, stored: list[int], slope: float, intercept: float, good: bool
) -> None:
    (h,) = write(tmp_path / "x", "<i2", [stored])
    headers = [replace(h, slope=slope, intercept=intercept)]
    if good:
        check_pixels(headers)
        assert np.isfinite(load_stack(headers)).all()
    else:
        for read in (check_pixels, load_stack, statistics):
            with pytest.raises(BrokenFileError, match="not finite"):
                read(headers)


def test_an_unsigned_full_range_is_judged_by_what_is_stored(tmp_path: Path) -> None:
    (h,) = write(tmp_path / "x", "<u2", [[0, 65535]])
    check_pixels([replace(h, slope=LARGEST / 65535)])
    with pytest.raises(BrokenFileError):
        check_pixels([replace(h, slope=LARGEST / 65534)])


def test_every_slice_is_judged(tmp_path: Path) -> None:
    headers = write(tmp_path / "x", "<u2", [[1]], [[1]], [[1]])
    headers[2] = replace(headers[2], slope=1e39)
    with pytest.raises(BrokenFileError, match="not finite"):
        check_pixels(headers)
