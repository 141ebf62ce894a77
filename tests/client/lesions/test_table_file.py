"""What a spreadsheet writes is read where it is certain, else refused with what to write."""

from pathlib import Path

import pytest
from hepafed.client.lesions.labels import BOX, OPTIONAL, REQUIRED
from hepafed.client.lesions.table_file import Rows, read_table
from hepafed.common.errors import LabelsError

HEADER = "patient_id,lesion_id,label,x_min,y_max"
ROW = "00123,L1,benign,3.5,-7"
WANTED = {
    "patient_id": "00123",
    "lesion_id": "L1",
    "label": "benign",
    "x_min": "3.5",
    "y_max": "-7",
}


def read(path: Path, content: bytes | str) -> tuple[list[str], Rows]:
    path = path / "labels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, REQUIRED, (*REQUIRED, *OPTIONAL), BOX)


def other(text: str, separator: str) -> str:
    return text.replace(",", separator)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-bom"], ids=lambda e: e
)
def test_an_encoding_that_the_file_states_is_read(tmp_path: Path, encoding: str) -> None:
    text = f"{HEADER},group_é\r\n{ROW},å\r\n"
    content = b"\xfe\xff" + text.encode("utf-16-be")
    if encoding != "utf-16-be-bom":
        content = text.encode(encoding)
    assert read(tmp_path, content) == (
        [*HEADER.split(","), "group_é"],
        [(2, WANTED | {"group_é": "å"})],
    )


def test_an_encoding_that_the_file_does_not_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="not in UTF-8"):
        read(tmp_path, f"{HEADER}\n{ROW} Jürgen".encode("latin-1"))


@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_the_separator_is_the_one_that_gives_every_required_column(
    tmp_path: Path, separator: str
) -> None:
    _, rows = read(tmp_path, f"{other(HEADER, separator)}\n{other(ROW, separator)}\n")
    assert rows == [(2, WANTED)]


def test_separators_inside_quotes_belong_to_the_value(tmp_path: Path) -> None:
    header = f'"{other(HEADER, chr(34) + ";" + chr(34))}";"a, b"'
    columns, rows = read(tmp_path, f'{header}\n00123;L1;benign;3,5;-7;"x; y"\n')
    assert columns[-1] == "a, b"
    assert rows == [(2, WANTED | {"a, b": "x; y"})]


def test_a_separator_that_is_not_clear_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="separator") as e:
        read(tmp_path, "patient_id;lesion_id,label\n1;2,benign\n")
    assert "a semicolon" in e.value.hint


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"'])
def test_a_first_line_that_names_the_separator_is_obeyed(tmp_path: Path, line: str) -> None:
    _, rows = read(tmp_path, f"{line}\r\n{other(HEADER, ';')}\r\n{other(ROW, ';')}\r\n")
    assert rows == [(3, WANTED)]


def test_rows_of_nothing_are_left_out_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    _, rows = read(tmp_path, f"{HEADER}\n,,,,\n{ROW}\n  , ,,,\n\n{ROW}\n")
    assert [number for number, _ in rows] == [3, 6]


def test_a_short_row_has_empty_cells(tmp_path: Path) -> None:
    _, rows = read(tmp_path, f"{HEADER}\n00123,L1\n")
    assert rows[0][1] == dict.fromkeys(WANTED, "") | {"patient_id": "00123", "lesion_id": "L1"}


def test_known_columns_are_read_in_any_case_and_others_as_they_are(tmp_path: Path) -> None:
    columns, _ = read(tmp_path, "Patient_ID,LESION_ID, Label ,X_Min,group_Age\n1,2,benign,3,4\n")
    assert columns == ["patient_id", "lesion_id", "label", "x_min", "group_Age"]


def test_of_a_family_of_columns_the_beginning_is_read_in_any_case(tmp_path: Path) -> None:
    """Else a reader's column would be passed over without a word."""
    path = tmp_path / "t.csv"
    path.write_text("id,Reader_Anna,READER_b,Readers,group_x\n1,2,3,4,5\n")
    columns, _ = read_table(path, ("id",), ("id", "reader_*", "group_*"))
    assert columns == ["id", "reader_Anna", "reader_b", "Readers", "group_x"]


@pytest.mark.parametrize(("written", "read_as"), [("36,0", "36.0"), ("-7,25", "-7.25"), ("8", "8")])
def test_a_decimal_comma_is_a_point_where_the_comma_separates_nothing(
    tmp_path: Path, written: str, read_as: str
) -> None:
    _, rows = read(tmp_path, f"{other(HEADER, ';')}\n1,5;L1;benign;{written};9\n")
    assert (rows[0][1]["x_min"], rows[0][1]["patient_id"]) == (read_as, "1,5")


@pytest.mark.parametrize(("first", "second"), [("1,5", "2.5"), ("2.5", "1,5")])
def test_decimals_with_a_comma_and_with_a_point_in_one_table_are_refused(
    tmp_path: Path, first: str, second: str
) -> None:
    text = f"{other(HEADER, ';')}\n1;L1;benign;{first};1\n2;L2;benign;4;{second}\n"
    with pytest.raises(LabelsError, match="with a comma and with a point"):
        read(tmp_path, text)


def test_a_comma_that_separates_is_never_a_decimal_sign(tmp_path: Path) -> None:
    _, rows = read(tmp_path, f'{HEADER}\n1,L1,benign,"3,5",2.5\n')
    assert rows[0][1]["x_min"] == "3,5"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe", b"\xef\xbb\xbf"])
def test_a_file_of_nothing_has_no_columns_and_no_rows(tmp_path: Path, content: bytes) -> None:
    columns, rows = read(tmp_path, content)
    assert [c for c in columns if c] == []
    assert rows == []


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="cannot read"):
        read_table(tmp_path / "none.csv", REQUIRED, REQUIRED, BOX)
