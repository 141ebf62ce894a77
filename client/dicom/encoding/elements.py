"""The elements that were found of a DICOM data set, and their values decoded."""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from hepafed.client.dicom.encoding.tags import PRIVATE, STANDARD

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


class Raw(NamedTuple):
    """One element's bytes."""

    vr: str
    value: bytes
    big: bool = False


@dataclass(slots=True)
class Elements:
    """The elements that were found of one data set or sequence item, and where its pixels lie."""

    found: dict[int, Raw] = field(default_factory=dict)
    items: dict[int, list["Elements"]] = field(default_factory=dict)
    private: dict[int, Raw] = field(default_factory=dict)
    pixel_tag: int = 0
    pixel_offset: int = 0
    pixel_length: int = 0

    def text(self, tag: int) -> str:
        """Return a text value, trimmed; "" when absent."""
        raw = self.found.get(tag)
        return "" if raw is None else text_of(raw)

    def texts(self, tag: int) -> tuple[str, ...]:
        """Return the values of a multi-valued text."""
        text = self.text(tag)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def numbers(self, tag: int) -> tuple[float, ...] | None:
        """Return every value as a finite number; None when absent or one of them is not."""
        raw = self.found.get(tag)
        return None if raw is None else numbers_of(raw, STANDARD[tag])

    def number(self, tag: int) -> float | None:
        """Return the first value as a finite number."""
        values = self.numbers(tag)
        return values[0] if values else None

    def within(self, sequence: int) -> "Elements":
        """Return the first item of a sequence; an empty one when there is none."""
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


def every(elements: Elements, sequences: tuple[int, ...]) -> Iterator[Elements]:
    """Yield the first item of each sequence that is there."""
    for sequence in sequences:
        if sequence in elements.items:
            yield elements.within(sequence)
