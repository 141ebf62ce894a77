"""The newest entry of a kind is the one that the whole ledger gives."""

import random
from pathlib import Path

import pytest
from hepafed.client.release.ledger import Ledger
from hepafed.common.errors import DataError


def of_the_whole(home: Path, kind: str) -> str:
    held = [e["sha256"] for e in Ledger(home).entries() if e["kind"] == kind]
    return held[-1] if held else ""


@pytest.mark.parametrize("seed", range(4))
def test_what_two_processes_write_in_turn_is_seen_by_each(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    books = [Ledger(tmp_path), Ledger(tmp_path)]
    for number in range(40):
        draw.choice(books).record(draw.choice("abc"), "r", bytes([number]))
        seen, kind = draw.choice(books), draw.choice("abcd")
        assert seen.newest(kind) == of_the_whole(tmp_path, kind)


def test_an_empty_home_holds_none(tmp_path: Path) -> None:
    book = Ledger(tmp_path)
    assert not book.newest("a")
    digest = book.record("a", "r", b"1")
    assert book.newest("a") == digest
    (tmp_path / "ledger.jsonl").unlink()
    assert not book.newest("a")


def test_a_ledger_put_back_from_a_copy_is_read_anew(tmp_path: Path) -> None:
    book, path = Ledger(tmp_path), tmp_path / "ledger.jsonl"
    first = book.record("a", "r", b"1")
    copy = path.read_bytes()
    book.record("a", "r", b"2")
    book.record("b", "r", b"3")
    assert book.newest("b")
    path.write_bytes(copy)
    assert (book.newest("a"), book.newest("b")) == (first, "")


def test_a_ledger_that_is_longer_than_the_one_before_and_another_is_read_anew(
    tmp_path: Path,
) -> None:
    book, other = Ledger(tmp_path), tmp_path / "other"
    other.mkdir()
    book.record("a", "r", b"1")
    assert book.newest("a")
    for content in (b"2", b"3", b"4"):
        Ledger(other).record("b", "r", content)
    (tmp_path / "ledger.jsonl").write_bytes((other / "ledger.jsonl").read_bytes())
    assert not book.newest("a")
    assert book.newest("b") == of_the_whole(other, "b")


def test_a_line_without_its_end_counts_until_it_is_cut(tmp_path: Path) -> None:
    book, path = Ledger(tmp_path), tmp_path / "ledger.jsonl"
    first = book.record("a", "r", b"1")
    before = path.read_bytes()
    second = book.record("a", "r", b"2")
    whole = path.read_bytes()
    reader = Ledger(tmp_path)
    for content, expected in (
        (before, first),
        (whole[:-1], second),
        (before, first),
        (whole[:-9], first),
        (whole, second),
    ):
        path.write_bytes(content)
        assert reader.newest("a") == expected


def test_a_damaged_line_is_named_by_its_place_in_the_whole_file(tmp_path: Path) -> None:
    book, path = Ledger(tmp_path), tmp_path / "ledger.jsonl"
    book.record("a", "r", b"1")
    book.record("a", "r", b"2")
    assert book.newest("a")
    with path.open("ab") as f:
        f.write(b"{broken\n")
    for _ in range(2):
        with pytest.raises(DataError, match="line 3"):
            book.newest("a")
