"""How often a question came again is counted on disk, bounded, and told once."""

from datetime import timedelta
from pathlib import Path

import pytest
from hepafed.client.permissions.waits import MOST_COUNTED, MOST_OPEN, OpenWait, WaitBook
from hepafed.client.release.ledger import Ledger
from hepafed.common.certificates import make_node_key
from hepafed.common.contract.messages import Stamp

from tests.client.permissions.consenting import NOW

AT = NOW.isoformat()
LATER = (NOW + timedelta(hours=1)).isoformat()


def wait(number: int = 0, **values: object) -> OpenWait:
    usual = {
        "question": f"{number:064x}",
        "answer": "a" * 64,
        "size": 50,
        "kind": "plan",
        "digests": ("d" * 64,),
        "why": "nobody",
        "run": "r",
        "requester": "anna",
        "study": "liver",
        "since": AT,
        "last": AT,
        "expires": LATER,
    }
    return OpenWait(**{**usual, **values})  # type: ignore[arg-type]


def stamp(number: int) -> Stamp:
    return Stamp(
        id=f"{number:032x}", site="s", requester="anna", study="liver", issued=AT, expires=LATER,
        request="0" * 64,
    )  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> WaitBook:
    make_node_key(tmp_path / "keys" / "node.key")
    (tmp_path / "sent").mkdir()
    return WaitBook(tmp_path, Ledger(tmp_path))


def told(book: WaitBook, home: Path) -> list[int]:
    return [e["times"] for e in Ledger(home).entries() if e["kind"] == "waited"]


def test_a_question_is_found_again_by_its_text_person_and_study(book: WaitBook) -> None:
    book.begin(wait())
    assert book.find("0" * 64, stamp(1)) == wait()
    assert book.find("1" * 64, stamp(1)) is None
    for other in ({"requester": "bert"}, {"study": "lung"}):
        book.begin(wait(1, **other))
    assert book.find(f"{1:064x}", stamp(1)) is None


def test_a_wait_that_never_came_again_ends_without_a_count(book: WaitBook, tmp_path: Path) -> None:
    book.begin(wait())
    book.end(wait())
    assert (book.all(), told(book, tmp_path)) == ((), [])


def test_of_two_waits_one_ends_and_the_other_goes_on(book: WaitBook, tmp_path: Path) -> None:
    for number in (1, 2):
        book.begin(wait(number))
        book.count(wait(number), stamp(number), NOW)
    book.count(wait(1), stamp(3), NOW + timedelta(seconds=10))
    first, second = book.all()
    assert (first.times, second.times) == (3, 2)
    assert (first.first, first.last) == (AT, (NOW + timedelta(seconds=10)).isoformat())
    book.end(wait(1))
    assert told(book, tmp_path) == [2]
    assert book.all() == (second,)


def test_a_long_wait_is_told_in_parts_and_no_question_twice(book: WaitBook, tmp_path: Path) -> None:
    stamps = {f"{n:032x}": LATER for n in range(MOST_COUNTED - 1)}
    book.begin(wait(stamps=stamps, first=AT))
    book.count(wait(), stamp(MOST_COUNTED - 1), NOW)
    assert told(book, tmp_path) == [MOST_COUNTED]
    (left,) = book.all()
    assert (left.times, left.stamps) == (MOST_COUNTED + 1, {})
    book.count(wait(), stamp(MOST_COUNTED), NOW)
    book.end(wait())
    assert told(book, tmp_path) == [MOST_COUNTED, 1]
    assert len(Ledger(tmp_path).stamps()) == MOST_COUNTED + 1


def test_a_crash_after_the_entry_tells_nothing_twice(book: WaitBook, tmp_path: Path) -> None:
    book.begin(wait())
    book.count(wait(), stamp(1), NOW)
    before = (tmp_path / "waits.json").read_bytes()
    book.end(wait())
    (tmp_path / "waits.json").write_bytes(before)
    book.count(wait(), stamp(2), NOW)
    book.end(wait())
    assert told(book, tmp_path) == [1, 1]


def test_questions_that_wait_are_bounded_and_the_oldest_is_told(
    book: WaitBook, tmp_path: Path
) -> None:
    book.begin(wait(0, stamps={f"{1:032x}": LATER}, first=AT))
    for number in range(1, MOST_OPEN + 1):
        book.begin(wait(number))
    assert [len(book.all()), book.all()[0].question] == [MOST_OPEN, f"{1:064x}"]
    assert told(book, tmp_path) == [1]


def test_the_file_is_readable_by_its_owner_alone(book: WaitBook, tmp_path: Path) -> None:
    book.begin(wait())
    assert (tmp_path / "waits.json").stat().st_mode & 0o777 == 0o600
