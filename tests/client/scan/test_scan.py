"""A scan finds the same in this process and in others."""

import sqlite3
from pathlib import Path

import pytest
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import ScanIndex, scan
from hepafed.client.scan.database import opened, transaction
from hepafed.client.scan.worker_pool import WorkerPool
from hepafed.common.room import is_full, waiting_for_room

from tests.client.dicom.builder import axial, classic, save
from tests.small_disk import SmallDisk, small_disk


def test_few_files_are_read_here_unless_isolated_and_many_by_others_with_one_result(
    tmp_path: Path,
) -> None:
    export = tmp_path / "export"
    save(export, classic(axial(slices=8)))
    (export / "note.txt").write_text("x")
    found = []
    for few, isolated in ((9, False), (8, False), (512, True)):
        home = tmp_path / f"home-{few}-{isolated}"
        index = ScanIndex(home, export, Pseudonyms(tmp_path / "names"))
        with WorkerPool(1) as pool:
            scan(export, index, lambda *_: None, pool, isolated=isolated, few=few)
            assert bool(pool.hired) == (isolated or few == 8)
        (examination,) = index.examinations()
        found.append((list(index.outcomes()), index.files_of(examination)))
        index.finish()
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 9


def scanned(home: Path, export: Path, names: Path, disk: SmallDisk | None = None) -> object:
    """Scan an export into a home; a disk is full before every step."""
    index = ScanIndex(home, export, Pseudonyms(names))

    def step(*_: object) -> None:
        if disk is not None:
            disk.fill()

    step()
    with WorkerPool(1) as pool:
        scan(export, index, step, pool)
    if disk is not None:
        disk.free()
    (examination,) = index.examinations()
    found = list(index.outcomes()), index.files_of(examination), index.tally()
    index.finish()
    return found


def test_a_scan_on_a_full_disk_waits_and_finds_the_same(tmp_path: Path) -> None:
    export, names = tmp_path / "export", tmp_path / "names"
    save(export, classic(axial(slices=300)))
    (export / "note.txt").write_text("x")
    told: list[str] = []
    wanted = scanned(tmp_path / "plenty", export, names)
    with small_disk(tmp_path / "disk") as disk:
        with waiting_for_room(told.append, sleep=disk.free):
            assert scanned(disk.home, export, names, disk) == wanted
        assert len([words for words in told if "is full" in words]) >= 2
    assert told[-1] == ""


def test_nobody_who_does_not_wait_is_kept_by_a_full_disk(tmp_path: Path) -> None:
    export = tmp_path / "export"
    save(export, classic(axial(slices=300)))
    with small_disk(tmp_path / "disk") as disk:
        index = ScanIndex(disk.home, export, Pseudonyms(tmp_path / "names"))
        disk.fill()
        with WorkerPool(1) as pool, pytest.raises(sqlite3.Error) as e:
            scan(export, index, lambda *_: None, pool)
        assert is_full(e.value)
        disk.free()
        index.close()


def test_a_transaction_that_found_no_room_leaves_nothing_and_another_can_begin(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        db = opened(disk.home / "scan")
        insert = "INSERT INTO path (path, key, size, changed) VALUES (?, ?, 1, 1)"
        disk.fill()
        with pytest.raises(sqlite3.Error) as e, transaction(db):
            db.executemany(insert, ((b"p%d" % n, "k" * 900) for n in range(3000)))
        assert is_full(e.value), e.value
        assert not db.in_transaction
        disk.free()
        with transaction(db):
            db.execute(insert, (b"p", "k"))
        assert db.execute("SELECT COUNT(*) FROM path").fetchone()[0] == 1
        db.close()
