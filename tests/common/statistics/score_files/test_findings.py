"""Problems and notes are grouped: the values found, the first rows, and how many more."""

import pytest
from hepafed.common.errors import DataError
from hepafed.common.statistics.score_files.findings import Findings, plain


def told(findings: Findings) -> str:
    with pytest.raises(DataError) as caught:
        findings.refuse("t.csv")
    return caught.value.message


def test_nothing_found_is_no_problem() -> None:
    findings = Findings()
    findings.note("read")
    findings.refuse("t.csv")


def test_alike_problems_are_one_with_values_by_frequency_and_ten_rows() -> None:
    findings = Findings()
    values = ["HCC", *["cyst"] * 9, "FNH", *["x1", "x2", "x3", "x4"]]
    for row, value in enumerate(values, 2):
        findings.wrong("truth is {}; use --label-map", row, value)
    assert told(findings) == (
        "t.csv: 15 rows: truth is cyst (9), HCC (1), FNH (1), x1 (1), x2 (1) and 2 more; use "
        "--label-map (rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 5 more)"
    )


def test_ten_rows_are_named_without_more() -> None:
    findings = Findings()
    for row in range(2, 12):
        findings.wrong("it is wrong", row)
    assert told(findings).endswith("(rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)")


def test_different_problems_have_a_line_each_and_a_single_row_stands_first() -> None:
    findings = Findings()
    findings.wrong("it lacks a column")
    findings.wrong("the same lesion as {other}", 7, other=3)
    assert told(findings) == "t.csv:\n  it lacks a column\n  row 7: the same lesion as row 3"


def test_rows_that_contradict_earlier_ones_are_named_with_them() -> None:
    findings = Findings()
    findings.wrong("the same lesion as {other}", 9, other=8)
    findings.wrong("the same lesion as {other}", 4, other=2)
    assert told(findings) == (
        "t.csv: 2 rows: the same lesion as an earlier row (rows 4 as 2, 9 as 8)"
    )


def test_notes_are_sentences_with_their_rows_at_the_end() -> None:
    findings = Findings()
    findings.note("Read as a tab")
    findings.note("Spaces were removed", 4)
    findings.note("Spaces were removed", 2)
    assert findings.note_lines() == ("Read as a tab.", "Spaces were removed (rows 2, 4).")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", "empty"), ("a" * 20, "a" * 20), ("a" * 21, "a" * 20 + "…"), ("a\x1b[31m\n", "a?[31m?")],
)
def test_a_value_is_shown_short_and_printable(value: str, shown: str) -> None:
    assert plain(value) == shown
