"""The ledger holds what left, in a chain that shows a change."""

from pathlib import Path

import pytest
from hepafed.client.ledger import Ledger
from hepafed.common.errors import DataError


def test_a_ledger_goes_on_where_it_was(tmp_path: Path) -> None:
    Ledger(tmp_path).record("trained", "r", b"abc")
    Ledger(tmp_path).record("update", "r", b"defg")
    book = Ledger(tmp_path)
    assert [e["bytes"] for e in book.entries()] == [3, 4]
    assert book.verify() == 2


@pytest.mark.parametrize("edit", [lambda t: t.replace('"bytes":3', '"bytes":2'),
                                  lambda t: t.split("\n", 1)[1]])  # fmt: skip
def test_an_entry_changed_or_removed_is_found(tmp_path: Path, edit: object) -> None:
    book = Ledger(tmp_path)
    for content in (b"abc", b"d", b"e"):
        book.record("update", "r", content)
    path = tmp_path / "ledger.jsonl"
    path.write_text(edit(path.read_text()))  # type: ignore[operator]
    with pytest.raises(DataError, match="entry"):
        Ledger(tmp_path).verify()
