"""The memory of questions is private, and a changed, lost or restored one is found."""

import os
import shutil
from pathlib import Path

import pytest
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.questions.history import QuestionHistory
from hepafed.common.errors import ConfigError
from hepafed.common.json_file import sealed, unsealed

from .asking import FILE, answered, hold
from .scores import asked, drawn


def test_the_memory_is_private_and_names_no_patient(home: Path) -> None:
    hold(home, drawn(1), asked("a"))
    assert (home / FILE).stat().st_mode & 0o077 == 0
    text = (home / FILE).read_text()
    assert "p00001" not in text
    assert "l00001" not in text


def changed(path: Path, old: Path) -> None:
    """Change the file, and its checksum with it."""
    values = unsealed(
        path.read_text().replace('"2026-11-28T12', '"2025-11-28T12').replace('"checksum"', '"was"')
    )
    values.pop("was")
    path.write_text(sealed(values))


def deleted(path: Path, old: Path) -> None:
    path.unlink()


def restored(path: Path, old: Path) -> None:
    shutil.copy(old, path)


@pytest.mark.parametrize("harm", [changed, deleted, restored])
def test_a_memory_that_is_not_the_last_one_refuses_until_a_person_takes_it(
    home: Path, harm: object
) -> None:
    assert callable(harm)
    hold(home, drawn(1), asked("a"))
    shutil.copy(home / FILE, home / "older")
    hold(home, drawn(2), asked("b"))
    harm(home / FILE, home / "older")
    for table, letter in ((drawn(3), "c"), (drawn(1), "a")):
        with pytest.raises(ConfigError, match=r"questions\.json is not the file") as caught:
            hold(home, table, asked(letter))
        assert "--reviewed" in caught.value.hint
    QuestionHistory(home, Ledger(home)).review()
    hold(home, drawn(3), asked("c"))


@pytest.mark.parametrize("keep", [0, 0.5, 0.99])
def test_a_memory_that_was_cut_off_is_damaged(home: Path, keep: float) -> None:
    hold(home, drawn(1), asked("a"))
    os.truncate(home / FILE, int((home / FILE).stat().st_size * keep))
    with pytest.raises(ConfigError, match="damaged"):
        hold(home, drawn(1), asked("a"))


def test_a_memory_made_by_hand_is_checked(home: Path) -> None:
    hold(home, drawn(1), asked("a"))
    text = (home / FILE).read_text()
    for old, new in (('"ranks": [\n    [\n     ', '"ranks": [\n    [\n     -'), ("p", "q")):
        assert old in text
        (home / FILE).write_text(text.replace(old, new, 1))
        with pytest.raises(ConfigError):
            hold(home, drawn(1), asked("a"))


def test_a_crash_between_the_memory_and_the_ledger_is_no_harm(home: Path) -> None:
    hold(home, drawn(1), asked("a"))
    kept = {name: (home / name).read_bytes() for name in ("ledger.jsonl", "ledger.head")}
    hold(home, drawn(2), asked("b"))
    for name, content in kept.items():  # the memory was written, the ledger not yet
        (home / name).write_bytes(content)
    hold(home, drawn(2), asked("b"))
    hold(home, drawn(3), asked("c"))
    assert answered(home) == 3


def test_a_crash_at_the_first_question_is_no_harm(home: Path) -> None:
    hold(home, drawn(1), asked("a"))
    for name in ("ledger.jsonl", "ledger.head"):
        (home / name).unlink()
    hold(home, drawn(1), asked("a"))
    hold(home, drawn(2), asked("b"))
    assert answered(home) == 2


def test_a_home_in_which_nothing_was_asked_has_an_empty_memory(home: Path) -> None:
    Ledger(home).record("validated", "run", b"{}")
    assert answered(home) == 0
    hold(home, drawn(1), asked("a"))
