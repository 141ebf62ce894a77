"""Walk the elements of a DICOM data set in bounded time and memory, whatever bytes it holds.

Our own reader, because a scan meets every file of an export, hostile ones too: it decodes only
the attributes of tags.py, copies nothing else, and its depth, count and size have limits.
"""

import struct
from dataclasses import dataclass

from hepafed.client.dicom.encoding.elements import Elements, Raw
from hepafed.client.dicom.encoding.tags import PRIVATE, STANDARD

DEEPEST = 16
"""Levels of nested sequences; the functional groups need four."""
MOST_ELEMENTS = 1_000_000
MOST_ITEMS = 1 << 18
"""Most items of the sequences that are read: sixteen for each of 16,384 frames."""
LONGEST_VALUE = 1 << 16
"""Most bytes of a value; no attribute that we read is longer."""
UNDEFINED = 0xFFFFFFFF
LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Representations whose length takes four bytes (PS3.5 7.1.2)."""
SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Representations whose length takes two bytes."""
HEADS = {
    big: (struct.Struct(f"{order}HH2sH"), struct.Struct(f"{order}HHI"))
    for big, order in ((False, "<"), (True, ">"))
}
"""An element's first eight bytes, with and without a representation."""
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
NAMES = {vr: vr.decode("ascii") for vr in (*LONG, *SHORT, b"")}
FRAGMENTED = frozenset({b"OB", b"OW"})
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})


class BrokenError(ValueError):
    """The bytes do not follow DICOM's encoding (PS3.5 7)."""


class ShortError(Exception):
    """The data set goes on behind the bytes that were given."""


@dataclass(frozen=True)
class Encoding:
    """How elements are written (DICOM PS3.5 A.1–A.3)."""

    implicit: bool = False
    big: bool = False


class Walker:
    """Reads elements from bytes; one per file, so that its limits hold for the whole of it."""

    def __init__(self, data: bytes, whole: bool) -> None:
        self.data = data
        self.whole = whole
        """False: the file goes on behind `data`."""
        self.count = self.items = 0

    def data_set(self, start: int, encoding: Encoding) -> Elements:
        """Read the top level up to the pixels or the end.

        Raises
        ------
        BrokenError
            The bytes are no data set, or exceed a limit.
        ShortError
            More of the file is needed.
        """
        elements = Elements()
        self._level(elements, start, len(self.data), encoding, 0)
        return elements

    def meta(self, start: int) -> tuple[Elements, int]:
        """Read the file meta group, explicit little endian (PS3.10 7.1), and where it ends."""
        elements, at, end = Elements(), start, len(self.data)
        while at + 8 <= end and self.data[at : at + 2] == b"\x02\x00":
            tag, vr, length, at = self._head(at, end, Encoding())
            if length > LONGEST_VALUE:
                raise BrokenError
            if tag in STANDARD:
                self._keep(elements, tag, vr, at, length, big=False)
            at += length
        if at + 8 > end and not self.whole:
            raise ShortError
        return elements, at

    def _head(self, at: int, end: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
        """Read tag, representation and length; return them and where the value begins."""
        self.count += 1
        if self.count > MOST_ELEMENTS:
            raise BrokenError
        if end - at < 8:
            self._need(at + 8)
        short, long = HEADS[encoding.big]
        if encoding.implicit:
            group, element, length = long.unpack_from(self.data, at)
            return group << 16 | element, b"", length, at + 8
        group, element, vr, length = short.unpack_from(self.data, at)
        if vr in SHORT:
            return group << 16 | element, vr, length, at + 8
        if group == 0xFFFE:
            return group << 16 | element, b"", long.unpack_from(self.data, at)[2], at + 8
        if vr not in LONG:
            raise BrokenError
        if end - at < 12:
            self._need(at + 12)
        # The long form's length stands behind two reserved bytes (PS3.5 7.1.2)
        return group << 16 | element, vr, long.unpack_from(self.data, at + 4)[2], at + 12

    def _need(self, end: int) -> None:
        if end > len(self.data) and not self.whole:
            raise ShortError
        raise BrokenError

    def _level(self, out: Elements, at: int, end: int, encoding: Encoding, depth: int) -> int:
        """Read elements until `end` or an item delimiter; return where reading stopped."""
        unpack, data = HEADS[encoding.big][0].unpack_from, self.data
        while at < end:
            if not encoding.implicit and at + 8 <= end:
                group, element, vr, length = unpack(data, at)
                if vr in SHORT and at + 8 + length <= end and self.count < MOST_ELEMENTS:
                    # Nearly every element: no sequence, no pixels, a length that is known
                    self.count += 1
                    tag = group << 16 | element
                    if tag in STANDARD or group in PRIVATE:
                        self._keep(out, tag, vr, at + 8, length, big=encoding.big)
                    at += 8 + length
                    continue
            tag, vr, length, at = self._head(at, end, encoding)
            if tag == ITEM_END and depth:
                return at
            if tag in PIXELS and depth == 0:
                out.pixel_tag = tag
                out.pixel_offset, out.pixel_length = at, length
                return at
            if tag >> 16 == 0xFFFE:
                raise BrokenError
            if length == UNDEFINED and (vr in FRAGMENTED or tag in PIXELS):
                at = self._fragments(at, end, encoding)
                continue
            if vr == b"SQ" or length == UNDEFINED or (not vr and STANDARD.get(tag) == "SQ"):
                # UN of undefined length holds an implicit sequence (PS3.5 6.2.2)
                inner = Encoding(implicit=True) if vr == b"UN" else encoding
                wanted = STANDARD.get(tag) == "SQ"
                if length != UNDEFINED and not wanted:
                    if at + length > end:
                        self._need(at + length)
                    at += length
                    continue
                items = out.items.setdefault(tag, []) if wanted else None
                at = self._sequence(items, at, length, end, inner, depth + 1)
                continue
            if at + length > end:
                self._need(at + length)
            if tag in STANDARD or tag >> 16 in PRIVATE:
                self._keep(out, tag, vr, at, length, big=encoding.big)
            at += length
        if depth == 0 and not self.whole:
            raise ShortError
        return at

    def _fragments(self, at: int, end: int, encoding: Encoding) -> int:
        """Pass over compressed pixels inside a sequence: an icon (PS3.5 A.4)."""
        while True:
            tag, _, size, at = self._head(at, end, encoding)
            if tag == SEQUENCE_END:
                return at
            if tag != ITEM:
                raise BrokenError
            if at + size > end:
                self._need(at + size)
            at += size

    def _keep(self, out: Elements, tag: int, vr: bytes, at: int, length: int, *, big: bool) -> None:
        if length <= LONGEST_VALUE:
            raw = Raw(NAMES[vr], self.data[at : at + length], big)
            (out.found if tag in STANDARD else out.private)[tag] = raw

    def _sequence(
        self,
        items: list[Elements] | None,
        at: int,
        length: int,
        end: int,
        encoding: Encoding,
        depth: int,
    ) -> int:
        """Read the items of a sequence into `items`, or pass over them; return where it ends."""
        if depth > DEEPEST:
            raise BrokenError
        stop = end if length == UNDEFINED else at + length
        if stop > end:
            self._need(stop)
        while at < stop:
            tag, _, size, at = self._head(at, stop, encoding)
            if tag == SEQUENCE_END and length == UNDEFINED:
                return at
            if tag != ITEM:
                raise BrokenError
            item_end = stop if size == UNDEFINED else at + size
            if item_end > stop:
                self._need(item_end)
            item = Elements()
            reached = self._level(item, at, item_end, encoding, depth)
            at = reached if size == UNDEFINED else item_end
            if items is not None:
                items.append(item)
                self.items += 1
                if self.items > MOST_ITEMS:
                    raise BrokenError
        if length == UNDEFINED:
            self._need(stop + 1)
        return at


def looks_explicit(data: bytes, at: int) -> bool:
    """Return whether the element at `at` names its representation: some files lie about it."""
    return data[at + 4 : at + 6] in SHORT | LONG
