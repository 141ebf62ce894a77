"""The ledger holds what left, in a chain that shows a change."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hepafed.client.cli.main import main
from hepafed.client.release.ledger import Ledger, lines
from hepafed.common.errors import DataError

MESSAGE = '{"kind":"trained","body":{"run":"r","round":3}}'


def client(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), "ledger", *words])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of a site that sent an update, a message, and another one."""
    book = Ledger(tmp_path)
    book.record("update", "r", bytes(1000))
    book.record_message("trained", "r", MESSAGE)
    book.record_message("refused", "r", '{"kind":"refused","body":{"run":"r","reason":"no"}}')
    return tmp_path


def test_a_ledger_goes_on_where_it_was(tmp_path: Path) -> None:
    Ledger(tmp_path).record("trained", "r", b"abc")
    Ledger(tmp_path).record("update", "r", b"defg")
    book = Ledger(tmp_path)
    assert [e["bytes"] for e in book.entries()] == [3, 4]
    assert book.verify().entries == 2


@pytest.mark.parametrize(
    "edit", [lambda t: t.replace('"bytes":3', '"bytes":2'), lambda t: t.split("\n", 1)[1]]
)
def test_an_entry_changed_or_removed_is_found(tmp_path: Path, edit: object) -> None:
    book = Ledger(tmp_path)
    for content in (b"abc", b"d", b"e"):
        book.record("update", "r", content)
    path = tmp_path / "ledger.jsonl"
    path.write_text(edit(path.read_text()))  # type: ignore[operator]
    with pytest.raises(DataError, match="entry"):
        Ledger(tmp_path).verify()


def test_a_line_torn_by_a_crash_is_cut_off_and_the_chain_goes_on(tmp_path: Path) -> None:
    Ledger(tmp_path).record("update", "r", b"abc")
    path = tmp_path / "ledger.jsonl"
    whole, end = path.read_bytes(), (tmp_path / "ledger.head").read_bytes()
    for torn in (whole[:60], b"\0" * 9000):
        path.write_bytes(whole + torn)
        (tmp_path / "ledger.head").write_bytes(end)
        assert Ledger(tmp_path).verify().entries == 1
        book = Ledger(tmp_path)
        book.record("update", "r", b"de")
        entries = book.entries()
        assert [e["bytes"] for e in entries] == [3, 2]
        assert entries[1]["unfinished"] == len(torn)
        assert book.verify().entries == 2


def test_a_first_line_torn_by_a_crash_is_cut_off_too(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b'{"at":"2026')
    Ledger(tmp_path).record("update", "r", b"de")
    assert Ledger(tmp_path).verify().entries == 1


def test_an_entry_that_only_lacks_its_line_end_is_kept(tmp_path: Path) -> None:
    book = Ledger(tmp_path)
    book.record("update", "r", b"abc")
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert [e["bytes"] for e in book.entries()] == [3]
    book.record("update", "r", b"de")
    assert [e["bytes"] for e in book.entries()] == [3, 2]
    assert book.verify().entries == 2


def test_what_could_not_be_written_down_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Ledger(tmp_path)
    book.record("update", "r", b"abc")
    before = (tmp_path / "ledger.jsonl").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(lines.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            book.record("update", "r", b"de")
    assert (tmp_path / "ledger.jsonl").read_bytes() == before
    book.record("update", "r", b"de")
    assert book.verify().entries == 2


def test_two_workers_at_once_write_one_chain(tmp_path: Path) -> None:
    books = [Ledger(tmp_path) for _ in range(4)]

    def write(book: Ledger) -> None:
        for _ in range(25):
            book.record("update", "r", b"abc")

    with ThreadPoolExecutor(len(books)) as pool:
        list(pool.map(write, books))
    assert Ledger(tmp_path).verify().entries == 100


def test_a_message_is_kept_as_it_left_and_readable_by_its_owner_alone(home: Path) -> None:
    entry = Ledger(home).entries()[1]
    path = home / "sent" / f"{entry['sha256']}.json"
    assert path.read_text() == MESSAGE
    assert entry["sha256"] == hashlib.sha256(MESSAGE.encode()).hexdigest()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(list(path.parent.iterdir())) == 2


def test_a_message_that_cannot_be_kept_is_not_written_down_as_leaving(tmp_path: Path) -> None:
    (tmp_path / "sent").write_text("a file in the way")
    book = Ledger(tmp_path)
    with pytest.raises(OSError, match="sent"):
        book.record_message("trained", "r", MESSAGE)
    assert book.entries() == []


@pytest.mark.parametrize("which", ["2", "sha256"])
def test_show_prints_what_an_entry_said(home: Path, which: str) -> None:
    if which == "sha256":
        which = Ledger(home).entries()[1]["sha256"][:8]
    shown = client(home, "--show", which)
    assert json.loads(shown.stdout) == json.loads(MESSAGE)
    assert '\n  "body": {\n' in shown.stdout


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("1", "not stored"),
        ("4", "no entry 4"),
        ("0", "no entry 0"),
        ("fffffffff", "no entry"),
        ("../keys", "neither"),
    ],
)
def test_show_says_why_there_is_nothing_to_show(home: Path, which: str, why: str) -> None:
    shown = client(home, "--show", which)
    assert shown.exit_code
    assert why in shown.stderr
    assert "hint:" in shown.stderr


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_kept_text_changed_or_removed_is_found(home: Path, damage: str) -> None:
    assert Ledger(home).verify().entries == 3
    (path,) = [p for p in (home / "sent").iterdir() if p.read_text() == MESSAGE]
    if damage == "removed":
        path.unlink()
    else:
        path.write_text(MESSAGE.replace("3", "4"))
    for words in (("--verify",), ("--show", "2")):
        said = client(home, *words)
        assert said.exit_code
        assert "entry 2" in said.stderr


def test_the_list_numbers_the_entries_and_says_what_is_kept(home: Path) -> None:
    shown = client(home).stdout
    lines = shown.splitlines()
    entries = [line.split() for line in lines[1:] if line[:5].strip().isdecimal()]
    assert [(e[0], e[-1]) for e in entries] == [("1", "hash"), ("2", "text"), ("3", "text")]
    assert "hash = only its size and SHA-256 are" in shown
    later = json.loads(client(home, "--json", "--since", "2000-01-01").stdout)
    assert [(e["entry"], e.get("kept", False)) for e in later] == [
        (1, False),
        (2, True),
        (3, True),
    ]


def test_an_answer_s_entry_names_who_asked_and_under_which_permission(tmp_path: Path) -> None:
    book = Ledger(tmp_path)
    book.record_message("tuned", "r", "{}", permission="p-1", requester="anna")
    book.record_message("tuned", "r", "{}")
    first, second = book.entries()
    assert (first["permission"], first["requester"]) == ("p-1", "anna")
    assert not {"permission", "requester"} & set(second)
