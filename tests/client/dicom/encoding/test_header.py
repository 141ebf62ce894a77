"""What is read of a file's header: vendors' attributes, plain values, and nothing identifying."""

import dataclasses
import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.read import read_headers
from hepafed.client.dicom.encoding.reasons import BrokenFileError, SetAsideError
from hepafed.client.ingest.inspect import inspect
from hepafed.common.errors import DicomError
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ImplicitVRLittleEndian

from tests.client.dicom.builder import NATIVE, axial, classic, encoded, enhanced, save

GE = "GEMS_PARM_01"
SIEMENS = "SIEMENS MR HEADER"
PHILIPS = "Philips Imaging DD 001"
PHILIPS_MR = "Philips MR Imaging DD 001"
UNITED = "Image Private Header"


def read(tmp_path: Path, ds: Dataset, syntax: str = NATIVE[0]) -> Header:
    path = tmp_path / "x"
    path.write_bytes(encoded(ds, syntax))
    (header,) = read_headers(path, "x")
    return header


def one(*private: tuple[int, str, int, str, object], **attributes: object) -> Dataset:
    stack = dataclasses.replace(axial(), private=private).with_attributes(**attributes)
    return classic(stack)[0]


@pytest.mark.parametrize("syntax", NATIVE)
def test_every_native_syntax_gives_the_same_header(tmp_path: Path, syntax: str) -> None:
    reference = read(tmp_path, one())
    found = read(tmp_path, one(), syntax)
    same = {"transfer_syntax": "", "big": False, "pixel_offset": 0}
    assert dataclasses.replace(found, **same) == dataclasses.replace(reference, **same)


@pytest.mark.parametrize("syntax", NATIVE[:2])
@pytest.mark.parametrize(
    ("private", "b"),
    [
        ((0x0019, SIEMENS, 0x0C, "IS", 800), 800.0),
        ((0x0043, GE, 0x39, "IS", [1000000800, 8, 0, 0]), 800.0),
        ((0x0043, GE, 0x39, "IS", [50, 8, 0, 0]), 50.0),
        ((0x2001, PHILIPS, 0x03, "FL", 400.0), 400.0),
        ((0x0065, UNITED, 0x09, "FD", 600.0), 600.0),
    ],
)
def test_a_vendors_private_b_value_is_read(
    tmp_path: Path, private: tuple[int, str, int, str, object], b: float, syntax: str
) -> None:
    assert read(tmp_path, one(private), syntax).b_value == b


def test_a_private_block_is_found_where_a_pacs_moved_it(tmp_path: Path) -> None:
    ds = one()
    ds.private_block(0x0019, "SOMEBODY ELSE", create=True).add_new(0x0C, "IS", 7)
    ds.private_block(0x0019, SIEMENS, create=True).add_new(0x0C, "IS", 800)
    assert ds[0x0019, 0x110C].value == 800
    assert read(tmp_path, ds).b_value == 800.0


def test_another_creators_element_is_no_b_value(tmp_path: Path) -> None:
    assert read(tmp_path, one((0x0019, "SOMEBODY ELSE", 0x0C, "IS", 7))).b_value is None


def test_the_standards_b_value_wins_and_canons_comment_is_the_last(tmp_path: Path) -> None:
    private = (0x0019, SIEMENS, 0x0C, "IS", 7)
    assert read(tmp_path, one(private, DiffusionBValue=800.0)).b_value == 800.0
    assert read(tmp_path, one(ImageComments="b=1000(0.1,0.2,0.9)")).b_value == 1000.0
    assert read(tmp_path, one(ImageComments="breath hold 12")).b_value is None


def test_vendors_directions_and_trace_marks_are_read(tmp_path: Path) -> None:
    siemens = (0x0019, SIEMENS, 0x0E, "FD", [0.0, 1.0, 0.0])
    assert read(tmp_path, one(siemens)).direction == (0.0, 1.0, 0.0)
    philips = tuple((0x2005, PHILIPS_MR, 0xB0 + n, "FL", float(n == 2)) for n in range(3))
    assert read(tmp_path, one(*philips)).direction == (0.0, 0.0, 1.0)
    assert read(tmp_path, one((0x2001, PHILIPS, 0x04, "CS", "I"))).isotropic
    assert read(tmp_path, one((0x0043, GE, 0x30, "IS", 15))).isotropic
    assert read(tmp_path, one(DiffusionDirectionality="ISOTROPIC")).isotropic
    canon = read(tmp_path, one(ImageComments="b=1500(0.445,0.000,0.895)"))
    assert canon.direction == (0.445, 0.0, 0.895)


def test_a_header_survives_pickle_and_json(tmp_path: Path) -> None:
    header = read(tmp_path, one(DiffusionBValue=50.0, ImageComments="ü"))
    assert pickle.loads(pickle.dumps(header)) == header  # noqa: S301  # our own bytes
    assert Header.from_json(header.to_json()) == header


def test_a_member_of_an_archive_is_read_and_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "e.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for k, ds in enumerate(classic(axial())):
            archive.writestr(f"inner/{k}", encoded(ds))
    report = inspect(tmp_path)
    assert [f["path"] for f in report["files"]] == [f"e.zip!inner/{k}" for k in range(4)]
    assert report["volumes"][0]["max"] == 119.0


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x", encoded(one()))
    (tmp_path / "cut.zip").write_bytes(out.getvalue()[:-30])
    (file,) = inspect(tmp_path)["files"]
    assert (file["outcome"], file["path"]) == ("refused", "cut.zip")


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, BrokenFileError, "burned into"),
        ({"Modality": "CT"}, SetAsideError, "not MR"),
        ({"Rows": 0}, BrokenFileError, "no rows"),
        ({"Rows": 30000, "Columns": 30000}, BrokenFileError, "too large"),
        ({"Rows": 60}, BrokenFileError, "shorter"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, SetAsideError, "mosaic"),
        ({"SamplesPerPixel": 3, "Rows": 2}, SetAsideError, "colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, SetAsideError, "colour"),
        ({"BitsAllocated": 12, "BitsStored": 12, "HighBit": 11}, BrokenFileError, "bytes"),
        ({"HighBit": 3}, BrokenFileError, "make no sense"),
        ({"NumberOfFrames": 2, "Rows": 3}, BrokenFileError, "single-frame"),
    ],
)
def test_what_cannot_be_a_slice_has_its_reason(
    tmp_path: Path, change: dict[str, object], error: type[DicomError], reason: str
) -> None:
    ds = one()
    for keyword, value in change.items():
        setattr(ds, keyword, value)
    with pytest.raises(error) as caught:
        read(tmp_path, ds)
    assert reason in caught.value.message


def test_pixels_are_not_read_with_the_header(tmp_path: Path) -> None:
    path = tmp_path / "x"
    data = encoded(classic(axial(slices=1, rows=512, columns=512))[0])
    path.write_bytes(data)
    with path.open("r+b") as stream:
        stream.truncate(len(data) - 1)
    with pytest.raises(BrokenFileError, match="shorter"):
        read_headers(path, "x")


CANARY = "ZZCANARY"
CHARSETS = {
    "ISO_IR 100": "Zürich^ZZCANARY", "ISO_IR 192": "王^ZZCANARY小東", "GB18030": "王^ZZCANARY小东",
    "ISO_IR 144": "Дима^ZZCANARY", "\\ISO 2022 IR 87": "Yamada^ZZCANARY",
}  # fmt: skip


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("broken", [False, True])
def test_no_identifying_text_reaches_the_report(tmp_path: Path, charset: str, broken: bool) -> None:
    files = classic(axial())
    for ds in files:
        ds.SpecificCharacterSet = charset.split("\\")
        ds.PatientName = CHARSETS[charset]
        for keyword in (
            "PatientID",
            "AccessionNumber",
            "InstitutionName",
            "StudyDescription",
            "SeriesDescription",
            "ProtocolName",
            "ImageComments",
            "Manufacturer",
            "SequenceName",
            "PatientComments",
            "ContrastBolusAgent",
        ):
            setattr(ds, keyword, f"t2 {CANARY}"[:16])
        ds.StudyDate = ds.PatientBirthDate = "19770707"
        ds.private_block(0x0019, CANARY, create=True).add_new(0x0C, "LO", CANARY)
        item = Dataset()
        item.PatientID = CANARY
        ds.OtherPatientIDsSequence = Items([item])
        if broken:
            ds.ImageType = ["ORIGINAL", CANARY]
            ds.Rows = 6000
    save(tmp_path, files)
    told = json.dumps(inspect(tmp_path), ensure_ascii=False)
    assert CANARY not in told
    assert "19770707" not in told
    assert files[0].SeriesInstanceUID not in told
    assert files[0].SOPInstanceUID not in told


def test_a_hint_of_implicit_bytes_under_an_explicit_syntax_is_followed(tmp_path: Path) -> None:
    data = encoded(one(), ImplicitVRLittleEndian)
    honest, lie = b"UI\x12\x001.2.840.10008.1.2\x00", b"UI\x14\x001.2.840.10008.1.2.1\x00"
    assert honest in data
    path = tmp_path / "x"
    path.write_bytes(data.replace(honest, lie))
    (header,) = read_headers(path, "x")
    assert header.rows == 6


def test_frames_carry_their_own_place_and_the_files_name(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(encoded(enhanced([axial()])))
    found = read_headers(path, "folder/x")
    assert [h.frame for h in found] == [0, 1, 2, 3]
    assert [h.position[2] for h in found if h.position] == [20.0, 23.0, 26.0, 29.0]
    assert {h.name for h in found} == {"folder/x"}
