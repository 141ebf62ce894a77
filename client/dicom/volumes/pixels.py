"""Decode the pixels of slices: native ones here, compressed ones in a process of their own."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from hepafed.client.dicom.encoding import DEFLATED, BrokenFileError, Header, inflated, opened, whole
from numpy.typing import NDArray

Stored = NDArray[np.integer[Any]]
LARGEST = float(np.finfo(np.float32).max)


def load_stack(headers: Sequence[Header]) -> NDArray[np.float32]:
    """Decode slices into one array, float32 [slices, rows, columns], after rescale.

    Raises
    ------
    DicomError
        A slice cannot be decoded, or its values are not finite.
    """
    first = headers[0]
    out = np.empty((len(headers), first.rows, first.columns), np.float32)
    for k, (stored, slope, intercept) in enumerate(_scaled(headers)):
        np.multiply(stored, np.float32(slope), out=out[k], casting="unsafe")
        if intercept:
            out[k] += np.float32(intercept)
    return out


def statistics(headers: Sequence[Header]) -> tuple[float, float, float]:
    """Return the smallest, largest and mean voxel after rescale, in float64.

    One slice is in memory at a time.

    Raises
    ------
    DicomError
        A slice cannot be decoded, or its values are not finite.
    """
    low, high, total, count = float("inf"), float("-inf"), 0.0, 0
    for stored, slope, intercept in _scaled(headers):
        ends = (int(stored.min()) * slope + intercept, int(stored.max()) * slope + intercept)
        low, high = min(low, *ends), max(high, *ends)
        total += float(stored.sum(dtype=np.float64)) * slope + intercept * stored.size
        count += stored.size
    return low, high, total / count


def check_pixels(headers: Sequence[Header]) -> None:
    """Decode slices one by one and keep none.

    Raises
    ------
    DicomError
        A slice cannot be decoded, or its values are not finite.
    """
    for _ in _scaled(headers):
        pass


def scales(headers: Sequence[Header]) -> list[tuple[float, float]]:
    """Return each slice's factor and offset from stored values.

    Where a Philips stack was rescaled slice by slice, its values are made comparable by the
    private scale slope: stored / scale slope + intercept / (rescale slope × scale slope).
    """
    slopes = {(h.slope, h.intercept) for h in headers}
    if len(slopes) > 1 and all(h.scale_slope for h in headers):
        return [
            (1 / (h.scale_slope or 1), h.intercept / (h.slope * (h.scale_slope or 1)))
            for h in headers
        ]
    return [(h.slope, h.intercept) for h in headers]


def _scaled(headers: Sequence[Header]) -> Iterator[tuple[Stored, float, float]]:
    for stored, (slope, intercept) in zip(stored_of(headers), scales(headers), strict=True):
        if not _finite(stored, slope, intercept):
            raise BrokenFileError("the rescaled values are not finite")
        yield stored, slope, intercept


def _finite(stored: Stored, slope: float, intercept: float) -> bool:
    """Return whether rescaling in float32 gives finite values, on the way there too."""
    kind = np.iinfo(stored.dtype)
    farthest = max(1, -kind.min, kind.max)
    if farthest * abs(slope) + abs(intercept) <= LARGEST:
        return True  # whatever is stored
    scaled = [int(stored.min()) * slope, int(stored.max()) * slope]
    steps = [slope, intercept, *scaled, *(value + intercept for value in scaled)]
    return all(abs(step) <= LARGEST for step in steps)


def stored_of(headers: Sequence[Header]) -> Iterator[Stored]:
    """Yield the stored values of each slice, integers [rows, columns].

    Raises
    ------
    DicomError
        A slice cannot be decoded.
    """
    data: tuple[tuple[str, str], bytes] | None = None
    for h in headers:
        if not h.native or (h.big and h.bits_allocated == 8):
            from hepafed.client.dicom.volumes.decoder import decode

            yield _within_bits(decode(h), h)
        elif h.transfer_syntax == DEFLATED:
            if data is None or data[0] != (h.path, h.member):
                data = ((h.path, h.member), _inflated(h))
            start = h.pixel_offset + h.frame * _size(h)
            yield _within_bits(_array(data[1][start : start + _size(h)], h), h)
        else:
            with opened(h.file, h.member) as (stream, _):
                stream.seek(h.pixel_offset + h.frame * _size(h))
                values = stream.read(_size(h))
            yield _within_bits(_array(values, h), h)


def _size(h: Header) -> int:
    return h.rows * h.columns * h.bits_allocated // 8


def _inflated(h: Header) -> bytes:
    data = whole(h.file, h.member)
    # The data set begins behind the meta group, whose length its first element gives (PS3.10 7.1)
    start = 132 + 12 + int.from_bytes(data[140:144], "little")
    return inflated(data, start)[0]


def _array(values: bytes, h: Header) -> Stored:
    if len(values) != _size(h):
        raise BrokenFileError("the pixel data is shorter than the image")
    kind = f"{'>' if h.big else '<'}{'i' if h.signed else 'u'}{h.bits_allocated // 8}"
    return np.frombuffer(values, kind).reshape(h.rows, h.columns)


def _within_bits(stored: Stored, h: Header) -> Stored:
    """Clear what old files keep above the stored bits: overlays (PS3.5 8.1.1, retired)."""
    spare = h.bits_allocated - h.bits_stored
    if not spare or stored.dtype.itemsize * 8 != h.bits_allocated:
        return stored
    top = 1 << (h.bits_stored - 1 if h.signed else h.bits_stored)
    if int(stored.max()) < top and int(stored.min()) >= (-top if h.signed else 0):
        return stored
    if h.signed:
        return np.right_shift(np.left_shift(stored, spare), spare)
    return np.bitwise_and(stored, stored.dtype.type(top - 1))
