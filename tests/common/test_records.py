"""Records are written as they are read: optional keys, keys that are no names, absent and null."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from hepafed.common.errors import DataError
from hepafed.common.records import ABSENT, Absent, named, optional, read_record, write_record


@dataclass(frozen=True, kw_only=True)
class Row:
    class_: str = named("class")
    share: Annotated[float, "between 0 and 1"] | None
    reason: str = optional("")
    points: tuple[tuple[float, ...], ...] | None = optional(None)
    judged: Absent | str | None = optional(ABSENT)
    plan: dict[str, object] | None = optional(None)


def test_a_key_with_its_default_is_left_out_and_read_as_its_default() -> None:
    row = Row(class_="benign", share=None)
    assert write_record(row) == {"class": "benign", "share": None}
    assert read_record(Row, {"class": "benign", "share": None}, DataError) == row


@pytest.mark.parametrize(
    "values",
    [
        {"class": "a", "share": 0.5, "reason": "few"},
        {"class": "a", "share": None, "points": [[0.0, 1.0], [1.0, 1.0]]},
        {"class": "a", "share": None, "judged": None},
        {"class": "a", "share": None, "judged": "met"},
        {"class": "a", "share": None, "plan": {"seed": 1, "model": {"sizes": [1, None, "x"]}}},
    ],
)
def test_what_was_read_is_written_again(values: dict[str, object]) -> None:
    assert write_record(read_record(Row, values, DataError)) == values


def test_absent_is_not_null_and_counts_as_false() -> None:
    absent, null = Row(class_="a", share=None), Row(class_="a", share=None, judged=None)
    assert absent != null
    assert not absent.judged
    assert "judged" not in write_record(absent)


def test_errors_name_the_key_as_it_is_written() -> None:
    with pytest.raises(DataError, match=r"missing key row\.class"):
        read_record(Row, {"share": None}, DataError, "row")
    with pytest.raises(DataError, match=r"unknown key row\.class_"):
        read_record(Row, {"class_": "a", "share": None}, DataError, "row")
