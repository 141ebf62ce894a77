"""The cohort store: same rows, same bytes; damage is seen; older stores are migrated."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import SIDE, Acquisition, Cohort, Crop
from hepafed.client.cohort import index as cohort_index
from hepafed.client.cohort.splits import assign
from hepafed.common.errors import CohortError
from hepafed.common.room import waiting_for_room

from tests.small_disk import small_disk

ACQUISITION = Acquisition(
    examination="e1", sequence="t2", patient="p1", manufacturer="siemens", field_strength=3.0,
    b_value=None, b_values="", rule="t2", slices=20, rows=320, columns=260, between_slices=5.0,
    between_rows=1.2, between_columns=1.2, low=0.0, high=900.0, mean=300.0, spread=90.0,
    pixels="d1",
)  # fmt: skip


def crop(lesion: str, patient: str, sequences: tuple[str, ...] = ("t2", "dwi"), **kw: str) -> Crop:
    seed = int.from_bytes(f"{lesion}{patient}".encode(), "big") % 2**32
    shape = (len(sequences), 2, SIDE, SIDE)
    voxels = np.random.default_rng(seed).normal(size=shape).astype(np.float16)
    label = kw.pop("label", "0")
    return Crop(lesion, patient, int(label), sequences, voxels, **kw)


def contents(home: Path) -> dict[str, bytes]:
    folder = home / "cohort"
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_the_same_lesions_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    crops = [crop(f"l{i}", f"p{i % 7}") for i in range(20)]
    Cohort.create(tmp_path / "a").add(crops)
    Cohort.create(tmp_path / "b").add(crops[::-1])
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_adding_the_same_again_changes_nothing_not_even_a_file_time(tmp_path: Path) -> None:
    crops = [crop(f"l{i}", f"p{i}") for i in range(4)]
    store = Cohort.create(tmp_path)
    assert store.add(crops) == 4
    index = tmp_path / "cohort/index.db"
    before = contents(tmp_path), index.stat().st_mtime_ns
    assert store.add(crops) == 0
    assert (contents(tmp_path), index.stat().st_mtime_ns) == before


def test_a_patient_keeps_the_split_when_others_come(tmp_path: Path) -> None:
    store = Cohort.create(tmp_path)
    store.add([crop("m", "mm")])
    before = store.splits()["mm"]
    store.add([crop(f"l{i}", f"p{i}") for i in range(30)])
    assert store.splits()["mm"] == before
    assert len(set(store.splits().values())) == 3


def test_a_lesion_made_anew_replaces_its_crop_and_the_old_one_is_swept(tmp_path: Path) -> None:
    store = Cohort.create(tmp_path)
    store.add([crop("l", "p")])
    store.add([replace(crop("l", "p"), voxels=np.ones((2, 1, SIDE, SIDE), np.float16))])
    assert len(list((tmp_path / "cohort/crops").iterdir())) == 1
    assert store.counts()["lesions"] == 1


def test_what_an_examination_no_longer_has_goes_with_its_replacement(tmp_path: Path) -> None:
    store = Cohort.create(tmp_path)
    old = [store.write(crop(f"l{i}", "p1", examination="e1")) for i in range(3)]
    store.commit(old, [ACQUISITION, replace(ACQUISITION, sequence="dwi")], ["e1"])
    store.commit(old[:1], [ACQUISITION], ["e1"])
    assert [r.lesion for r in store.rows()] == ["l0"]
    assert store.acquisitions() == [ACQUISITION]


@pytest.mark.parametrize("missing", ["drop", "zero"])
def test_a_lesion_without_every_sequence_is_dropped_or_filled_with_zero(
    tmp_path: Path, missing: str
) -> None:
    store = Cohort.create(tmp_path)
    store.add(
        [crop("a", "p1"), crop("b", "p2", ("t2",)), crop("c", "p3", ("adc",))],
    )
    found = store.select("t2-dwi", "external", missing)
    assert found.lesions == (["a"] if missing == "drop" else ["a", "b"])
    if missing == "zero":
        of_b = found.images[found.owner == 1]
        assert of_b[:, 0].any()
        assert not of_b[:, 1].any()


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_crop_is_seen_when_it_is_read(tmp_path: Path, damage: str) -> None:
    store = Cohort.create(tmp_path)
    store.add([crop("l", "p")])
    (path,) = (tmp_path / "cohort/crops").iterdir()
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes(content) if damage == "flip" else content[:5000])
    with pytest.raises(CohortError, match="missing or damaged"):
        store.select("t2-dwi", "external")


def test_a_damaged_index_is_seen(tmp_path: Path) -> None:
    store = Cohort.create(tmp_path)
    store.add([crop("l", "p")])
    index = tmp_path / "cohort/index.db"
    index.write_bytes(index.read_bytes()[:3000])
    with pytest.raises(CohortError, match="index is damaged") as caught:
        store.counts()
    assert "ingest again" in caught.value.hint


def test_a_store_of_schema_1_is_migrated(tmp_path: Path) -> None:
    store = Cohort.create(tmp_path)
    store.add([crop("l", "p")])
    (row,) = store.rows()
    index = tmp_path / "cohort/index.db"
    index.unlink()
    with closing(sqlite3.connect(index)) as db:
        db.executescript(
            "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
            "CREATE TABLE patient (patient TEXT PRIMARY KEY, split TEXT NOT NULL);"
            "CREATE TABLE lesion (lesion TEXT PRIMARY KEY, patient TEXT NOT NULL, label INTEGER "
            "NOT NULL, sequences TEXT NOT NULL, slices INTEGER NOT NULL, crop TEXT NOT NULL);"
            "INSERT INTO about VALUES ('schema', '1');"
            "INSERT INTO patient VALUES ('p', 'tune');"
        )
        db.execute("INSERT INTO lesion VALUES ('l', 'p', 0, 't2,dwi', 2, ?)", (row.crop,))
        db.commit()
    store = Cohort.open(tmp_path)
    assert store.select("t2-dwi", "tune").lesions == ["l"]
    store.add([crop("m", "q")])
    assert cohort_index.read(index).about["schema"] == str(cohort_index.SCHEMA)
    assert store.splits()["p"] == "tune"
    assert {r.lesion for r in store.rows()} == {"l", "m"}


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    Cohort.create(tmp_path)
    index = tmp_path / "cohort/index.db"
    with closing(sqlite3.connect(index)) as db:
        db.execute("UPDATE about SET value = '99' WHERE key = 'schema'")
        db.commit()
    with pytest.raises(CohortError, match="newer version") as found:
        Cohort.open(tmp_path).counts()
    assert found.value.hint == "update HepaFed at this site"


def test_volumes_normalised_otherwise_are_not_mixed_in(tmp_path: Path) -> None:
    store = Cohort.create(tmp_path)
    store.commit([], [], [], "one way")
    store.commit([], [], [], "one way")
    with pytest.raises(CohortError, match="another way"):
        store.commit([], [], [], "another")


def test_only_the_owner_can_read_the_store(tmp_path: Path) -> None:
    Cohort.create(tmp_path).add([crop("l", "p")])
    folder = tmp_path / "cohort"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(p.stat().st_mode & 0o077 == 0 for p in folder.rglob("*") if p.is_file())


def test_patients_are_split_within_the_worst_class_of_their_lesions(tmp_path: Path) -> None:
    labels = {f"p{k}": [("0",), ("1", "0"), ("0", "2", "1")][k % 3] for k in range(33)}
    store = Cohort.create(tmp_path)
    store.add(
        [
            crop(f"{p}-{n}", p, label=label)
            for p, own in labels.items()
            for n, label in enumerate(own)
        ]
    )
    assert store.splits() == assign({p: int(max(own)) for p, own in labels.items()}, {})


def test_a_home_without_a_cohort_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="no cohort yet") as found:
        Cohort.open(tmp_path)
    assert found.value.hint == "run client ingest first"


def test_a_crop_of_wider_numbers_is_stored_as_the_same_half_precision(tmp_path: Path) -> None:
    half = crop("l", "p")
    Cohort.create(tmp_path / "a").add([half])
    Cohort.create(tmp_path / "b").add([replace(half, voxels=half.voxels.astype(np.float64))])
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_ingest_on_a_full_disk_waits_and_makes_the_same_store(tmp_path: Path) -> None:
    crops = [crop(f"l{n}", f"p{n % 7}") for n in range(12)]
    Cohort.prepare(tmp_path / "plenty").add(crops)
    with small_disk(tmp_path / "disk", 8) as disk:
        told: list[str] = []
        disk.fill()
        with waiting_for_room(told.append, sleep=disk.free):
            store = Cohort.prepare(disk.home)
            lesions = []
            for one in crops:
                lesions.append(store.write(one))
                disk.fill()
            store.commit(lesions, (), ())
        assert "is full" in told[0]
        disk.free()
        assert contents(disk.home) == contents(tmp_path / "plenty")
