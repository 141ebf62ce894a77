"""Walk the elements of a DICOM data set in bounded time and memory, whatever bytes it holds.

Our own reader, because a scan meets every file of an export, hostile ones too: it decodes only
the attributes of tags.py, copies nothing else, and its depth, count and size have limits.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from hepafed.client.dicom.encoding.tags import PRIVATE, STANDARD

DEEPEST = 16
"""Levels of nested sequences; the functional groups need four."""
MOST_ELEMENTS = 1_000_000
MOST_ITEMS = 1 << 18
"""Of the sequences that are read: sixteen for each of 16,384 frames."""
LONGEST_VALUE = 1 << 16
"""Bytes; no attribute that we read is longer."""
UNDEFINED = 0xFFFFFFFF
LONG = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
SHORT = frozenset(
    {
        b"AE",
        b"AS",
        b"AT",
        b"CS",
        b"DA",
        b"DS",
        b"DT",
        b"FD",
        b"FL",
        b"IS",
        b"LO",
        b"LT",
        b"PN",
        b"SH",
        b"SL",
        b"SS",
        b"ST",
        b"TM",
        b"UI",
        b"UL",
        b"US",
    }
)
BINARY = {
    "US": ("H", 2),
    "SS": ("h", 2),
    "UL": ("I", 4),
    "SL": ("i", 4),
    "FL": ("f", 4),
    "FD": ("d", 8),
    "SV": ("q", 8),
    "UV": ("Q", 8),
}
"""Representation → struct's code and size."""
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


class Raw(NamedTuple):
    """One element's bytes."""

    vr: str
    value: bytes
    big: bool = False


@dataclass(slots=True)
class Elements:
    """What was found of one data set or sequence item; `where` is the pixel element's place."""

    found: dict[int, Raw] = field(default_factory=dict)
    items: dict[int, list["Elements"]] = field(default_factory=dict)
    private: dict[int, Raw] = field(default_factory=dict)
    pixel_tag: int = 0
    pixel_offset: int = 0
    pixel_length: int = 0

    def text(self, tag: int) -> str:
        """Give a text value, trimmed; "" when absent."""
        raw = self.found.get(tag)
        return "" if raw is None else text_of(raw)

    def texts(self, tag: int) -> tuple[str, ...]:
        """Give the values of a multi-valued text."""
        text = self.text(tag)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def numbers(self, tag: int) -> tuple[float, ...] | None:
        """Give every value as a finite number; None when absent or one of them is not."""
        raw = self.found.get(tag)
        return None if raw is None else numbers_of(raw, STANDARD[tag])

    def number(self, tag: int) -> float | None:
        """Give the first value as a finite number."""
        values = self.numbers(tag)
        return values[0] if values else None

    def within(self, sequence: int) -> "Elements":
        """Give the first item of a sequence; an empty one when there is none."""
        items = self.items.get(sequence)
        return items[0] if items else NOTHING

    def vendor(self) -> dict[str, Raw]:
        """Find the private elements of tags.PRIVATE by their creators."""
        found: dict[str, Raw] = {}
        for tag, raw in self.private.items():
            group, element = tag >> 16, tag & 0xFFFF
            block = element >> 8
            if block < 0x10:
                continue
            creators = PRIVATE[group]
            owner = self.private.get(group << 16 | block)
            if owner is None:
                known = list(creators.values()) if block == 0x10 else []
            else:
                known = [creators.get(text_of(owner).upper(), {})]
            for names in known:
                if (entry := names.get(element & 0xFF)) is not None:
                    found[entry[0]] = (
                        Raw(entry[1], raw.value, raw.big) if raw.vr in {"", "UN", "OB"} else raw
                    )
        return found


NOTHING = Elements()


def text_of(raw: Raw) -> str:
    """Decode text without its character set: what we compare is ASCII or is compared whole."""
    trimmed = raw.value.strip(b" \x00")
    try:
        return trimmed.decode("utf-8")
    except UnicodeDecodeError:
        return trimmed.decode("latin-1")


def numbers_of(raw: Raw, standard: str) -> tuple[float, ...] | None:
    """Decode numbers by the representation the file states, else by the standard's."""
    vr = raw.vr if raw.vr not in {"", "UN", "OB", "OW"} else standard
    values: tuple[float, ...]
    if (code := BINARY.get(vr)) is not None:
        count = len(raw.value) // code[1]
        values = struct.unpack_from(f"{'>' if raw.big else '<'}{count}{code[0]}", raw.value)
        values = tuple(map(float, values))
    else:
        if len(raw.value) > 4096:
            return None
        try:
            values = tuple([float(p) for p in raw.value.strip(b" \x00\\").split(b"\\")])
        except ValueError:
            return None
    return values if values and all(map(math.isfinite, values)) else None


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
        """Read tag, representation and length; gives them and where the value begins."""
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
        """Read elements until `end` or an item delimiter; gives where reading stopped."""
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
        """Read the items of a sequence into `items`, or pass over them; gives where it ends."""
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
    """Tell whether the element at `at` names its representation: some files lie about it."""
    return data[at + 4 : at + 6] in SHORT | LONG


def every(elements: Elements, sequences: tuple[int, ...]) -> Iterator[Elements]:
    """Give the first item of each sequence that is there."""
    for sequence in sequences:
        if sequence in elements.items:
            yield elements.within(sequence)
