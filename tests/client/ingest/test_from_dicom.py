"""From an export to the store: what is taken, what is left, and what a second run does."""

import csv
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from hepafed.client.cohort.measurements import measurements_from
from hepafed.client.cohort.store import Cohort
from hepafed.client.ingest.from_dicom import IngestReport, ingest_dicom
from hepafed.common.errors import CohortError, LabelsError


def contents(home: Path) -> dict[str, bytes]:
    folder = home / "cohort"
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def rows_of(labels: Path) -> list[dict[str, str]]:
    with labels.open(newline="") as f:
        return list(csv.DictReader(f))


def write_rows(labels: Path, rows: list[dict[str, str]]) -> None:
    with labels.open("w", newline="") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def ingest(home: Path, export: Path, **kw: object) -> IngestReport:
    labels = kw.pop("labels", export / "labels.csv")
    kw.setdefault("workers", 1)
    return ingest_dicom(home, export, labels, lambda _s, _d, _a: None, **kw)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ingested(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IngestReport]:
    """A home into which the phantom was ingested; do not change it."""
    home = tmp_path_factory.mktemp("ingested")
    return home, ingest(home, phantom)


@pytest.fixture
def own_home(ingested: tuple[Path, IngestReport], tmp_path: Path) -> Path:
    """A copy of that home which a test may change."""
    return Path(shutil.copytree(ingested[0], tmp_path / "own"))


def test_every_labelled_lesion_has_a_crop_of_every_sequence(
    ingested: tuple[Path, IngestReport], phantom: Path
) -> None:
    home, report = ingested
    store = Cohort.open(home)
    assert report.taken == store.counts()["lesions"] == len(rows_of(phantom / "labels.csv"))
    assert report.left == []
    for row in store.rows():
        assert set(row.sequences.split(",")) == {
            "t2",
            "dwi",
            "t1-pre",
            "arterial",
            "portal",
            "delayed",
        }
        assert store.voxels(row).astype(float).std() > 0.1


def test_the_facts_of_an_acquisition_are_kept_as_numbers_and_codes(
    ingested: tuple[Path, IngestReport],
) -> None:
    facts = Cohort.open(ingested[0]).acquisitions()
    assert {a.manufacturer for a in facts} == {"ge"}
    assert {a.field_strength for a in facts} == {1.5}
    assert {(a.b_value, a.b_values) for a in facts if a.sequence == "dwi"} == {(800.0, "50,800")}
    assert all(0.5 < a.between_rows < 10 and a.spread > 0 and a.rule for a in facts)
    assert len({a.pixels for a in facts}) == len(facts) == 2 * 6


def test_a_second_run_reads_no_file_and_changes_nothing(tmp_path: Path, export: Path) -> None:
    home = tmp_path / "home"
    ingest(home, export)
    before = contents(home), (home / "cohort/index.db").stat().st_mtime_ns
    for path in export.rglob("*"):  # a file that is opened would be refused now
        if path.is_file() and path.suffix != ".csv":
            about = path.stat()
            path.write_bytes(bytes(about.st_size))
            os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert ingest(home, export).taken == len(rows_of(export / "labels.csv"))
    assert (contents(home), (home / "cohort/index.db").stat().st_mtime_ns) == before


def test_a_new_patient_extends_the_store_and_the_others_keep_their_split(
    tmp_path: Path, export: Path
) -> None:
    home, rows = tmp_path / "home", rows_of(export / "labels.csv")
    first = [r for r in rows if r["patient_id"] == rows[0]["patient_id"]]
    write_rows(export / "labels.csv", first)
    report = ingest(home, export)
    assert report.taken == len(first)
    assert any("without a labelled lesion" in reason for _, reason in report.left)
    splits = Cohort.open(home).splits()
    write_rows(export / "labels.csv", rows)
    assert ingest(home, export).taken == len(rows)
    assert splits.items() < Cohort.open(home).splits().items()


def test_a_changed_label_changes_its_lesion_alone(tmp_path: Path, export: Path) -> None:
    home, rows = tmp_path / "home", rows_of(export / "labels.csv")
    ingest(home, export)
    before = {r.lesion: r for r in Cohort.open(home).rows()}
    rows[0]["label"] = "metastatic" if rows[0]["label"] != "metastatic" else "benign"
    write_rows(export / "labels.csv", rows)
    ingest(home, export)
    after = {r.lesion: r for r in Cohort.open(home).rows()}
    changed = [k for k in before if before[k] != after[k]]
    assert len(changed) == 1
    assert before[changed[0]].crop == after[changed[0]].crop


def test_a_file_cut_after_the_ingest_is_seen_and_refused(tmp_path: Path, export: Path) -> None:
    home = tmp_path / "home"
    ingest(home, export)
    path = max(export.rglob("*.MRDCM"))
    path.write_bytes(path.read_bytes()[:-500])
    report = ingest(home, export)
    assert any("shorter" in reason for _, reason in report.left)


def test_wrong_labels_are_all_named_and_nothing_is_stored(tmp_path: Path, export: Path) -> None:
    home, rows = tmp_path / "home", rows_of(export / "labels.csv")
    good = rows[0]["patient_id"], rows[1]["z_max"]
    rows[0]["patient_id"], rows[1]["z_max"] = "NOBODY", "900"
    write_rows(export / "labels.csv", rows)
    with pytest.raises(LabelsError) as e:
        ingest(home, export)
    assert "row 2: no examination" in e.value.message
    assert "row 3: the box lies outside" in e.value.message
    assert "NOBODY" not in e.value.message
    assert not (home / "cohort").exists()
    assert sorted(p.name for p in (home / "scan").iterdir()) == ["kept.digests", "known.db"]
    rows[0]["patient_id"], rows[1]["z_max"] = good
    write_rows(export / "labels.csv", rows)
    assert ingest(home, export).taken == len(rows)


def test_one_examination_under_two_patient_ids_is_refused(tmp_path: Path, export: Path) -> None:
    rows = rows_of(export / "labels.csv")
    name = rows[0]["patient_id"].encode()
    for path in sorted((export / "P00000").rglob("*.MRDCM"))[:3]:
        path.write_bytes(path.read_bytes().replace(name, name[:-1] + b"X"))
    with pytest.raises(LabelsError, match="under another patient id too"):
        ingest(tmp_path / "home", export)


def test_an_archive_gives_the_same_store_as_its_files(tmp_path: Path, export: Path) -> None:
    labels = shutil.move(export / "labels.csv", tmp_path / "labels.csv")
    packed = tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(export.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(export))
        archive.writestr("../outside.dcm", b"x")
        archive.writestr("inner.zip", b"PK\x03\x04")
    homes = tmp_path / "a", tmp_path / "b"
    for home in homes:
        home.mkdir()
        (home / "pseudonym.key").write_bytes(b"k" * 32)
    ingest(homes[0], export, labels=Path(labels))
    report = ingest(homes[1], packed, labels=Path(labels))
    assert contents(homes[0]) == contents(homes[1])
    assert sorted(reason for _, reason in report.left) == [
        "a name that leaves its archive",
        "an archive inside an archive",
    ]
    assert not (tmp_path / "outside.dcm").exists()
    assert ingest(homes[1], packed, labels=Path(labels)).taken == report.taken


def test_files_that_are_left_are_listed_where_the_person_says(tmp_path: Path, export: Path) -> None:
    (export / "notes.txt").write_text("hello")
    os.mkfifo(export / "pipe")
    report = ingest(tmp_path / "home", export, left=tmp_path / "left.csv")
    listed = {r["path"]: (r["outcome"], r["reason"]) for r in rows_of(tmp_path / "left.csv")}
    assert listed == {
        "notes.txt": ("set-aside", "not a DICOM file"),
        "pipe": ("refused", "no plain file"),
    }
    assert sorted(report.left) == [
        ("1 × refused", "no plain file"),
        ("1 × set-aside", "not a DICOM file"),
    ]
    assert (tmp_path / "left.csv").stat().st_mode & 0o077 == 0


def test_a_damaged_crop_is_made_anew_by_the_next_ingest(own_home: Path, phantom: Path) -> None:
    before = contents(own_home)
    crop = next((own_home / "cohort/crops").iterdir())
    crop.write_bytes(b"\x93NUMPY nonsense")
    ingest(own_home, phantom)
    assert contents(own_home) == before


def test_two_ingests_of_one_site_do_not_run_at_once(tmp_path: Path, phantom: Path) -> None:
    from hepafed.client.ingest.from_dicom import only_one

    with only_one(tmp_path), pytest.raises(CohortError, match="another ingest"):
        ingest(tmp_path, phantom)


def test_a_damaged_index_of_the_scan_costs_time_only(own_home: Path, phantom: Path) -> None:
    before = contents(own_home)
    (own_home / "scan/known.db").write_bytes(b"no database" * 1000)
    ingest(own_home, phantom)
    assert contents(own_home) == before


def test_a_finished_ingest_leaves_no_header_and_no_path(
    ingested: tuple[Path, IngestReport],
) -> None:
    scan = ingested[0] / "scan"
    assert sorted(p.name for p in scan.iterdir()) == ["kept.digests", "known.db"]
    assert (scan / "known.db").stat().st_mode & 0o077 == 0
    content = (scan / "known.db").read_bytes()
    assert b"HOSPITAL-B" not in content
    assert b"MRDCM" not in content
    assert b"2.25." not in content


def test_a_declared_group_is_kept_with_its_lesions_and_with_no_other(
    own_home: Path, export: Path
) -> None:
    rows = rows_of(export / "labels.csv")
    patient = rows[0]["patient_id"]
    labels = export / "labels.csv"
    write_rows(labels, [r | {"group_sex": "f" if r["patient_id"] == patient else ""} for r in rows])
    ingest(own_home, export)
    groups = [measurements_from(r.facts).groups for r in Cohort.open(own_home).rows()]
    wanted = sum(r["patient_id"] == patient for r in rows)
    assert groups.count({"sex": "f"}) == wanted
    assert groups.count({}) == len(rows) - wanted


def test_what_was_taken_is_known_to_come_from_dicom_and_to_be_all_that_was_labelled(
    ingested: tuple[Path, IngestReport],
) -> None:
    store = Cohort.open(ingested[0])
    found = store.facts(store.lesions(), "external")
    assert found.sources == ("dicom",)
    assert set(found.left_out.values()) == {(0, 0)}
    assert not (ingested[0] / "cohort" / "unreadable.json").exists()


def test_the_progress_of_each_step_begins_at_none_and_ends_at_all(
    phantom: Path, tmp_path: Path
) -> None:
    told: dict[str, list[tuple[int, int]]] = {}

    def progress(step: str, done: int, of: int) -> None:
        told.setdefault(step, []).append((done, of))

    ingest_dicom(tmp_path / "home", phantom, phantom / "labels.csv", progress, workers=1)
    assert {"checking labels", "examinations"} <= set(told)
    for step in ("checking labels", "examinations"):
        assert told[step] == [(n, 2) for n in range(3)]
