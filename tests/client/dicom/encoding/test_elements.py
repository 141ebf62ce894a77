"""Values of elements: texts, numbers in every representation, and vendors' private blocks."""

import struct

import pytest
from hepafed.client.dicom.encoding.elements import Elements, Raw, every, numbers_of, text_of

ROWS, DESCRIPTION, TYPE, ECHO = 0x00280010, 0x0008103E, 0x00080008, 0x00180081


@pytest.mark.parametrize(
    ("vr", "code", "value"),
    [
        ("US", "H", 40000), ("SS", "h", -3), ("UL", "I", 3_000_000_000), ("SL", "i", -70000),
        ("FL", "f", 1.5), ("FD", "d", 0.1), ("SV", "q", -(2**40)), ("UV", "Q", 2**50),
    ],
)  # fmt: skip
@pytest.mark.parametrize("big", [False, True])
def test_binary_numbers_of_either_byte_order(vr: str, code: str, value: float, big: bool) -> None:
    order = ">" if big else "<"
    raw = struct.pack(f"{order}2{code}", value, 1)
    assert numbers_of(Raw(vr, raw, big), "DS") == (value, 1.0)
    assert numbers_of(Raw(vr, raw[:-1], big), "DS") == (value,)


@pytest.mark.parametrize("stated", ["", "UN", "OB", "OW"])
def test_an_unstated_representation_is_the_standards(stated: str) -> None:
    assert numbers_of(Raw(stated, b"\x06\x00"), "US") == (6.0,)
    assert numbers_of(Raw(stated, b"6"), "DS") == (6.0,)


def test_a_stated_representation_is_believed() -> None:
    assert numbers_of(Raw("DS", b"12"), "US") == (12.0,)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (b"1.5\\-2\\3e2", (1.5, -2.0, 300.0)),
        (b" 1.5 \x00", (1.5,)),
        (b"1\\2\\", (1.0, 2.0)),
        (b"1\\\\2", None),
        (b"", None),
        (b"one", None),
        (b"1\\nan", None),
        (b"inf", None),
        (b"1\\-1e999", None),
        (b"1" + b" " * 4095, (1.0,)),
        (b"1" + b" " * 4096, None),
    ],
    ids=["three", "padded", "open end", "gap", "empty", "word", "nan", "inf", "huge", "4096",
         "4097"],
)  # fmt: skip
def test_decimal_strings_are_all_finite_numbers_or_none(
    text: bytes, numbers: tuple[float, ...] | None
) -> None:
    assert numbers_of(Raw("DS", text), "DS") == numbers


def test_binary_numbers_are_finite_too() -> None:
    assert numbers_of(Raw("FD", struct.pack("<2d", 1.0, float("nan"))), "FD") is None
    assert numbers_of(Raw("FD", b""), "FD") is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b" a b \x00", "a b"),
        ("größe".encode(), "größe"),
        ("größe".encode("latin-1"), "größe"),
        (b"", ""),
    ],
)
def test_texts_are_trimmed_and_never_fail(raw: bytes, text: str) -> None:
    assert text_of(Raw("LO", raw)) == text


def test_elements_give_their_values_or_nothing() -> None:
    found = {TYPE: Raw("CS", b"A \\ B\\"), DESCRIPTION: Raw("LO", b" t2 "), ROWS: Raw("", b"\7\0")}
    some = Elements(found=found)
    assert (some.text(DESCRIPTION), some.texts(TYPE), some.number(ROWS)) == (
        "t2",
        ("A", "B", ""),
        7.0,
    )
    assert (some.text(ECHO), some.texts(ECHO), some.number(ECHO), some.numbers(ECHO)) == (
        "",
        (),
        None,
        None,
    )
    assert Elements(found={ECHO: Raw("DS", b"3\\4")}).number(ECHO) == 3.0


def test_the_first_item_of_a_sequence_counts() -> None:
    first, second = (Elements(found={ROWS: Raw("", bytes((n, 0)))}) for n in (1, 2))
    top = Elements(items={5: [first, second], 6: [second], 7: []})
    assert top.within(5) is first
    assert top.within(7).number(ROWS) is None
    assert top.within(8).number(ROWS) is None
    assert [e.number(ROWS) for e in every(top, (6, 8, 5))] == [2.0, 1.0]


B = 0x0019_000C
SIEMENS, GE = b"SIEMENS MR HEADER", b"GEMS_ACQU_01"


def private(*pairs: tuple[int, Raw]) -> dict[str, Raw]:
    return Elements(private=dict(pairs)).vendor()


@pytest.mark.parametrize("creator", [SIEMENS, b"Siemens MR Header ", b"siemens mr header"])
@pytest.mark.parametrize("block", [0x10, 0x11, 0xFF])
def test_a_private_element_is_found_by_its_creator_in_any_block(creator: bytes, block: int) -> None:
    raw = Raw("IS", b"800")
    tags = (0x00190000 | block, Raw("LO", creator)), (0x00190000 | block << 8 | 0x0C, raw)
    assert private(*tags) == {"siemens_b": raw}


def test_a_block_without_its_creator_is_the_vendors_usual_one_only() -> None:
    raw, axis = Raw("IS", b"800"), Raw("DS", b"1")
    assert private((0x0019100C, raw), (0x001910BB, axis)) == {"siemens_b": raw, "ge_x": axis}
    assert private((0x0019110C, raw)) == {}


def test_an_element_below_the_blocks_or_of_another_creator_is_none() -> None:
    raw = Raw("IS", b"800")
    assert private((0x00190F0C, raw)) == {}
    assert private((0x00190010, Raw("LO", GE)), (0x0019100C, raw)) == {}
    assert private((0x00190010, Raw("LO", SIEMENS)), (0x0019100F, raw)) == {}


@pytest.mark.parametrize(
    ("stated", "read"), [("", "IS"), ("UN", "IS"), ("OB", "IS"), ("DS", "DS"), ("OW", "OW")]
)
def test_a_private_element_without_representation_has_the_vendors(stated: str, read: str) -> None:
    tags = (0x00190010, Raw("LO", SIEMENS)), (0x0019100C, Raw(stated, b"800", True))
    assert private(*tags) == {"siemens_b": Raw(read, b"800", True)}
