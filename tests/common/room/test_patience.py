"""A full disk is waited for where somebody waits, and is an error elsewhere."""

import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hepafed.common.files import write_whole
from hepafed.common.room.patience import full_words, in_room, is_full, waiting_for_room

from tests.small_disk import MB, small_disk


def failing(*errors: Exception) -> Callable[[], str]:
    """Make work that fails so, then succeeds."""
    left = list(errors)

    def work() -> str:
        if left:
            raise left.pop(0)
        return "made"

    return work


def full(number: int = errno.ENOSPC) -> OSError:
    return OSError(number, "full")


def test_without_somebody_who_waits_a_full_disk_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"):
        in_room(tmp_path, 1, failing(full()))
    assert in_room(tmp_path, 1, failing()) == "made"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_once_and_tried_again_until_there_is_room(
    tmp_path: Path, number: int
) -> None:
    told: list[str] = []
    slept: list[float] = []
    with waiting_for_room(told.append, sleep=slept.append, seconds=7.0):
        assert in_room(tmp_path, 3_200_000, failing(*[full(number)] * 3)) == "made"
        assert in_room(tmp_path, 1, failing()) == "made"
    assert slept == [7.0, 7.0, 7.0]
    assert len(told) == 2
    assert f"the disk of {tmp_path} is full: " in told[0]
    assert "3.2 MB needed" in told[0]
    assert told[1] == ""


def test_another_error_is_not_waited_for(tmp_path: Path) -> None:
    told: list[str] = []
    with waiting_for_room(told.append):
        for error in (full(errno.EACCES), ValueError("x"), sqlite3.OperationalError("locked")):
            with pytest.raises(type(error)):
                in_room(tmp_path, 1, failing(error))
    assert told == []


def test_who_may_not_go_on_gets_the_error_and_what_follows_waits_no_more(tmp_path: Path) -> None:
    told: list[str] = []
    on = [True, True, False]
    with (
        waiting_for_room(told.append, lambda: on.pop(0), lambda _: None),
        pytest.raises(OSError, match="full"),
    ):
        in_room(tmp_path, 1, failing(*[full()] * 9))
    assert on == []
    assert len(told) == 1
    with pytest.raises(OSError, match="full"):
        in_room(tmp_path, 1, failing(full()))


def test_of_work_within_work_only_the_outermost_waits(tmp_path: Path) -> None:
    begun: list[int] = []
    inner = failing(full())

    def outer() -> str:
        begun.append(1)
        return in_room(tmp_path, 1, inner)

    with waiting_for_room(lambda _: None, sleep=lambda _: None):
        assert in_room(tmp_path, 1, outer) == "made"
        assert in_room(tmp_path, 1, failing(full())) == "made", "the next one waits again"
    assert len(begun) == 2


def test_the_words_name_a_folder_that_is_there(tmp_path: Path) -> None:
    assert f"the disk of {tmp_path} is full" in full_words(tmp_path / "a" / "b", 5)


def test_a_real_disk_that_is_full_keeps_the_old_file_and_takes_the_new_one_when_freed(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = disk.home / "kept"
        write_whole(path, b"old")
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, b"n" * MB)
        assert path.read_bytes() == b"old"
        told: list[str] = []
        with waiting_for_room(told.append, sleep=disk.free):
            write_whole(path, b"n" * MB)
        assert path.read_bytes() == b"n" * MB
        assert "0.0 MB free, 1.0 MB needed" in told[0]
        assert [p.name for p in disk.home.iterdir()] == ["kept"], "nothing unfinished is left"


def test_a_database_on_a_full_disk_says_so_too(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        with closing(sqlite3.connect(disk.home / "a.db")) as db:
            db.execute("CREATE TABLE t (x BLOB)")
            db.commit()
            disk.fill()
            with pytest.raises(sqlite3.Error) as caught:
                db.execute("INSERT INTO t VALUES (?)", (b"x" * MB,))
        assert is_full(caught.value)
