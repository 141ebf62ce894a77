"""b-values, directions and scale slopes, where the standard and each vendor put them."""

import struct

import pytest
from hepafed.client.dicom.encoding.elements import Elements, Raw
from hepafed.client.dicom.encoding.vendors import (
    b_value_of,
    direction_of,
    grid,
    isotropic,
    scale_slope_of,
)

DIFFUSION, DIRECTIONS = 0x00189117, 0x00189076
B, WAY, KIND, COMMENT = 0x00189087, 0x00189089, 0x00189075, 0x00204000
EMPTY = Elements()


def doubles(*values: float) -> Raw:
    return Raw("FD", struct.pack(f"<{len(values)}d", *values))


def number(value: float) -> Raw:
    return Raw("DS", f"{value}".encode())


def of(**changes: float) -> dict[str, Raw]:
    """Give vendors' elements by our names."""
    return {name: number(value) for name, value in changes.items()}


def comment(text: str) -> Elements:
    return Elements(found={COMMENT: Raw("LT", text.encode())})


def diffusion(tag: int, raw: Raw) -> Elements:
    return Elements(items={DIFFUSION: [Elements(found={tag: raw})]})


def test_the_frames_b_value_comes_before_the_files() -> None:
    own, file = diffusion(B, doubles(50)), Elements(found={B: doubles(800)})
    assert b_value_of(file, own, {}) == 50.0
    assert b_value_of(file, EMPTY, {}) == 800.0
    assert b_value_of(file, None, {}) == 800.0
    assert b_value_of(EMPTY, Elements(found={B: doubles(7)}), {}) == 7.0
    both = Elements(found={B: doubles(3)}, items=own.items)
    assert b_value_of(both, None, {}) == 50.0


def test_the_standards_b_value_may_be_0_and_not_negative() -> None:
    assert b_value_of(Elements(found={B: doubles(0)}), None, of(siemens_b=800)) == 0.0
    assert b_value_of(Elements(found={B: doubles(-1)}), None, of(siemens_b=800)) == 800.0
    assert b_value_of(Elements(found={B: doubles(-1)}), None, {}) is None


@pytest.mark.parametrize(
    ("name", "value", "b"),
    [
        ("siemens_b", 800, 800.0),
        ("siemens_b", 0, 0.0),
        ("siemens_b", -1, None),
        ("siemens_b", 999_999, 999_999.0),
        ("siemens_b", 1_000_000, None),
        ("philips_b", 1_000_050, None),
        ("uih_b", 600.5, 600.5),
        ("ge_b", 50, 50.0),
        ("ge_b", 0, 0.0),
        ("ge_b", -5, None),
        ("ge_b", 99_999, 99_999.0),
        ("ge_b", 100_800, 800.0),
        ("ge_b", 999_999, 99_999.0),
        ("ge_b", 1_000_000, 0.0),
        ("ge_b", 1_000_800, 800.0),
        ("ge_b", 1_000_000_800, 800.0),
    ],
)
def test_vendors_b_values_lie_within_their_range(name: str, value: float, b: float | None) -> None:
    assert b_value_of(EMPTY, None, of(**{name: value})) == b


def test_a_vendors_impossible_b_value_lets_the_next_speak() -> None:
    assert b_value_of(EMPTY, None, of(siemens_b=-1, philips_b=400)) == 400.0
    assert b_value_of(EMPTY, None, of(siemens_b=1, ge_b=2, philips_b=3, uih_b=4)) == 1.0
    assert b_value_of(EMPTY, None, of(ge_b=2, philips_b=3, uih_b=4)) == 2.0
    assert b_value_of(EMPTY, None, of(philips_b=3, uih_b=4)) == 3.0


@pytest.mark.parametrize(
    ("text", "b"),
    [
        ("b=1000", 1000.0),
        ("B = 50.5(0,0,1)", 50.5),
        ("b=99999", 99999.0),
        ("b=123456", None),
        ("b 800", None),
        ("the b=800", None),
        ("b=800x", None),
    ],
)
def test_canons_comment_gives_the_b_value_at_its_beginning(text: str, b: float | None) -> None:
    assert b_value_of(comment(text), None, {}) == b


def test_a_vendors_element_comes_before_the_comment() -> None:
    assert b_value_of(comment("b=1000"), None, of(siemens_b=800)) == 800.0


def test_a_direction_is_read_from_the_frame_then_the_file_then_the_vendor() -> None:
    inner = Elements(found={WAY: doubles(0, 0, 1)})
    item = Elements(found={WAY: doubles(0, 1, 0)}, items={DIRECTIONS: [inner]})
    frame = Elements(items={DIFFUSION: [item]})
    file = Elements(found={WAY: doubles(1, 0, 0)})
    siemens = {"siemens_direction": doubles(0, -1, 0)}
    assert direction_of(file, frame, siemens) == (0.0, 0.0, 1.0)
    bare = Elements(items={DIFFUSION: [Elements(found={WAY: doubles(0, 1, 0)})]})
    assert direction_of(file, bare, siemens) == (0.0, 1.0, 0.0)
    assert direction_of(file, None, siemens) == (1.0, 0.0, 0.0)
    assert direction_of(EMPTY, EMPTY, siemens) == (0.0, -1.0, 0.0)


@pytest.mark.parametrize(
    ("way", "good"),
    [
        ((0.0, 0.0, 0.0), False),
        ((0.7, 0.0, 0.0), False),
        ((0.71, 0.0, 0.0), True),
        ((1.22, 0.0, 0.0), True),
        ((1.23, 0.0, 0.0), False),
        ((-1.0, 0.0, 0.0), True),
        ((0.6, 0.8), False),
        ((0.5, 0.5, 0.5, 0.5), False),
    ],
)
def test_a_direction_is_three_numbers_of_about_unit_length(
    way: tuple[float, ...], good: bool
) -> None:
    file = Elements(found={WAY: doubles(*way)})
    assert direction_of(file, None, {}) == (way if good else None)
    vendor = {"uih_direction": doubles(*way)}
    assert direction_of(EMPTY, None, vendor) == (way if good else None)


def test_a_direction_in_three_elements_needs_all_three_in_order() -> None:
    philips = of(philips_x=0.0, philips_y=0.6, philips_z=0.8)
    ge = of(ge_x=0.8, ge_y=-0.6, ge_z=0.0)
    assert direction_of(EMPTY, None, philips | ge) == (0.0, 0.6, 0.8)
    assert direction_of(EMPTY, None, ge) == (0.8, -0.6, 0.0)
    assert direction_of(EMPTY, None, of(ge_x=0.8, ge_y=0.6)) is None
    siemens = {"siemens_direction": doubles(1, 0, 0)}
    assert direction_of(EMPTY, None, philips | siemens) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("b=1500(0.6,-0.8,0.000)", (0.6, -0.8, 0.0)),
        ("b=1500(0,0,0)", None),
        ("b=1500", None),
        ("b=1500(0.6,0.8)", None),
        ("b=1500(0.6,0.8,.)", None),
        ("(0,0,1)", None),
    ],
)
def test_canons_comment_gives_a_direction_last(text: str, way: tuple[float, ...] | None) -> None:
    assert direction_of(comment(text), None, {}) == way
    assert direction_of(comment(text), None, of(ge_x=0, ge_y=0, ge_z=1)) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(("word", "yes"), [("ISOTROPIC", True), ("DIRECTIONAL", False)])
def test_the_standards_word_decides_what_is_isotropic(word: str, yes: bool) -> None:
    raw = Raw("CS", word.encode())
    other = of(ge_collapse=14 if yes else 15)
    assert isotropic(Elements(found={KIND: raw}), None, other) is yes
    assert isotropic(EMPTY, diffusion(KIND, raw), other) is yes
    contrary = Elements(found={KIND: Raw("CS", b"NONE" if yes else b"ISOTROPIC")})
    assert isotropic(contrary, diffusion(KIND, raw), {}) is yes


@pytest.mark.parametrize(
    ("private", "yes"),
    [
        ({"philips_directionality": Raw("CS", b"I ")}, True),
        ({"philips_directionality": Raw("CS", b"D")}, False),
        ({"philips_directionality": Raw("CS", b"D")} | of(ge_collapse=15), False),
        (of(ge_collapse=15), True),
        (of(ge_collapse=14), False),
        (of(ge_collapse=16), False),
        ({}, False),
    ],
    ids=["philips I", "philips D", "philips D before ge", "ge 15", "ge 14", "ge 16", "nothing"],
)
def test_vendors_marks_of_a_trace_image(private: dict[str, Raw], yes: bool) -> None:
    assert isotropic(EMPTY, None, private) is yes


@pytest.mark.parametrize(
    ("private", "slope"),
    [
        (of(philips_scale_slope=0.25), 0.25),
        (of(philips_scale_slope=0), None),
        (of(philips_scale_slope=-1), None),
        ({"philips_scale_slope": Raw("DS", b"x")}, None),
        ({}, None),
    ],
    ids=["positive", "zero", "negative", "no number", "missing"],
)
def test_a_scale_slope_is_positive_or_not_used(
    private: dict[str, Raw], slope: float | None
) -> None:
    assert scale_slope_of(private) == slope


@pytest.mark.parametrize(("tiles", "sheet"), [(1, False), (1.5, True), (2, True), (0, False)])
def test_a_sheet_of_more_than_one_tile_is_a_grid(tiles: float, sheet: bool) -> None:
    assert grid(of(uih_grid=tiles)) is sheet
    assert grid({}) is False
