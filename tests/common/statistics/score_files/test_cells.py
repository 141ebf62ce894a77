"""A table's file is read in the encodings and with the separators that spreadsheets write."""

from pathlib import Path

import pytest
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import read_scores

from tests.common.statistics.score_files.tables import GOOD, HEAD, read, refused

LINES = (GOOD, "a,p2,l1,metastatic,0.1,0.2,0.7")


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "scores.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_spreadsheets_encodings_and_line_ends_are_read(
    tmp_path: Path, encoding: str, end: str
) -> None:
    found = read_scores(written(tmp_path, end.join([HEAD, *LINES, ""]), encoding))
    assert found.patient.tolist() == ["p1", "p2"]
    assert found.truth.tolist() == [0, 2]
    assert found.notes == ()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_another_encoding_is_refused_with_what_to_do(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "\n".join([HEAD.replace("site", "sité"), *LINES]), encoding)
    with pytest.raises(DataError, match=r"not .*in UTF-8") as caught:
        read_scores(path)
    assert "CSV UTF-8" in caught.value.hint


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(DataError, match="cannot read") as caught:
            read_scores(path)
        assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "a semicolon"), ("\t", "a tab"), ("|", "a vertical bar")]
)
def test_other_separators_are_read_and_named(tmp_path: Path, separator: str, name: str) -> None:
    lines = [line.replace(",", separator) for line in (HEAD, *LINES)]
    found = read_scores(written(tmp_path, "\n".join([*lines, ""])))
    assert found.patient.tolist() == ["p1", "p2"]
    assert found.notes == (f"The columns are separated by {name}.",)


def test_a_line_that_states_the_separator_counts_as_a_row(tmp_path: Path) -> None:
    lines = ["sep=;", HEAD.replace(",", ";"), GOOD.replace(",", ";"), "a;p2;l1;cyst;1;0;0"]
    with pytest.raises(DataError, match="row 4: truth is cyst"):
        read_scores(written(tmp_path, "\n".join(lines)))


def test_a_file_whose_last_row_has_no_line_end_is_noted(tmp_path: Path) -> None:
    """A broken transfer leaves such a file."""
    found = read_scores(written(tmp_path, "\n".join([HEAD, *LINES])))
    assert found.notes == ("The last row has no line end; check that it is whole (row 3).",)


def test_a_header_with_two_separators_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "\n".join([HEAD.replace(",", ";", 2), *LINES]))
    with pytest.raises(DataError, match=r"separator .* not clear \(a comma, a semicolon\)"):
        read_scores(path)


def test_rows_of_nothing_are_passed_over_and_counted(tmp_path: Path) -> None:
    assert len(read(tmp_path, GOOD, ",,,,,,", "", LINES[1], ",,,,,,").truth) == 2
    assert "row 5: truth" in refused(tmp_path, GOOD, ",,,,,,", "", "a,p2,l1,cyst,1,0,0")


def test_a_quotation_mark_that_is_not_closed_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, f'"{GOOD}', LINES[1])
    assert "not a CSV file" in told
    told = refused(tmp_path, f'"{GOOD}', LINES[1], 'a,p3,l1",benign,1,0,0')
    assert "row 2: a value has a line break: is a quotation mark missing?" in told


def test_what_nobody_sees_in_a_cell_is_removed_with_a_note(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD, "a,\u200bp2\u00a0,l1,metastatic, 0.1,0.2,0.7")
    assert found.patient.tolist() == ["p1", "p2"]
    assert found.notes == (
        "Spaces or invisible characters round patient_id were removed (row 3).",
        "Spaces or invisible characters round p_benign were removed (row 3).",
    )


def test_two_ways_to_write_an_accent_are_one_name(tmp_path: Path) -> None:
    found = read(tmp_path, "Köln,p1,l1,benign,1,0,0", "Ko\u0308ln,p2,l1,metastatic,0,0,1")
    assert len(set(found.site.tolist())) == 1
