"""What an image file must be: its sizes and bits at their limits, its pixels, its shared fields."""

import pytest
from hepafed.client.dicom.encoding.elements import Elements, Raw
from hepafed.client.dicom.encoding.image import plain_words
from hepafed.client.dicom.encoding.reasons import BrokenFileError, SetAsideError
from hepafed.common.errors import DicomError

from tests.client.dicom.encoding.data_sets import image, one, place, slices

UNDEFINED = 0xFFFFFFFF
BITS = "the bits of a pixel make no sense"
SIZE = "a size of the image is not one whole number"
LARGE = "the image is too large"
SHORT = "the pixel data is shorter than the image"


def reason(top: Elements, syntax: str = "1.2.840.10008.1.2.1", size: int = 1 << 40) -> str:
    """Give why a file is not taken; "" where it is."""
    try:
        slices(top, place(syntax, size))
    except DicomError as e:
        return e.message
    return ""


@pytest.mark.parametrize(
    "keyword", ["Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"]
)
@pytest.mark.parametrize("value", ["-1", "1.5", "4\\4", "x", "2147483648", ""])
def test_a_size_is_one_whole_number_below_2_to_the_31(keyword: str, value: str) -> None:
    assert reason(image(**{keyword: value})) == SIZE


def test_sizes_that_are_missing_have_their_defaults() -> None:
    h = one(BitsStored=None, HighBit=None, SamplesPerPixel=None)
    assert (h.bits_stored, h.high_bit, h.frames) == (16, 15, 1)
    h = one(HighBit=None)
    assert (h.bits_stored, h.high_bit) == (12, 11)


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "NumberOfFrames"])
def test_an_image_has_rows_columns_and_frames(keyword: str) -> None:
    assert reason(image(**{keyword: 0})) == "the image has no rows, columns or frames"


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
def test_an_image_without_its_size_has_none(keyword: str) -> None:
    assert reason(image(**{keyword: None})) == "the image has no rows, columns or frames"


@pytest.mark.parametrize(
    ("rows", "columns", "told"), [(8192, 16384, ""), (8193, 16384, LARGE), (16384, 8193, LARGE)]
)
def test_a_file_holds_at_most_2_to_the_27_voxels(rows: int, columns: int, told: str) -> None:
    assert reason(image(Rows=rows, Columns=columns)) == told


@pytest.mark.parametrize(
    ("frames", "rows", "large"),
    [(16384, 1, False), (16385, 1, True), (8192, 2048, False), (8192, 2049, True)],
)
def test_a_file_holds_at_most_2_to_the_14_frames(frames: int, rows: int, large: bool) -> None:
    top = image(NumberOfFrames=frames, Rows=rows, Columns=8)
    told = LARGE if large else "several frames in a file of a single-frame kind"
    assert reason(top) == told


@pytest.mark.parametrize(
    ("bits", "stored", "high", "told"),
    [
        (16, 16, 15, ""),
        (16, 1, 0, ""),
        (16, 0, 0, BITS),
        (16, 17, 16, BITS),
        (16, 12, 12, BITS),
        (16, 12, 10, BITS),
        (8, 8, 7, ""),
        (8, 9, 8, BITS),
        (32, 32, 31, ""),
        (1, 1, 0, "a pixel does not fill one, two or four bytes"),
        (12, 12, 11, "a pixel does not fill one, two or four bytes"),
        (24, 24, 23, "a pixel does not fill one, two or four bytes"),
        (64, 64, 63, "a pixel does not fill one, two or four bytes"),
    ],
)
def test_a_pixel_fills_whole_bytes_and_its_stored_bits_are_the_lowest(
    bits: int, stored: int, high: int, told: str
) -> None:
    assert reason(image(BitsAllocated=bits, BitsStored=stored, HighBit=high)) == told


@pytest.mark.parametrize(
    ("length", "size", "told"),
    [(48, 148, ""), (47, 148, SHORT), (48, 147, SHORT), (50, 1000, ""), (1000, 147, SHORT)],
)
def test_the_pixels_are_as_long_as_the_image_in_the_element_and_in_the_file(
    length: int, size: int, told: str
) -> None:
    assert reason(image(length, 100), size=size) == told


@pytest.mark.parametrize(("bits", "length"), [(8, 24), (16, 48), (32, 96)])
def test_the_bytes_that_are_needed_follow_the_bits(bits: int, length: int) -> None:
    changes = {"BitsAllocated": bits, "BitsStored": 8, "HighBit": 7}
    assert reason(image(length, **changes)) == ""
    assert reason(image(length - 1, **changes)) == SHORT


def test_a_colour_image_is_judged_by_its_whole_length_first() -> None:
    assert reason(image(144, SamplesPerPixel=3)) == "a colour image"
    assert reason(image(143, SamplesPerPixel=3)) == SHORT


COMPRESSED = ("5", "4.50", "4.51", "4.57", "4.70", "4.80", "4.81", "4.90", "4.91", "4.201",
              "4.202", "4.203")  # fmt: skip
LOSSY = {"4.50", "4.51", "4.81", "4.91", "4.203"}


@pytest.mark.parametrize("end", COMPRESSED)
def test_compressed_pixels_are_encapsulated_and_lossy_ones_are_known(end: str) -> None:
    syntax = f"1.2.840.10008.1.2.{end}"
    assert reason(image(UNDEFINED), syntax) == ""
    assert reason(image(48), syntax) == "compressed pixels that are not encapsulated"
    (h,) = slices(image(UNDEFINED), place(syntax))
    assert (h.lossy, h.native, h.transfer_syntax) == (end in LOSSY, False, syntax)


@pytest.mark.parametrize("end", ["1", "4.92", "4.100", "4.102", "4.110", "4.205", "6.1"])
def test_other_encapsulated_syntaxes_cannot_be_decoded(end: str) -> None:
    told = "a transfer syntax that cannot be decoded"
    assert reason(image(UNDEFINED), f"1.2.840.10008.1.2.{end}") == told


@pytest.mark.parametrize("end", ["", ".1", ".2", ".1.99"])
def test_native_pixels_lie_in_the_file_as_they_are(end: str) -> None:
    (h,) = slices(image(48), place(f"1.2.840.10008.1.2{end}"))
    assert (h.native, h.lossy, h.big) == (True, False, end == ".2")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, ""),
        ({"PhotometricInterpretation": "RGB"}, "a colour image"),
        ({"PhotometricInterpretation": None}, "a colour image"),
        ({"SamplesPerPixel": 0}, "a colour image"),
        ({"SamplesPerPixel": 2}, "a colour image"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]},
         "a mosaic: a sheet of tiles, not a slice"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "MOSAICS"]}, ""),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_grey_slice_is_set_aside(changes: dict[str, object], told: str) -> None:
    top = image(**changes)  # type: ignore[arg-type]
    assert reason(top) == told
    if told:
        with pytest.raises(SetAsideError):
            slices(top)


@pytest.mark.parametrize("tag", [0x7FE00008, 0x7FE00009])
def test_floating_point_pixels_are_set_aside(tag: int) -> None:
    top = image()
    top.pixel_tag = tag
    assert reason(top) == "a map of floating-point pixels"


def test_a_united_imaging_tile_sheet_is_set_aside() -> None:
    top = image()
    top.private = {
        0x00650010: Raw("LO", b"IMAGE PRIVATE HEADER"), 0x00651050: Raw("DS", b"20"),
    }  # fmt: skip
    with pytest.raises(SetAsideError, match="mosaic"):
        slices(top)


def test_the_shared_fields_are_those_of_the_file() -> None:
    top = image(
        offset=77, SOPInstanceUID="9.1", PatientID="PX", StudyInstanceUID="9.2",
        SeriesInstanceUID="9.3", Manufacturer="Siemens Healthineers", SequenceVariant=["SK", "SP"],
        ScanOptions=["FS", "PFP"], MRAcquisitionType="3D", MagneticFieldStrength=1.5,
        AcquisitionNumber=4, PixelRepresentation=1, SeriesDescription="T1_Vibe-FS",
        ProtocolName="other",
    )  # fmt: skip
    (h,) = slices(top)
    assert (h.path, h.name, h.member, h.frame, h.frames) == ("/nowhere/x", "x", "", 0, 1)
    assert (h.instance, h.patient_id, h.study, h.series) == ("9.1", "PX", "9.2", "9.3")
    assert h.manufacturer == "SIEMENS HEALTHINEERS"
    assert (h.variant, h.options) == (("SK", "SP"), ("FS", "PFP"))
    assert (h.volumetric, h.field_strength, h.acquisition) == (True, 1.5, 4.0)
    assert (h.rows, h.columns, h.bits_allocated, h.bits_stored, h.high_bit) == (4, 6, 16, 12, 11)
    assert (h.signed, h.pixel_offset, h.description) == (True, 77, "t1 vibe fs")


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"MRAcquisitionType": "2D"}, "volumetric", False),
        ({"PixelRepresentation": 0}, "signed", False),
        ({"PixelRepresentation": None}, "signed", False),
        ({"LossyImageCompression": "01"}, "lossy", True),
        ({"LossyImageCompression": "00"}, "lossy", False),
        ({"ProtocolName": "abd_T2"}, "description", "abd t2"),
        ({"SeriesDescription": ["t2", "fs"]}, "description", "t2 fs"),
        ({}, "description", ""),
        ({}, "scale_slope", None),
    ],
    ids=str,
)
def test_a_shared_field_follows_its_element(
    changes: dict[str, object], field: str, value: object
) -> None:
    assert getattr(one(**changes), field) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("T1_Vibe-FS  (2)", "t1 vibe fs 2"),
        ("__a__b__", "a b"),
        ("Größe+C", "größe c"),
        ("", ""),
        ("*-*", ""),
    ],
)
def test_words_are_lower_case_and_one_space_apart(text: str, words: str) -> None:
    assert plain_words(text) == words


def test_a_broken_image_is_refused_and_not_set_aside() -> None:
    for top in (image(Rows=0), image(HighBit=3), image(10), image(BitsAllocated=12, HighBit=11)):
        with pytest.raises(BrokenFileError):
            slices(top)
