"""The chain of the ledger: what a line holds, how long it may be, and which one is wrong."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.ledger.lines import lone_line
from hepafed.client.release.ledger.texts import CHANGED
from hepafed.common.errors import DataError, UsageError

FULL_DISK = """
import resource, sys
from pathlib import Path
from hepafed.client.release.ledger import Ledger
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    Ledger(Path(sys.argv[1])).record("update", "r" * 200, b"de")
except OSError as e:
    sys.exit(e.errno)
"""


def lines(home: Path) -> list[bytes]:
    return (home / "ledger.jsonl").read_bytes().splitlines()


def test_an_entry_says_when_what_and_for_which_run_and_holds_the_link_of_all_lines_before(
    tmp_path: Path,
) -> None:
    book, start = Ledger(tmp_path), datetime.now(UTC)
    assert book.record("update", "t2-1", b"abc") == sha256(b"abc").hexdigest()
    book.record_message("trained", "t2-2", '{"a":"é"}')
    first, second = map(json.loads, lines(tmp_path))
    for entry in (first, second):
        at = datetime.fromisoformat(entry.pop("at"))
        assert -0.001 <= (at - start).total_seconds() < 60
    assert first == {
        "kind": "update",
        "run": "t2-1",
        "direction": "out",
        "bytes": 3,
        "sha256": sha256(b"abc").hexdigest(),
        "entry": 1,
        "chain": "0" * 64,
        "old": 0,
    }
    raw = lines(tmp_path)[0]
    assert second == {
        "kind": "trained",
        "run": "t2-2",
        "direction": "out",
        "bytes": 10,
        "sha256": sha256('{"a":"é"}'.encode()).hexdigest(),
        "kept": True,
        "entry": 2,
        "chain": sha256(bytes(32) + sha256(raw).digest()).hexdigest(),
    }


def test_a_line_has_its_keys_in_order_no_blanks_and_milliseconds(tmp_path: Path) -> None:
    Ledger(tmp_path).record("update", "r", b"abc")
    (line,) = lines(tmp_path)
    entry = json.loads(line)
    assert line.decode() == json.dumps(dict(sorted(entry.items()))).replace(" ", "")
    assert len(entry["at"]) == len("2026-01-02T03:04:05.678+00:00")


@pytest.mark.parametrize("size", [4095, 4096, 4097, 4098, 16_383, 16_385, 70_000])
@pytest.mark.parametrize("more", [0, 1])
def test_a_line_of_any_length_is_continued(tmp_path: Path, size: int, more: int) -> None:
    """The file is read from its end, piece by piece: `size` bytes are all of it, or all but a
    line."""
    book = Ledger(tmp_path)
    for _ in range(more):
        book.record("update", "r", b"a")
    book.record("update", "", b"b")
    short = len(lines(tmp_path)[-1]) + 1
    (tmp_path / "ledger.jsonl").unlink()
    (tmp_path / "ledger.head").unlink()
    for _ in range(more):
        book.record("update", "r", b"a")
    book.record("update", "r" * (size - short), b"b")
    assert len(lines(tmp_path)[-1]) + 1 == size
    book.record("update", "r", b"c")
    assert book.verify().entries == more + 2
    assert json.loads(lines(tmp_path)[-1])["entry"] == more + 2


@pytest.mark.parametrize("torn", [1, 4094, 4096, 20_000])
def test_a_torn_line_of_any_length_is_cut_off(tmp_path: Path, torn: int) -> None:
    book = Ledger(tmp_path)
    book.record("update", "r", b"a")
    with (tmp_path / "ledger.jsonl").open("ab") as f:
        f.write(b"{" * torn)
    book.record("update", "r", b"b")
    assert book.verify().entries == 2
    assert [e.get("unfinished") for e in book.entries()] == [None, torn]


@pytest.mark.parametrize("room", [0, 1, 100, 250])
def test_an_entry_that_does_not_fit_the_disk_leaves_nothing_behind(
    tmp_path: Path, room: int
) -> None:
    book = Ledger(tmp_path)
    book.record("update", "r", b"abc")
    before = (tmp_path / "ledger.jsonl").read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(len(before) + room)],
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode in (27, 28)  # too large a file, no space left
    assert (tmp_path / "ledger.jsonl").read_bytes() == before
    book.record("update", "r", b"de")
    assert book.verify().entries == 2


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda x: [x[0], x[1].replace(b'"bytes":2', b'"bytes":9'), x[2]], 3),
        (lambda x: x[1:], 1),
        (lambda x: [x[0], x[2]], 2),
        (lambda x: [x[0], x[2], x[1]], 2),
        (lambda x: [x[0], x[0], x[1], x[2]], 2),
        (lambda x: [x[0].replace(b'"chain"', b'"Chain"'), *x[1:]], 1),
    ],
    ids=["changed", "first gone", "second gone", "swapped", "twice", "no hash"],
)
def test_the_first_entry_that_does_not_continue_the_chain_is_named(
    tmp_path: Path, wrong: object, named: int
) -> None:
    book = Ledger(tmp_path)
    for n in (1, 2, 3):
        book.record("update", "r", bytes(n))
    changed = wrong(lines(tmp_path))  # type: ignore[operator]
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(x + b"\n" for x in changed))
    with pytest.raises(DataError, match=f"entry {named} of the ledger does not continue") as found:
        book.verify()
    assert found.value.hint == CHANGED


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_damaged_line_is_named_and_nothing_is_read_over_it(tmp_path: Path, damage: bytes) -> None:
    book = Ledger(tmp_path)
    for n in (1, 2, 3):
        book.record("update", "r", bytes(n))
    first, _, third = lines(tmp_path)
    (tmp_path / "ledger.jsonl").write_bytes(b"\n".join([first, damage, third, b""]))
    for read in (book.entries, book.verify, lambda: book.show("1")):
        with pytest.raises(DataError, match="line 2 of the ledger is damaged") as found:
            read()
        assert "as evidence" in found.value.hint


def test_before_anything_left_the_ledger_is_empty(tmp_path: Path) -> None:
    assert Ledger(tmp_path).entries() == []
    assert Ledger(tmp_path).verify().entries == 0


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_of_several_kept_texts_the_wrong_one_is_named(tmp_path: Path, damage: str) -> None:
    book = Ledger(tmp_path)
    book.record("update", "r", b"abc")
    for n in (1, 2, 3):
        book.record_message("trained", "r", f'{{"n":{n}}}')
    path = tmp_path / "sent" / f"{book.entries()[2]['sha256']}.json"
    path.unlink() if damage == "removed" else path.write_text('{"n":4}')
    why, hint = "differs from the text that was sent", f"{CHANGED}: sent/{path.name}"
    if damage == "removed":
        why = "is missing"
        hint = f"restore sent/{path.name} of the home folder from a backup"
    for read in (book.verify, lambda: book.show("3")):
        with pytest.raises(DataError, match=f"the text of entry 3 {why}") as found:
            read()
        assert found.value.hint == hint
    assert json.loads(book.show("4")) == {"n": 3}


def twins(home: Path) -> Ledger:
    """Two entries whose hashes have their first ten digits in common, and a third of digits."""
    hashes = ("abcdef0123" + "1" * 54, "abcdef0123" + "2" * 54, "12345678" + "a" * 56)
    rows = [{"kind": "update", "sha256": digest} for digest in hashes]
    (home / "ledger.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return Ledger(home)


@pytest.mark.parametrize("which", ["abcdef01", "ABCDEF0123"])
def test_digits_that_several_hashes_begin_with_name_no_entry(tmp_path: Path, which: str) -> None:
    with pytest.raises(UsageError, match=f"several entries begin with {which}") as found:
        twins(tmp_path).show(which)
    assert found.value.hint == "client ledger lists them"


@pytest.mark.parametrize(
    ("which", "entry"),
    [("abcdef01231", 1), ("ABCDEF01232", 2), ("12345678", 3), ("3", 3), ("0000002", 2)],
)
def test_a_number_is_an_entry_s_own_and_eight_digits_begin_a_hash(
    tmp_path: Path, which: str, entry: int
) -> None:
    with pytest.raises(DataError, match=rf"entry {entry} \(update\) is not stored") as found:
        twins(tmp_path).show(which)
    assert found.value.hint == "only the text of messages is stored"


@pytest.mark.parametrize("which", ["abcdef0", "", "-1", "1.0", "abcdef0g", "²", "x" * 200])
def test_what_is_neither_a_number_nor_a_hash_is_said_in_short(tmp_path: Path, which: str) -> None:
    with pytest.raises(UsageError, match="is neither an entry's number") as found:
        twins(tmp_path).show(which)
    assert found.value.message.startswith(which[:80] + " is neither")
    assert found.value.hint == "client ledger lists both"


def test_a_message_sent_twice_is_shown_by_its_hash(tmp_path: Path) -> None:
    book = Ledger(tmp_path)
    for _ in range(2):
        book.record_message("trained", "r", '{"a":[1]}')
    digest = sha256(b'{"a":[1]}').hexdigest()
    assert book.show(digest) == book.show("2") == '{\n  "a": [\n    1\n  ]\n}'


@pytest.mark.parametrize("chain", ["ab", "g" * 64, "", "0" * 63, "0" * 65])
def test_a_line_whose_link_is_none_is_not_taken_by_itself(chain: str) -> None:
    good = json.dumps({"entry": 1, "chain": "0" * 64}).encode()
    assert lone_line(good) is not None
    assert lone_line(json.dumps({"entry": 1, "chain": chain}).encode()) is None
