"""The walk element by element: lengths, byte orders, delimiters, and where reading stops."""

import struct

import pytest
from hepafed.client.dicom.encoding.elements import Elements, Raw
from hepafed.client.dicom.encoding.walker import (
    BrokenError,
    Encoding,
    ShortError,
    Walker,
    looks_explicit,
)

IMPLICIT, BIG = Encoding(implicit=True), Encoding(big=True)
PER_FRAME, ROWS, COLUMNS, ECHO = 0x52009230, 0x00280010, 0x00280011, 0x00180081
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
OPEN = 0xFFFFFFFF


def short(tag: int, vr: str, value: bytes, order: str = "<") -> bytes:
    head = struct.pack(f"{order}HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value))
    return head + value


def long(tag: int, vr: str, length: int, value: bytes = b"", order: str = "<") -> bytes:
    group, element = tag >> 16, tag & 0xFFFF
    return struct.pack(f"{order}HH2sHI", group, element, vr.encode(), 0, length) + value


def plain(tag: int, length: int, value: bytes = b"", order: str = "<") -> bytes:
    """Write an element without representation: implicit ones and delimiters."""
    return struct.pack(f"{order}HHI", tag >> 16, tag & 0xFFFF, length) + value


def walk(data: bytes, encoding: Encoding | None = None, whole: bool = True) -> Elements:
    return Walker(data, whole).data_set(0, encoding or Encoding())


SIX = short(ROWS, "US", b"\6\0")
SEVEN = short(COLUMNS, "US", b"\7\0")
PIXELS = long(0x7FE00010, "OW", 4, b"abcd")


def test_elements_are_kept_with_representation_value_and_byte_order() -> None:
    found = walk(SIX + short(ECHO, "DS", b"1.50"))
    assert found.found == {ROWS: Raw("US", b"\6\0"), ECHO: Raw("DS", b"1.50")}
    big = walk(short(ROWS, "US", b"\0\6", ">") + short(ECHO, "DS", b"1.50", ">"), BIG)
    assert big.found == {ROWS: Raw("US", b"\0\6", True), ECHO: Raw("DS", b"1.50", True)}
    assert big.number(ROWS) == 6
    none = walk(plain(ROWS, 2, b"\6\0") + plain(ECHO, 4, b"1.50"), IMPLICIT)
    assert none.found == {ROWS: Raw("", b"\6\0"), ECHO: Raw("", b"1.50")}
    assert (none.number(ROWS), none.number(ECHO)) == (6.0, 1.5)


@pytest.mark.parametrize("vr", ["OB", "UN", "UT", "UC", "OW", "OF", "OD", "UR", "SV"])
def test_a_long_representation_has_its_length_in_four_bytes(vr: str) -> None:
    found = walk(long(ECHO, vr, 4, b"1.50") + SIX)
    assert found.found[ECHO] == Raw(vr, b"1.50")
    assert found.number(ROWS) == 6


SHORT = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"


@pytest.mark.parametrize("vr", SHORT.split())
def test_a_short_representation_has_its_length_in_two_bytes(vr: str) -> None:
    found = walk(short(ECHO, vr, b"1.50") + SIX)
    assert found.found[ECHO] == Raw(vr, b"1.50")
    assert found.number(ROWS) == 6


@pytest.mark.parametrize("vr", ["XX", "  ", "ds"])
def test_an_unknown_representation_is_broken(vr: str) -> None:
    with pytest.raises(BrokenError):
        walk(short(ECHO, vr, b"1.50") + SIX)


@pytest.mark.parametrize(("length", "kept"), [(65_535, True), (65_536, True), (65_537, False)])
def test_a_value_of_more_than_2_to_the_16_bytes_is_passed_over(length: int, kept: bool) -> None:
    found = walk(long(0x0008103E, "UT", length, b"x" * length) + SIX)
    assert (0x0008103E in found.found) is kept
    assert found.number(ROWS) == 6


def test_only_known_elements_are_kept() -> None:
    patient_name = short(0x00100010, "PN", b"A^B ")
    private = short(0x00190010, "LO", b"VENDOR") + short(0x0019100C, "IS", b"80")
    other = short(0x00110010, "LO", b"SOMEBODY")
    found = walk(patient_name + private + other + SIX)
    assert set(found.found) == {ROWS}
    assert found.private == {0x00190010: Raw("LO", b"VENDOR"), 0x0019100C: Raw("IS", b"80")}
    none = walk(plain(0x00190010, 6, b"VENDOR") + plain(0x00100010, 4, b"A^B "), IMPLICIT)
    assert none.private == {0x00190010: Raw("", b"VENDOR")}
    assert none.found == {}


@pytest.mark.parametrize("tag", [0x7FE00008, 0x7FE00009, 0x7FE00010])
def test_reading_stops_at_the_pixels(tag: int) -> None:
    data = SIX + long(tag, "OW", 4, b"abcd") + SEVEN
    found = walk(data, whole=False)
    assert (found.pixel_tag, found.pixel_offset, found.pixel_length) == (tag, len(SIX) + 12, 4)
    assert set(found.found) == {ROWS}
    implicit = walk(plain(tag, 4, b"abcd"), IMPLICIT)
    assert (implicit.pixel_tag, implicit.pixel_offset, implicit.pixel_length) == (tag, 8, 4)


def test_compressed_pixels_have_no_length() -> None:
    found = walk(long(0x7FE00010, "OB", OPEN))
    assert (found.pixel_length, found.pixel_offset) == (OPEN, 12)


def test_a_data_set_without_pixels_ends_with_the_file() -> None:
    assert walk(SIX).pixel_tag == 0
    with pytest.raises(ShortError):
        walk(SIX, whole=False)


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_cut_element_is_broken_in_a_whole_file_and_asks_for_more_in_another(cut: int) -> None:
    data = SIX + SEVEN[:-cut]
    with pytest.raises(BrokenError):
        walk(data)
    with pytest.raises(ShortError):
        walk(data, whole=False)


def sequence(*items: bytes, tag: int = PER_FRAME, closed: bool = False) -> bytes:
    """Write a sequence and its items, with lengths or with delimiters."""
    if closed:
        body = b"".join(plain(ITEM, len(i), i) for i in items)
        return long(tag, "SQ", len(body), body)
    body = b"".join(plain(ITEM, OPEN, i) + plain(ITEM_END, 0) for i in items)
    return long(tag, "SQ", OPEN, body + plain(SEQUENCE_END, 0))


@pytest.mark.parametrize("closed", [False, True])
def test_each_item_is_read_and_reading_goes_on_behind_the_sequence(closed: bool) -> None:
    found = walk(sequence(SIX, SEVEN, SIX + SEVEN, closed=closed) + SEVEN)
    items = found.items[PER_FRAME]
    assert [(i.number(ROWS), i.number(COLUMNS)) for i in items] == [
        (6.0, None),
        (None, 7.0),
        (6.0, 7.0),
    ]
    assert found.number(COLUMNS) == 7
    assert found.number(ROWS) is None


@pytest.mark.parametrize("closed", [False, True])
def test_a_sequence_that_is_not_read_is_passed_over(closed: bool) -> None:
    other = sequence(SIX, sequence(SIX), tag=0x00081111, closed=closed)
    found = walk(other + SEVEN)
    assert (found.items, set(found.found)) == ({}, {COLUMNS})


def test_a_sequence_that_comes_twice_has_the_items_of_both() -> None:
    assert len(walk(sequence(SIX) + sequence(SEVEN)).items[PER_FRAME]) == 2


def test_an_implicit_sequence_is_known_by_its_tag() -> None:
    item = plain(ITEM, 10, plain(ROWS, 2, b"\6\0"))
    found = walk(plain(PER_FRAME, len(item), item), IMPLICIT)
    assert [i.number(ROWS) for i in found.items[PER_FRAME]] == [6.0]
    open_one = plain(PER_FRAME, OPEN, item + plain(SEQUENCE_END, 0))
    assert len(walk(open_one, IMPLICIT).items[PER_FRAME]) == 1


def test_an_unknown_sequence_of_undefined_length_is_written_implicitly() -> None:
    item = plain(ITEM, 10, plain(ROWS, 2, b"\6\0"))
    found = walk(long(PER_FRAME, "UN", OPEN, item + plain(SEQUENCE_END, 0)) + SEVEN)
    assert [i.number(ROWS) for i in found.items[PER_FRAME]] == [6.0]
    assert found.number(COLUMNS) == 7


def test_pixels_inside_an_item_are_no_pixels_of_the_file() -> None:
    icon = sequence(SIX + PIXELS + SEVEN)
    found = walk(icon + SIX + long(0x7FE00010, "OW", 2, b"xy"))
    (item,) = found.items[PER_FRAME]
    assert (item.pixel_tag, item.number(COLUMNS)) == (0, 7.0)
    assert found.pixel_length == 2


@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_fragments_inside_an_item_are_passed_over_piece_by_piece(vr: str) -> None:
    pieces = plain(ITEM, 0) + plain(ITEM, 3, b"\xff\xd8x") + plain(ITEM, 5, b"12345")
    icon = sequence(long(0x7FE00010, vr, OPEN, pieces + plain(SEQUENCE_END, 0)) + SEVEN)
    found = walk(icon + SIX)
    assert found.items[PER_FRAME][0].number(COLUMNS) == 7
    assert found.number(ROWS) == 6


@pytest.mark.parametrize(
    "data",
    [
        long(PER_FRAME, "SQ", OPEN, SIX),
        long(PER_FRAME, "SQ", 8, plain(ITEM_END, 0)),
        long(PER_FRAME, "SQ", OPEN, plain(ITEM, 8, SIX)),
        long(PER_FRAME, "SQ", 8, plain(ITEM, 2)),
        long(PER_FRAME, "SQ", 20, plain(ITEM, 10, SIX)),
        long(PER_FRAME, "SQ", 8, plain(SEQUENCE_END, 0)),
        plain(ITEM_END, 0),
        plain(SEQUENCE_END, 0),
        plain(ITEM, 0),
        sequence(plain(SEQUENCE_END, 0)),
        sequence(long(0x7FE00010, "OB", OPEN, SIX)),
        sequence(long(0x7FE00010, "OB", OPEN, plain(ITEM, 200))),
    ],
    ids=[
        "no item", "an end for an item", "item cut", "item beyond its sequence",
        "sequence beyond the file", "an end in a closed sequence", "an end outside",
        "a sequence's end outside", "an item outside", "a sequence's end in an item",
        "no fragment", "a fragment beyond the file",
    ],
)  # fmt: skip
def test_what_is_out_of_place_is_broken(data: bytes) -> None:
    with pytest.raises(BrokenError):
        walk(data)


def test_the_meta_group_ends_where_another_group_begins() -> None:
    meta = short(0x00020010, "UI", b"1.2.840.10008.1.2.1\0") + long(0x00020001, "OB", 2, b"\0\1")
    data = b"front" + meta + SIX
    found, end = Walker(data, whole=True).meta(5)
    assert found.text(0x00020010) == "1.2.840.10008.1.2.1"
    assert (set(found.found), end) == ({0x00020010}, 5 + len(meta))


@pytest.mark.parametrize(("length", "good"), [(65_536, True), (65_537, False)])
def test_a_meta_element_has_at_most_2_to_the_16_bytes(length: int, good: bool) -> None:
    walker = Walker(long(0x00020102, "OB", length, b"x" * length) + SIX, whole=True)
    if good:
        assert walker.meta(0)[1] == 12 + length
    else:
        with pytest.raises(BrokenError):
            walker.meta(0)


def test_a_meta_group_that_may_go_on_asks_for_more() -> None:
    meta = short(0x00020010, "UI", b"1.2\0")
    with pytest.raises(ShortError):
        Walker(meta, whole=False).meta(0)
    with pytest.raises(ShortError):
        Walker(meta + SIX[:7], whole=False).meta(0)
    assert Walker(meta + SIX[:8], whole=False).meta(0)[1] == len(meta)
    assert Walker(meta, whole=True).meta(0)[1] == len(meta)


@pytest.mark.parametrize(
    ("data", "explicit"),
    [(SIX, True), (long(ROWS, "OB", 0), True), (plain(ROWS, 2), False), (b"", False)],
)
def test_bytes_that_name_a_representation_look_explicit(data: bytes, explicit: bool) -> None:
    assert looks_explicit(b"ab" + data, 2) is explicit
