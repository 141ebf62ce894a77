"""The phantom is what the demo says: reproducible, several sequences, read back as written."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.ingest.inspect import inspect
from hepafed.common.contract.vocabulary import CLASSES
from hepafed.deploy.demo.hospitals import STYLES
from hepafed.deploy.demo.phantom import make_patient, write_patient, write_site

from tests.client.examinations import volumes_in


def _digests(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _write(folder: Path, site: str, patients: int, seed: int) -> dict[str, str]:
    write_site(folder, STYLES[site], patients, seed, lambda *_: None)
    return _digests(folder)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = _write(tmp_path / "a", "hospital-b", 2, 7)
    assert first == _write(tmp_path / "b", "hospital-b", 2, 7)
    other = _write(tmp_path / "c", "hospital-b", 2, 8)
    assert first["labels.csv"] != other["labels.csv"]


def test_a_patient_does_not_depend_on_how_many_others_are_written(tmp_path: Path) -> None:
    two = _write(tmp_path / "two", "hospital-a", 2, 1)
    one = _write(tmp_path / "one", "hospital-a", 1, 1)
    del one["labels.csv"]
    assert one.items() <= two.items()


@pytest.mark.parametrize("site", STYLES)
def test_each_hospital_is_read_back_with_every_sequence(tmp_path: Path, site: str) -> None:
    write_patient(tmp_path, STYLES[site], 0, 1)
    assert {f["outcome"] for f in inspect(tmp_path)["files"]} == {"taken"}
    volumes = volumes_in(tmp_path)
    found = sorted(v.sequence for v in volumes)
    assert found == sorted(["t2", "dwi", "dwi", "t1-pre", "arterial", "portal", "delayed"])
    assert {v.b_value for v in volumes if v.sequence == "dwi"} == {50.0, 800.0}


@pytest.mark.parametrize("site", STYLES)
def test_the_box_of_labels_csv_is_centred_on_the_lesion(tmp_path: Path, site: str) -> None:
    """The lesion's centre in patient coordinates, put through the T2 series' own affine."""
    for number in range(3):
        folder = tmp_path / str(number)
        rows = write_patient(folder, STYLES[site], number, 1)
        patient, _ = make_patient(STYLES[site], number, 1)
        (t2,) = (v for v in volumes_in(folder) if v.sequence == "t2")
        for row, lesion in zip(rows, patient.lesions, strict=True):
            place = np.append(np.array(lesion.centre) + patient.study.offset, 1.0)
            voxel = (np.linalg.inv(t2.affine) @ place)[:3]
            low = np.array([float(row[f"{a}_min"]) for a in "xyz"])
            high = np.array([float(row[f"{a}_max"]) for a in "xyz"])
            assert (voxel > low).all()
            assert (voxel < high).all()
            assert np.abs(voxel - (low + high) / 2).max() < 2.0


def test_labels_are_of_our_classes_and_some_patients_have_several_lesions(tmp_path: Path) -> None:
    _write(tmp_path, "hospital-c", 6, 2)
    with (tmp_path / "labels.csv").open(newline="") as f:
        rows = list(csv.DictReader(f))
    assert {r["label"] for r in rows} <= set(CLASSES)
    assert len({r["patient_id"] for r in rows}) == 6
    assert len(rows) > 6


def test_some_labels_are_wrong_on_purpose() -> None:
    patients = [make_patient(STYLES["hospital-a"], n, 1)[0] for n in range(300)]
    pairs = [
        (lesion.kind, k) for p in patients for lesion, k in zip(p.lesions, p.labels, strict=True)
    ]
    share = sum(a != b for a, b in pairs) / len(pairs)
    assert 0.02 < share < 0.07
