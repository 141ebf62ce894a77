"""Small score tables for the tests of this room."""

from pathlib import Path

import pytest
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import COLUMNS, ScoreTable, read_scores

HEAD = ",".join(COLUMNS)
GOOD = "a,p1,l1,benign,0.5,0.25,0.25"


def read(folder: Path, *lines: str, head: str = HEAD, **labels: str) -> ScoreTable:
    path = folder / "scores.csv"
    path.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    return read_scores(path, labels)


def refused(folder: Path, *lines: str, head: str = HEAD, **labels: str) -> str:
    """Read a table that must be refused; gives the message, one problem a line."""
    with pytest.raises(DataError) as caught:
        read(folder, *lines, head=head, **labels)
    assert caught.value.hint
    return caught.value.message
