"""`client cohort --exclude FILE` and `--include FILE` as a radiologist uses them."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hepafed.client.cli.main import main
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.exclude import exclude, include
from hepafed.client.ingest.from_dicom import ingest_dicom, only_one
from hepafed.client.pseudonyms import Pseudonyms

Make = Callable[..., Cohort]


def client(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *words])


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def store(tmp_path: Path, cohort: Make) -> Cohort:
    """Three lesions by name, of the patients "07" (lesions 1 and 2) and "x" (1)."""
    names = Pseudonyms(tmp_path)
    made = cohort(1)
    voxels = made.voxels(made.rows()[0])
    made.remove({made.rows()[0].patient})
    made.add(
        Crop(
            names.of("lesion", patient, number), names.of("patient", patient), 0, ("t2", "dwi"),
            voxels,
        )
        for patient, number in (("07", "1"), ("07", "2"), ("x", "1"))
    )  # fmt: skip
    return made


@pytest.mark.parametrize(
    "text",
    [
        "patient_id,lesion_id,reason\n07,2,wrong place\n",
        "PATIENT_ID;Lesion_ID;reason\n07;2;wrong place\n;;\n",
        "sep=;\nreason;lesion_id;patient_id\nwrong place;2;07\n",
        "lesion_id\tpatient_id\treason\n2\t07\twrong place\n",
        "patient_id,lesion_id,lesion,reason\n07,2,,wrong place\n",
    ],
)
def test_a_lesion_is_named_as_in_the_labels(tmp_path: Path, store: Cohort, text: str) -> None:
    done = client(tmp_path, "cohort", "--exclude", str(table(tmp_path / "list.csv", text)))
    assert done.exit_code == 0, done.output
    assert "excluded: 1 lesions" in done.output
    assert "the cohort is now: 2 patients, 2 lesions; 1 lesions are excluded" in done.output
    ((row, reason),) = store.excluded()
    assert row.lesion == Pseudonyms(tmp_path).of("lesion", "07", "2")
    assert reason == "wrong place"


def test_a_lesion_listed_twice_keeps_its_reason_which_has_200_characters_at_most(
    tmp_path: Path, store: Cohort
) -> None:
    reason = "r" * 200
    text = f"patient_id,lesion_id,reason\nx,1,{reason}\nx,1,\n"
    done = client(tmp_path, "cohort", "--exclude", str(table(tmp_path / "list.csv", text)))
    assert "excluded: 1 lesions; 0 were excluded before" in done.output
    assert [why for _, why in store.excluded()] == [reason]


@pytest.mark.parametrize("header", ["lesion,reason", "lesion;reason", "lesion"])
def test_a_lesion_is_named_by_its_pseudonym(tmp_path: Path, store: Cohort, header: str) -> None:
    lesion = Pseudonyms(tmp_path).of("lesion", "x", "1")
    listed = table(tmp_path / "list.csv", f"{header}\n{lesion.upper()}\n")
    assert client(tmp_path, "cohort", "--exclude", str(listed)).exit_code == 0
    assert [r.lesion for r, _ in store.excluded()] == [lesion]


def test_including_the_same_list_undoes_it_and_each_may_be_run_twice(
    tmp_path: Path, store: Cohort
) -> None:
    before = store.counts()
    listed = str(table(tmp_path / "list.csv", "patient_id,lesion_id\n07,1\nx,1\nx,1\n"))
    first, again = (client(tmp_path, "cohort", "--exclude", listed).output for _ in range(2))
    assert "excluded: 2 lesions; 0 were excluded before" in first
    assert "models already trained" in first
    assert "excluded: 0 lesions; 2 were excluded before" in again
    assert "models already trained" not in again
    assert store.counts()["lesions"] == 1
    first, again = (client(tmp_path, "cohort", "--include", listed).output for _ in range(2))
    assert "included again: 2 lesions; 0 were in use" in first
    assert "included again: 0 lesions; 2 were in use" in again
    assert store.counts() == before


@pytest.mark.parametrize("option", ["--exclude", "--include"])
def test_every_wrong_row_is_named_and_no_identity_and_nothing_is_changed(
    tmp_path: Path, store: Cohort, option: str
) -> None:
    lesion = Pseudonyms(tmp_path).of("lesion", "x", "1")
    text = (
        "patient_id,lesion_id,lesion,reason\n"
        "x,1,,apex of the xiphoid\n"
        "SECRET-1,1,,\n"
        "07,SECRET-2,,\n"
        ",1,,\n"
        "07,,,\n"
        f"07,1,{lesion},\n"
        ",,abcdef0123456789abcd,\n"
        f"x,1,,{'r' * 201}\n"
        "x,1,,X asked for it\n"
        "x,1,,a \x07 bell\n"
    )
    done = client(tmp_path, "cohort", option, str(table(tmp_path / "list.csv", text)))
    assert done.exit_code == 1
    said = " ".join(done.output.split())
    for problem in (
        "row 3: no such lesion in this cohort",
        "row 4: no such lesion in this cohort",
        "row 5: patient_id is empty",
        "row 6: lesion_id is empty",
        "row 7: lesion is another lesion than patient_id and lesion_id name",
        "row 8: no such lesion in this cohort",
        "row 9: reason is longer than 200 characters",
        "row 10: reason contains the patient_id",
        "row 11: reason is longer than 200 characters or not plain text",
    ):
        assert problem in said
    assert "row 2" not in said
    assert not any(w in said for w in ("SECRET", lesion, "abcdef", "asked"))
    assert store.counts()["excluded"] == 0
    assert not (tmp_path / "excluded.json").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("patient_id,label\nx,1\n", "lacks the columns patient_id and lesion_id"),
        ("", "lacks the columns"),
        ("patient_id,lesion_id\n", "has no rows"),
        ("lesion,lesion\na,b\n", "has a column twice"),
    ],
)
def test_a_list_that_is_none_is_refused(
    tmp_path: Path, store: Cohort, text: str, problem: str
) -> None:
    done = client(tmp_path, "cohort", "--exclude", str(table(tmp_path / "list.csv", text)))
    assert done.exit_code == 1
    assert problem in " ".join(done.output.split())
    assert store.counts()["excluded"] == 0


@pytest.mark.parametrize(
    "other", [("--quality",), ("--json",), ("--html", "p"), ("--include", "p")]
)
def test_a_list_goes_with_no_other_option(
    tmp_path: Path, store: Cohort, other: tuple[str, ...]
) -> None:
    listed = str(table(tmp_path / "list.csv", "patient_id,lesion_id\nx,1\n"))
    done = client(tmp_path, "cohort", "--exclude", listed, *other)
    assert done.exit_code == 2
    assert store.counts()["excluded"] == 0


def test_nothing_is_changed_while_an_ingest_is_running(tmp_path: Path, store: Cohort) -> None:
    listed = table(tmp_path / "list.csv", "patient_id,lesion_id\nx,1\n")
    for option, change in (("--exclude", exclude), ("--include", include)):
        with only_one(tmp_path):
            done = client(tmp_path, "cohort", option, str(listed))
        assert done.exit_code == 1
        assert "another ingest" in done.output
        assert change(tmp_path, listed).changed == 1


def test_a_home_without_a_cohort_is_an_error(tmp_path: Path) -> None:
    listed = table(tmp_path / "list.csv", "patient_id,lesion_id\nx,1\n")
    done = client(tmp_path, "cohort", "--exclude", str(listed))
    assert done.exit_code == 1
    assert "no cohort yet" in done.output
    assert not (tmp_path / "pseudonym.key").exists()


def test_an_excluded_lesion_stays_out_over_the_next_ingest_which_says_so(
    phantom: Path, tmp_path: Path
) -> None:
    export, home = tmp_path / "export", tmp_path / "home"
    shutil.copytree(phantom, export)
    labels = export / "labels.csv"
    ingest_dicom(home, export, labels, lambda *_: None, workers=1)
    with labels.open(newline="") as f:
        first = next(csv.DictReader(f))
    before = Cohort.open(home)
    total = before.counts()["lesions"]
    whole = sorted(p.name for p in (home / "cohort/crops").iterdir())
    listed = table(
        tmp_path / "list.csv", f"patient_id,lesion_id\n{first['patient_id']},{first['lesion_id']}\n"
    )
    assert client(home, "cohort", "--exclude", str(listed)).exit_code == 0
    words = ("ingest", "--dicom", str(export), "--labels", str(labels), "--processes", "1")
    done = client(home, *words)
    assert done.exit_code == 0, done.output
    assert f"taken: {total} lesions" in done.output
    assert "1 lesions of the cohort are excluded and not used" in done.output
    found = json.loads(client(home, "cohort", "--json").output)
    assert (found["lesions"], found["excluded"]) == (total - 1, 1)
    assert sorted(p.name for p in (home / "cohort/crops").iterdir()) == whole
    text = "".join(p.read_text() for p in (home / "excluded.json",))
    assert first["patient_id"] not in text
