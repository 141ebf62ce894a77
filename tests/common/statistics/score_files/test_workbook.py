"""An Excel workbook with one sheet of data is read as the CSV file of that sheet would be."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import COLUMNS, read_scores
from openpyxl import Workbook

ROWS = (
    ("a", 1, "l1", "benign", 0.5, 0.25, 0.25),
    ("a", 2.0, "l1", "metastatic", 0.1, 0.2, 0.7),
    ("b", 30, "l1", "primary_malignant", 0, 1, 0),
)


def workbook(*rows: tuple[object, ...], head: tuple[str, ...] = COLUMNS) -> Workbook:
    made = Workbook()
    for row in (head, *rows):
        made.active.append(row)
    return made


def saved(book: Workbook, folder: Path) -> Path:
    book.save(folder / "scores.xlsx")
    return folder / "scores.xlsx"


def test_a_workbook_is_read_with_whole_numbers_as_ids(tmp_path: Path) -> None:
    found = read_scores(saved(workbook(*ROWS), tmp_path))
    assert found.patient.tolist() == ["1", "2", "30"]
    assert found.site.tolist() == ["a", "a", "b"]
    assert found.truth.tolist() == [0, 2, 1]
    assert found.log_probs[2].tolist() == [float("-inf"), 0.0, float("-inf")]
    assert found.notes == ()


def test_true_and_false_are_calls_and_empty_cells_none(tmp_path: Path) -> None:
    book = workbook(
        (*ROWS[0], True), (*ROWS[1], None), (*ROWS[2], False), head=(*COLUMNS, "reader_a")
    )
    assert read_scores(saved(book, tmp_path)).readers["reader_a"].tolist() == [1, -1, 0]


def test_rows_are_named_as_the_sheet_numbers_them(tmp_path: Path) -> None:
    book = workbook(ROWS[0], (), ("a", 2, "l1", "cyst", 0.1, 0.2, 0.7))
    with pytest.raises(DataError, match="row 4: truth is cyst"):
        read_scores(saved(book, tmp_path))


def test_a_band_that_the_spreadsheet_made_a_date_is_refused(tmp_path: Path) -> None:
    day = datetime(2026, 10, 19, tzinfo=UTC).replace(tzinfo=None)
    book = workbook((*ROWS[0], day), head=(*COLUMNS, "group_age"))
    with pytest.raises(DataError, match="row 2: group_age is a date: write"):
        read_scores(saved(book, tmp_path))


def test_several_sheets_with_data_are_refused_by_name(tmp_path: Path) -> None:
    book = workbook(*ROWS)
    book.create_sheet("empty")
    assert len(read_scores(saved(book, tmp_path)).truth) == 3
    book.create_sheet("more").append(["a", "b"])
    with pytest.raises(DataError, match="sheets with data: Sheet, more") as caught:
        read_scores(saved(book, tmp_path))
    assert "one sheet" in caught.value.hint


def test_merged_cells_are_refused_with_their_row(tmp_path: Path) -> None:
    book = workbook(*ROWS)
    book.active.merge_cells("A3:A4")
    with pytest.raises(DataError, match="row 3: cells are merged"):
        read_scores(saved(book, tmp_path))


def test_a_row_that_is_hidden_is_read_with_a_note(tmp_path: Path) -> None:
    book = workbook(*ROWS)
    book.active.row_dimensions[3].hidden = True
    found = read_scores(saved(book, tmp_path))
    assert len(found.truth) == 3
    assert found.notes == ("The row is hidden in the workbook; it was read (row 3).",)


def test_a_formula_without_a_stored_value_is_refused(tmp_path: Path) -> None:
    book = workbook(*ROWS)
    book.active["E4"] = "=1-F4-G4"
    with pytest.raises(DataError, match=r"1 formulas have no stored value \(the first is in E4\)"):
        read_scores(saved(book, tmp_path))


@pytest.mark.parametrize("content", [b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0 an old .xls"])
def test_what_is_no_workbook_of_this_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scores.xls").write_bytes(content)
    with pytest.raises(DataError, match="not a workbook") as caught:
        read_scores(tmp_path / "scores.xls")
    assert ".xlsx" in caught.value.hint
