"""`client ingest --pacs` builds the store that the same files build, also after kill -9."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hepafed.client.cli.main import main
from hepafed.client.pseudonyms import KEY_FILE, Pseudonyms

from .conftest import PATIENTS, Filled
from .orthanc import write_labels, write_pacs

CLIENT = Path(sys.executable).with_name("client")
LIST = "".join(f"A{p}\n" for p in PATIENTS[:3])


def command(home: Path, *words: str) -> list[str]:
    return [str(CLIENT), "--home", str(home), *words]


def client(home: Path, *words: str) -> Result:
    """Run the command in this process, which has loaded the heavy libraries once."""
    return CliRunner().invoke(main, ["--home", str(home), *words], catch_exceptions=False)


def store(home: Path) -> dict[str, object]:
    """Everything that the cohort store holds: files byte for byte, databases row by row."""
    made: dict[str, object] = {}
    for path in sorted((home / "cohort").rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as db:
                made[name] = sorted(db.iterdump())
        elif path.is_file():
            made[name] = path.read_bytes()
    return made


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One pseudonym key, so that stores of several homes can be compared."""
    folder = tmp_path_factory.mktemp("key")
    Pseudonyms(folder)
    return folder / KEY_FILE


@pytest.fixture
def home(tmp_path: Path, key: Path) -> Path:
    """Make a home with the key, a list and labels beside it."""
    made = tmp_path / "home"
    made.mkdir()
    shutil.copy(key, made)
    (tmp_path / "list.txt").write_text(LIST)
    write_labels(tmp_path / "labels.csv", PATIENTS[:3])
    return made


@pytest.fixture(scope="module")
def from_folder(
    tmp_path_factory: pytest.TempPathFactory, key: Path, pacs: Filled
) -> dict[str, object]:
    """Give the store that `client ingest --dicom` builds of the same examinations."""
    folder = tmp_path_factory.mktemp("folder")
    shutil.copy(key, folder)
    labels = write_labels(folder / "labels.csv", PATIENTS[:3])
    done = client(folder, "ingest", "--dicom", str(pacs.export), "--labels", str(labels))
    assert done.exit_code == 0, done.stderr
    made = store(folder)
    assert made
    return made


@pytest.mark.parametrize("protocol", ["dicomweb", "dimse", "move"])
def test_the_store_equals_that_of_the_same_files_in_a_folder(
    tmp_path: Path, home: Path, pacs: Filled, protocol: str, from_folder: dict[str, object]
) -> None:
    toml = write_pacs(tmp_path / "pacs.toml", pacs.orthanc, protocol, accessions="list.txt")
    labels = str(tmp_path / "labels.csv")
    done = client(home, "ingest", "--pacs", str(toml), "--labels", labels)
    assert done.exit_code == 0, done.stderr
    assert "fetched: 6 series, 24 instances" in done.stdout
    assert "taken: 3 lesions" in done.stdout
    assert store(home) == from_folder
    assert not (home / "spool").exists()
    for word in (*PATIENTS, "Canary", "2.25.", "20250102"):
        assert word not in done.stdout + done.stderr


def _stopped_midway(words: list[str], home: Path, how: signal.Signals) -> tuple[int, str]:
    """Start a fetch, stop it after some instances; give its exit code and what it said."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 60
        while sum(1 for _ in _whole(home)) < 7:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(how)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, said


def _whole(home: Path) -> Iterator[Path]:
    return (p for p in (home / "spool/images").glob("*/*") if not p.name.startswith("."))


@pytest.mark.parametrize("protocol", ["dicomweb", "dimse", "move"])
def test_after_kill_9_only_what_is_missing_is_fetched_and_the_store_is_the_same(
    tmp_path: Path, home: Path, pacs: Filled, protocol: str, from_folder: dict[str, object]
) -> None:
    slow = {"accessions": "list.txt", "per_second": 20.0}
    toml = write_pacs(tmp_path / "pacs.toml", pacs.orthanc, protocol, **slow)
    words = ("ingest", "--pacs", str(toml), "--labels", str(tmp_path / "labels.csv"))
    _stopped_midway(command(home, *words), home, signal.SIGKILL)
    here = sum(1 for _ in _whole(home))
    assert 7 <= here < 24
    next((home / "spool/images").iterdir()).joinpath(".half.tmp").write_bytes(b"half an instance")
    before = len(pacs.orthanc.lines())
    write_pacs(toml, pacs.orthanc, protocol, accessions="list.txt")
    done = client(home, *words)
    assert done.exit_code == 0, done.stderr
    assert f"{24 - here} instances" in done.stdout
    if protocol == "dicomweb":  # as the PACS itself counts them
        assert pacs.orthanc.retrieved(before) == 24 - here
    assert store(home) == from_folder


@pytest.mark.parametrize("protocol", ["dimse", "move"])
def test_ctrl_c_stops_a_fetch_and_keeps_what_came(
    tmp_path: Path, home: Path, pacs: Filled, protocol: str
) -> None:
    slow = {"accessions": "list.txt", "per_second": 20.0}
    toml = write_pacs(tmp_path / "pacs.toml", pacs.orthanc, protocol, **slow)
    words = ("ingest", "--pacs", str(toml), "--labels", str(tmp_path / "labels.csv"))
    code, said = _stopped_midway(command(home, *words), home, signal.SIGINT)
    assert code == 1
    assert "error: stopped" in said
    assert "Traceback" not in said
    assert 7 <= sum(1 for _ in _whole(home)) < 24


def test_mistakes_of_the_labels_are_found_before_anything_is_fetched(
    tmp_path: Path, home: Path, pacs: Filled
) -> None:
    toml = write_pacs(tmp_path / "pacs.toml", pacs.orthanc, "dicomweb", accessions="list.txt")
    (tmp_path / "labels.csv").write_text("patient_id,lesion_id\nPAT-001,1\n")
    before = len(pacs.orthanc.lines())
    done = client(home, "ingest", "--pacs", str(toml), "--labels", str(tmp_path / "labels.csv"))
    assert done.exit_code == 1
    assert "lacks the column label" in done.stderr
    assert "GET /dicom-web" not in pacs.orthanc.lines(before)
    assert not (home / "spool").exists()


def test_the_spool_stays_where_the_site_wishes_it(tmp_path: Path, home: Path, pacs: Filled) -> None:
    keys = {"accessions": "list.txt", "keep_spool": True}
    toml = write_pacs(tmp_path / "pacs.toml", pacs.orthanc, "dicomweb", **keys)
    labels = str(tmp_path / "labels.csv")
    assert client(home, "ingest", "--pacs", str(toml), "--labels", labels).exit_code == 0
    assert sum(1 for _ in _whole(home)) == 24


def test_exactly_one_source_is_named(tmp_path: Path) -> None:
    done = client(tmp_path, "ingest", "--pacs", "a", "--dicom", "b", "--labels", "c")
    assert done.exit_code == 2
    assert "--pacs" in done.stderr
