"""A report's folder lists the digests of its files, and an earlier report leaves nothing behind."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from hepafed.common.errors import ReportError
from hepafed.server.report.files.checksums import CHECKSUMS, Signed, listed, write_folder

FILES = {"report.json": "{}", "figures/roc.png": b"\x89PNG"}
SIGNED = Signed(text="{}", signature="c2ln", certificate="-----BEGIN CERTIFICATE-----\n")


def test_the_list_is_what_sha256sum_reads(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES, SIGNED)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", CHECKSUMS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(line.split(":")[0] for line in done.stdout.splitlines()) == [
        "coordinator.pem",
        "figures/roc.png",
        "report.json",
        "report.sig",
    ]
    assert listed(tmp_path)["report.json"] == hashlib.sha256(b"{}").hexdigest()


def test_what_an_earlier_report_left_is_taken_away_and_what_was_changed_stays(
    tmp_path: Path,
) -> None:
    write_folder(tmp_path, {**FILES, "readers.csv": "a", "citation.cff": "old"}, SIGNED)
    (tmp_path / "citation.cff").write_text("with the names of its authors")
    (tmp_path / "notes.txt").write_text("mine")
    write_folder(tmp_path, FILES, None)
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"report.json", "figures/roc.png", CHECKSUMS, "citation.cff", "notes.txt"}


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside", ""])
def test_a_name_that_leads_out_of_the_folder_is_not_taken(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    outside = tmp_path / "outside"
    outside.write_text("x")
    value = hashlib.sha256(b"x").hexdigest()
    (folder / CHECKSUMS).write_text(f"{value}  {name}\n{value}  inside\n")
    assert listed(folder) == {"inside": value}
    write_folder(folder, FILES, None)
    assert outside.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot write"):
        write_folder(tmp_path / "file", FILES, None)
