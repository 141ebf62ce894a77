"""No name, date, UID or path of the input is in the store, the output or what a scan leaves.

Canaries stand in every text element that an image may carry without becoming another image, in
private elements, in file and folder names, in archives and in the labels.
"""

import csv
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

CANARY = "ZZCANARY"
DATE = "18671107"
TIME = "235958.987654"
AGE = "113Y"
UID_ROOT = "1.2.276.0.7230010.3.1.987654321"
NAMES = {
    # Character set (PS3.3 C.12.1.1.2) → a name in it.
    "ISO_IR 100": "Äneas^Rüdiger", "ISO_IR 101": "Wałęsa^Żaneta", "ISO_IR 109": "Ġorġ^Ħamrun",
    "ISO_IR 110": "Kārlis^Ūdris", "ISO_IR 144": "Юшкевич^Дина", "ISO_IR 127": "قباني^لنزار",
    "ISO_IR 126": "Διονυσιος^Σολωμος", "ISO_IR 138": "שרון^דבורה", "ISO_IR 148": "Çavuşoğlu^Gülşen",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ", "ISO_IR 166": "นามสกุล^ชื่อ", "ISO_IR 192": "Wang^XiaoDong=王^小東",
    "GB18030": "Wang^XiaoDong=王^小东", "GBK": "Zhang^XiaoDong=张^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎", "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞",
    "\\ISO 2022 IR 58": "Zhang^XiaoDong=张^小东", "ISO 2022 IR 13\\ISO 2022 IR 87":
    "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
}  # fmt: skip
FUNCTIONAL = {
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "Modality", "ScanningSequence",
    "SequenceVariant", "ScanOptions", "MRAcquisitionType", "PhotometricInterpretation",
    "Manufacturer", "PatientPosition", "TransferSyntaxUID", "MediaStorageSOPClassUID",
    "BurnedInAnnotation", "RescaleType",
}  # fmt: skip
"""Elements whose value makes the image what it is; Manufacturer keeps its first word."""
TEXT = {"LO": 60, "SH": 16, "LT": 200, "ST": 200, "UT": 500, "UC": 100, "CS": 16, "AE": 16}


def _texts() -> Iterator[tuple[int, str]]:
    """Give every text element of patient, study, equipment and series that a header may have."""
    groups = (0x0008, 0x0010, 0x0018, 0x0020, 0x0032, 0x0038, 0x0040)
    wanted = {*TEXT, "DA", "TM", "DT", "AS", "PN"}
    for tag, (vr, _, _, retired, keyword) in DicomDictionary.items():
        if keyword in FUNCTIONAL or not keyword or retired:
            continue
        if tag >> 16 in groups and vr in wanted:
            yield tag, vr


def _value(vr: str, name: str) -> str:
    fixed = {"DA": DATE, "TM": TIME, "DT": f"{DATE}{TIME}", "AS": AGE, "PN": name}
    return fixed.get(vr) or f"{CANARY} {name.split('^')[0]}"[: TEXT[vr]]


def _uid(value: str) -> str:
    return f"{UID_ROOT}.{int(value.rpartition('.')[2]) % 10**12}"


def plant(ds: Dataset, charset: str, name: str) -> None:
    """Put canaries into every element of a header."""
    ds.SpecificCharacterSet = charset.split("\\") if "\\" in charset else charset
    for tag, vr in TEXTS:
        keyword = keyword_for_tag(tag)
        if keyword in ("SeriesDescription", "ProtocolName"):
            setattr(ds, keyword, f"{getattr(ds, keyword)} {CANARY}")
        elif keyword == "AcquisitionTime":
            continue  # phases are placed by it; it must not be stored for all that
        elif keyword == "PatientID":
            ds.PatientID = f"{CANARY}{ds.PatientID}"
        elif vr == "CS":
            setattr(ds, keyword, CANARY)
        else:
            setattr(ds, keyword, _value(vr, name if vr == "PN" else "JANE"))
    ds.Manufacturer = f"{ds.Manufacturer} {CANARY}"
    ds.ImageType = [*ds.ImageType, CANARY]
    for element in ds:
        if element.VR == "UI" and element.keyword not in FUNCTIONAL:
            element.value = _uid(str(element.value))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.SourceApplicationEntityTitle = CANARY
    block = ds.private_block(0x0099, f"{CANARY} PRIVATE", create=True)
    block.add_new(1, "LO", CANARY)
    block.add_new(2, "PN", name)
    ds.add_new(0x00510010, "LO", "SIEMENS MR HEADER")
    ds.add_new(0x0051100C, "UN", f"{CANARY} {DATE}".encode())


TEXTS = list(_texts())


@pytest.fixture(scope="module")
def planted(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export full of canaries: one patient in folders, one in an archive, and what is left."""
    folder = tmp_path_factory.mktemp("planted") / "export"
    charsets = list(NAMES.items())
    written: list[Path] = []
    for number, path in enumerate(sorted(phantom.rglob("*.MRDCM"))):
        ds = pydicom.dcmread(path)
        plant(ds, *charsets[number % len(charsets)])
        where = folder / f"{CANARY}_JANE_{path.parts[-3]}" / path.parts[-2]
        where.mkdir(parents=True, exist_ok=True)
        ds.save_as(where / f"{CANARY}_{DATE}_{number}.dcm")
        written.append(where / f"{CANARY}_{DATE}_{number}.dcm")
    last = f"{CANARY}_JANE_P00001"
    with zipfile.ZipFile(folder / f"{CANARY}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in written:
            if last in path.parts:
                archive.write(path, path.relative_to(folder))
        archive.writestr(f"../{CANARY}.dcm", b"x")
    shutil.rmtree(folder / last)
    _write_left(folder, pydicom.dcmread(written[0]))
    with (phantom / "labels.csv").open(newline="") as f:
        rows = list(csv.DictReader(f))
    for row in rows:
        row["patient_id"] = CANARY + row["patient_id"]
        row["lesion_id"] = f"{CANARY}-{row['lesion_id']}"
        row["study_uid"], row["series_uid"] = _uid(row["study_uid"]), _uid(row["series_uid"])
    _write_rows(folder.parent / "labels.csv", rows)
    rows[0]["patient_id"] = f"{CANARY}NOBODY"
    rows[1]["z_max"] = "900"
    _write_rows(folder.parent / "wrong.csv", rows)
    return folder


def _write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_left(folder: Path, ds: Dataset) -> None:
    """Write what must be left: burned-in text, a screenshot, broken files."""
    whole = (folder / f"{CANARY}_JANE_P00000").rglob("*.dcm")
    content = next(whole).read_bytes()
    (folder / f"{CANARY}_cut.dcm").write_bytes(content[:-4000])
    (folder / f"{CANARY}_torn.dcm").write_bytes(content[:700])
    ds.BurnedInAnnotation = "YES"
    ds.save_as(folder / f"{CANARY}_burned.dcm")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    ds.save_as(folder / f"{CANARY}_screenshot.dcm")
    (folder / f"{CANARY}.txt").write_text(CANARY)


def client(home: Path, *words: object, code: int = 0) -> bytes:
    """Run the command as a person would; gives all it printed."""
    main = "from hepafed.client.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, "--home", str(home), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == code, done.stdout.decode()
    return done.stdout


def _forbidden() -> list[bytes]:
    found = [w.encode() for w in (CANARY, "JANE", DATE, "235958", AGE, UID_ROOT, "HOSPITAL-B-")]
    for charset, name in NAMES.items():
        for part in name.replace("=", "^").split("^"):
            found += [part.encode(), part.encode("utf-16-le")]
            if charset in ("GB18030", "GBK") and not part.isascii():
                found.append(part.encode("gb18030"))
    return sorted({f for f in found if len(f) > 3})


def assert_no_canary(what: str, content: bytes) -> None:
    for word in _forbidden():
        assert word not in content, f"{word!r} in {what}"


def test_nothing_of_an_identity_is_kept_or_said(planted: Path, tmp_path: Path) -> None:
    home, labels = tmp_path / "home", planted.parent / "labels.csv"
    source = {p: p.read_bytes() for p in planted.rglob("*") if p.is_file()}
    wrong = planted.parent / "wrong.csv"
    said = client(home, "ingest", "--dicom", planted, "--labels", wrong, code=1)
    assert b"no examination" in said
    assert b"outside the volume" in said
    said += client(home, "ingest", "--dicom", planted, "--labels", labels)
    assert b"show a patient's name in their pixels" in said
    assert b"taken: 0" not in said
    for words in (("cohort",), ("cohort", "--json"), ("cohort", "--series")):
        said += client(home, *words)
    series = client(home, "cohort", "--series").splitlines()[1].split()[0].decode()
    why = client(home, "cohort", "--explain", series)
    assert b"applies" in why
    said = (said + why).replace(str(planted.parent).encode(), b"")
    assert_no_canary("what is said", said)
    for path in home.rglob("*"):
        assert_no_canary("a file's name", path.relative_to(home).as_posix().encode())
        if path.is_file():
            assert_no_canary(path.name, path.read_bytes())
    assert {p: p.read_bytes() for p in planted.rglob("*") if p.is_file()} == source


def test_the_canaries_are_there_to_be_found(planted: Path) -> None:
    """The rule above could not fail if the input were clean."""
    whole = b"".join(p.read_bytes() for p in planted.rglob("*.dcm"))
    for word in (CANARY.encode(), DATE.encode(), UID_ROOT.encode(), "王".encode("gb18030")):
        assert word in whole
    assert len(TEXTS) > 150
    assert dictionary_VR(TEXTS[0][0])
