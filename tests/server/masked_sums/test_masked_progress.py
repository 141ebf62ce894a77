"""How far a masked sum is lies in the run's folder, so that a restart goes on from there."""

import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.contract.messages import Terms
from hepafed.common.errors import ConfigError, HepaFedError
from hepafed.server.masked_sums.masked_progress import SumFolder, SumProgress

TERMS = Terms(
    exchange="ab" * 16, run="r", subject="counts", weights="w", split="external", attempt=2,
    participants=("a", "b"), length=3, readers=("r1",), against=(),
)  # fmt: skip


def test_a_sum_that_was_not_begun_has_no_attempt_and_no_terms(tmp_path: Path) -> None:
    found = SumFolder(tmp_path, "counts").load()
    assert (found.attempt, found.lost, found.terms, found.done) == (0, {}, None, False)


def test_progress_is_read_again_as_it_was_stored(tmp_path: Path) -> None:
    made = SumProgress(attempt=2, lost={"c": "silent"}, terms=TERMS)
    assert SumFolder(tmp_path, "counts").store(made) == made
    assert SumFolder(tmp_path, "counts").load() == made


def test_each_subject_has_its_own_progress_vectors_and_total(tmp_path: Path) -> None:
    counts, pairs = SumFolder(tmp_path, "counts"), SumFolder(tmp_path, "pairs")
    counts.store(SumProgress(attempt=1))
    assert pairs.load().attempt == 0
    assert (counts.vectors, pairs.vectors) == (
        tmp_path / "masked-counts",
        tmp_path / "masked-pairs",
    )
    counts.finish(SumProgress(attempt=1, terms=TERMS), np.array([1, 2, 3], np.uint64))
    assert {p.name for p in tmp_path.iterdir()} == {"masked-counts.json", "masked-counts.sum"}


def test_an_opened_sum_is_kept_and_its_vectors_are_deleted(tmp_path: Path) -> None:
    folder = SumFolder(tmp_path, "counts")
    folder.vectors.mkdir()
    (folder.vectors / "a").write_bytes(b"x")
    before = SumProgress(attempt=2, lost={"c": "silent"}, terms=TERMS)
    done = folder.finish(before, np.array([1, 2**64 - 1, 3], np.uint64))
    digest = hashlib.sha256(struct.pack("<3Q", 1, 2**64 - 1, 3)).hexdigest()
    assert done == replace(before, done=True, sha256=digest)
    assert folder.load() == done
    assert not folder.vectors.exists()
    assert SumFolder(tmp_path, "counts").total(3).tolist() == [1, 2**64 - 1, 3]


def test_a_total_of_another_length_is_refused(tmp_path: Path) -> None:
    folder = SumFolder(tmp_path, "counts")
    folder.finish(SumProgress(attempt=1, terms=TERMS), np.array([1, 2, 3], np.uint64))
    for length in (2, 4):
        with pytest.raises(HepaFedError):
            folder.total(length)


def test_progress_that_cannot_be_read_says_to_start_anew(tmp_path: Path) -> None:
    (tmp_path / "masked-counts.json").write_text("{")
    with pytest.raises(HepaFedError) as e:
        SumFolder(tmp_path, "counts").load()
    assert "start another validation" in e.value.hint


@pytest.mark.parametrize("damage", [b"", b"\0" * 24, None], ids=["emptied", "changed", "missing"])
def test_a_damaged_total_is_named(tmp_path: Path, damage: bytes | None) -> None:
    folder = SumFolder(tmp_path, "counts")
    folder.finish(SumProgress(attempt=1, terms=TERMS), np.array([1, 2, 3], np.uint64))
    path = tmp_path / "masked-counts.sum"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(ConfigError, match=r"masked-counts\.sum is missing or damaged"):
        folder.total(3)


def test_progress_can_be_read_by_others_of_the_group_as_the_runs_files_can(tmp_path: Path) -> None:
    SumFolder(tmp_path, "counts").store(SumProgress(attempt=1))
    assert (tmp_path / "masked-counts.json").stat().st_mode & 0o077 != 0
