"""Inspect reads as an ingest does: archives, copies, broken pixels; and it leaves nothing."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main
from hepafed.client.ingest.inspect import inspect
from pydicom.uid import MediaStorageDirectoryStorage, RLELossless

from tests.client.dicom.builder import Stack, axial, classic, encoded, save
from tests.client.ingest.agreement import Outcomes, done, said

LEAVES = "a name that leaves its archive"
BOMB = "packed too tightly in its archive (a zip bomb?)"
UNDECODABLE = "the pixels cannot be decoded"


def slices(count: int = 3, number: int = 1) -> list[bytes]:
    stack = axial(slices=count)
    return [encoded(ds) for ds in classic(Stack(**{**vars(stack), "number": number}))]


def packed(**members: bytes) -> bytes:
    """Zip members; the names may hold what no keyword can."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def both(export: Path, home: Path) -> Outcomes:
    """Return what inspect says of the files, once it is what an ingest makes of them."""
    _, files = said(export)
    assert files == done(export, home)[0]
    return files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "export"
    made.mkdir()
    return made


def test_a_member_that_leaves_its_archive_is_refused_and_its_copy_taken(
    folder: Path, tmp_path: Path
) -> None:
    first, *others = slices()
    rest = {f"{k}.dcm": data for k, data in enumerate(others)}
    content = packed(**{"../../evil.dcm": first, "ok.dcm": first, **rest})
    (folder / "a.zip").write_bytes(content)
    files = both(folder, tmp_path / "home")
    assert files.pop("a.zip!../../evil.dcm") == ("refused", LEAVES)
    assert set(files) == {"a.zip!ok.dcm", "a.zip!0.dcm", "a.zip!1.dcm"}
    assert {outcome for outcome, _ in files.values()} == {"taken"}


def test_a_name_that_is_not_utf_8_is_read_like_any_other(folder: Path, tmp_path: Path) -> None:
    for k, data in enumerate(slices()):
        Path(os.fsdecode(os.fsencode(folder) + b"/M\xfcller%d.dcm" % k)).write_bytes(data)
    files = both(folder, tmp_path / "home")
    assert [outcome for outcome, _ in files.values()] == ["taken"] * 3
    shown = CliRunner().invoke(main, ["--home", str(tmp_path / "h"), "inspect", str(folder)])
    assert shown.exit_code == 0, shown.output


def test_a_bomb_is_refused_as_one(folder: Path, tmp_path: Path) -> None:
    bomb = bytes(128) + b"DICM" + bytes(32 << 20)
    (folder / "a.zip").write_bytes(packed(**{"bomb.dcm": bomb}))
    assert both(folder, tmp_path / "home") == {"a.zip!bomb.dcm": ("refused", BOMB)}


def test_an_archive_inside_an_archive_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "a.zip").write_bytes(packed(**{"b.zip": packed(x=slices()[0]), "note.txt": b"x"}))
    assert both(folder, tmp_path / "home") == {
        "a.zip!b.zip": ("refused", "an archive inside an archive"),
        "a.zip!note.txt": ("set-aside", "not a DICOM file"),
    }


def test_an_archive_without_files_is_listed_itself(folder: Path, tmp_path: Path) -> None:
    (folder / "a.zip").write_bytes(packed())
    (folder / "b.zip").write_bytes(packed(x=b"x")[:-8])
    assert both(folder, tmp_path / "home") == {
        "a.zip": ("set-aside", "a zip archive without files"),
        "b.zip": ("refused", "a broken zip archive"),
    }


def test_a_dicomdir_is_set_aside_beside_the_files_that_it_lists(
    folder: Path, tmp_path: Path
) -> None:
    listing = classic(axial(slices=1))[0]
    listing.SOPClassUID = listing.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    files = {f"IM{k}": data for k, data in enumerate(slices())}
    (folder / "DICOMDIR").write_bytes(encoded(listing))
    (folder / "a.zip").write_bytes(packed(DICOMDIR=encoded(listing), **files))
    found = both(folder, tmp_path / "home")
    reason = "not an MR image: a directory of files (DICOMDIR)"
    assert found["DICOMDIR"] == found["a.zip!DICOMDIR"] == ("set-aside", reason)
    assert [found[f"a.zip!IM{k}"][0] for k in range(3)] == ["taken"] * 3


@pytest.mark.parametrize("key", [b"a" * 32, b"b" * 32, b"c" * 32])
def test_of_two_copies_the_first_path_is_taken_whatever_the_home(
    folder: Path, tmp_path: Path, key: bytes
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "pseudonym.key").write_bytes(key)
    content = {f"{k}.dcm": data for k, data in enumerate(slices(4))}
    for name in ("first", "second"):
        (folder / f"{name}.zip").write_bytes(packed(**content))
        (folder / name).mkdir()
        for file, data in content.items():
            (folder / name / file).write_bytes(data)
    found = both(folder, home)
    taken = {path for path, (outcome, _) in found.items() if outcome == "taken"}
    assert taken == {f"first.zip!{k}.dcm" for k in range(4)}
    assert {reason for _, reason in found.values()} == {"", "the same instance twice"}


def test_a_volume_that_no_lesion_is_cropped_from_is_decoded_too(
    folder: Path, tmp_path: Path
) -> None:
    save(folder / "long", classic(axial(slices=6)))
    short = classic(Stack(**{**vars(axial(slices=4)), "number": 2}))
    for ds in short:
        ds.compress(RLELossless, generate_instance_uid=False)
        ds.PixelData = ds.PixelData[:-20] + bytes(20)
        ds["PixelData"].is_undefined_length = True
    (folder / "short").mkdir()
    for k, ds in enumerate(short):
        (folder / "short" / f"{k}.dcm").write_bytes(encoded(ds, RLELossless))
    found = both(folder, tmp_path / "home")
    assert {found[f"short/{k}.dcm"] for k in range(4)} == {("refused", UNDECODABLE)}
    assert [v["shape"][0] for v in inspect(folder)["volumes"]] == [6]


@pytest.mark.parametrize("slope", ["1e39", "1e35"])
def test_values_beyond_float32_are_refused(folder: Path, tmp_path: Path, slope: str) -> None:
    stack = axial().with_attributes(RescaleSlope=slope, RescaleIntercept="0")
    save(folder, classic(Stack(**{**vars(stack), "voxels": stack.voxels + 60_000})))
    found = both(folder, tmp_path / "home")
    assert set(found.values()) == {("refused", "the rescaled values are not finite")}


def test_what_is_no_plain_file_is_refused(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(".")
    (folder / "broken").symlink_to("nowhere")
    assert both(folder, tmp_path / "home") == {
        "broken": ("refused", "the file cannot be read"),
        "loop": ("refused", "no plain file"),
        "pipe": ("refused", "no plain file"),
    }


def test_the_home_is_no_part_of_the_export_that_it_lies_in(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "site.toml").write_text("name = 'a'")
    (folder / "note.txt").write_text("x")
    done = CliRunner().invoke(main, ["--home", str(home), "inspect", str(folder), "--json"])
    assert '"note.txt"' in done.stdout
    assert "site.toml" not in done.stdout


INTERRUPTED = """
import os, signal, sys

stop, home, export = sys.argv[1:]

def hook(name, arguments):
    if name == "open" and str(arguments[0]).endswith(".dcm"):
        os.kill(os.getpid(), getattr(signal, stop))

if __name__ == "__main__":
    from hepafed.client.cli.main import main
    sys.addaudithook(hook)
    sys.argv = ["client", "--home", home, "inspect", export, "--json"]
    main()
"""
"""Inspects; at the first file that it opens the process gets a signal."""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_stopped_it_leaves_nothing_in_the_home_and_nothing_temporary(
    folder: Path, tmp_path: Path, name: str
) -> None:
    save(folder, classic(axial()))
    temporary, home = tmp_path / "temporary", tmp_path / "home"
    temporary.mkdir()
    stopped = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, name, str(home), str(folder)],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
    )
    assert stopped.returncode
    assert not stopped.stdout
    assert "Traceback" not in stopped.stderr
    assert not home.exists()
    assert not list(temporary.iterdir())
