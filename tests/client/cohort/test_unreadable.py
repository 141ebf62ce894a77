"""Lesions that could not be stored stay known until an ingest of their patients stores them."""

from pathlib import Path

import pytest
from hepafed.client.cohort.unreadable import FILE_NAME, Unreadable
from hepafed.common.errors import ConfigError


def test_an_ingest_notes_what_it_could_not_store_and_drops_what_it_now_has(tmp_path: Path) -> None:
    kept = Unreadable(tmp_path)
    kept.note({"a": "p", "b": "p", "c": "q"}, stored={"a"})
    assert kept.all() == {"b": "p", "c": "q"}
    kept.note({"b": "p", "d": "r"}, stored={"a", "b"})
    assert kept.all() == {"c": "q", "d": "r"}


def test_a_lesion_that_the_labels_no_longer_name_is_dropped_with_its_patients_next_ingest(
    tmp_path: Path,
) -> None:
    kept = Unreadable(tmp_path)
    kept.note({"a": "p", "b": "p"}, stored=())
    kept.note({"b": "p"}, stored=())
    assert kept.all() == {"b": "p"}


def test_without_such_lesions_there_is_no_file_and_with_some_only_its_owner_reads_it(
    tmp_path: Path,
) -> None:
    kept = Unreadable(tmp_path)
    kept.note({"a": "p"}, stored={"a"})
    assert not (tmp_path / FILE_NAME).exists()
    kept.note({"b": "p"}, stored=())
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_patients_are_forgotten_and_named(tmp_path: Path) -> None:
    kept = Unreadable(tmp_path)
    kept.note({"a": "p", "b": "q"}, stored=())
    assert kept.forget({"p", "other"}) == {"p"}
    assert kept.all() == {"b": "q"}


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"patients": 3}')
    with pytest.raises(ConfigError, match=r"unreadable\.json is damaged"):
        Unreadable(tmp_path).all()
