"""No two patients become one, no one becomes two: blanks and second spellings are refused."""

from pathlib import Path

import pytest

from tests.common.statistics.score_files.tables import GOOD, read, refused

P = "benign,0.5,0.25,0.25"


@pytest.mark.parametrize("nothing", ["", " ", "NA", "n/a", "NaN", "NULL", "#N/A", "-", "unknown"])
def test_a_lesion_without_site_patient_or_name_is_refused(tmp_path: Path, nothing: str) -> None:
    """Else all lesions without a patient would be one patient's."""
    shown = nothing.strip() or "empty"
    for role, row in (
        ("site", f"{nothing},p1,l1"),
        ("patient_id", f"a,{nothing},l1"),
        ("lesion_id", f"a,p1,{nothing}"),
    ):
        told = refused(tmp_path, GOOD.replace("p1", "p2"), f"{row},{P}")
        assert f"row 3: {role} is {shown}; write one in every row" in told


def test_rows_without_a_patient_are_not_also_called_the_same_lesion(tmp_path: Path) -> None:
    told = refused(tmp_path, f"a,NA,l1,{P}", f"a,NA,l1,{P}", f"a,p1,,{P}", f"a,p1,,{P}")
    assert "the same" not in told


@pytest.mark.parametrize(
    ("first", "second"),
    [("p1", "P1"), ("p 1", "p-1"), ("p_1", "p-1"), ("7", "007"), ("7", "7.0"), ("p–1", "p-1")],
)
def test_two_spellings_of_a_patient_are_refused_without_naming_them(
    tmp_path: Path, first: str, second: str
) -> None:
    told = refused(tmp_path, f"a,{first},l1,{P}", f"a,{second},l2,{P}")
    assert "row 3: patient_id differs from row 2 only by capitals" in told
    assert first not in told.replace("scores.csv", "").split("patient_id")[1] or len(first) == 1


@pytest.mark.parametrize(
    ("first", "second"), [("1-12", "11-2"), ("p1", "p11"), ("0", "00000001"), ("p1", "p1.0")]
)
def test_different_names_are_different_patients(tmp_path: Path, first: str, second: str) -> None:
    assert len(read(tmp_path, f"a,{first},l1,{P}", f"a,{second},l1,{P}").truth) == 2


def test_a_patient_may_be_spelt_otherwise_at_another_site(tmp_path: Path) -> None:
    assert read(tmp_path, f"a,p1,l1,{P}", f"b,P1,l1,{P}").notes == ()


def test_two_spellings_of_a_site_are_refused_by_name(tmp_path: Path) -> None:
    told = refused(tmp_path, f"s01,p1,l1,{P}", f"s02,p1,l1,{P}", f"S01,p2,l1,{P}")
    assert "row 4: site S01 and s01 differs from row 2 only by capitals" in told


def test_a_lesion_that_comes_twice_is_named_with_both_rows(tmp_path: Path) -> None:
    other = (GOOD.replace("a,", "b,"), GOOD.replace("p1", "p2"), GOOD.replace("l1", "l2"))
    assert len(read(tmp_path, GOOD, *other).truth) == 4
    told = refused(tmp_path, GOOD, *other, GOOD)
    assert "row 6: the same lesion as row 2" in told
    told = refused(tmp_path, GOOD, *other, GOOD, GOOD)
    assert (
        "2 rows: the same lesion as an earlier row; keep one row a lesion (rows 6 as 2, 7 as 2)"
        in told
    )


@pytest.mark.parametrize("lesion", [" l1", "l1\u00a0", "L1"])
def test_a_lesion_that_comes_twice_in_two_spellings_is_refused(tmp_path: Path, lesion: str) -> None:
    assert "row 3: the same lesion as row 2" in refused(tmp_path, GOOD, GOOD.replace("l1", lesion))


def test_an_id_that_a_spreadsheet_shortened_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, f"a,1.2E+11,l1,{P}")
    assert "row 2: patient_id was shortened by a spreadsheet (1.2E+11): format it as text" in told
    assert read(tmp_path, f"a,12E11,l1,{P}").patient.tolist() == ["12E11"]


def test_an_id_has_at_most_200_characters(tmp_path: Path) -> None:
    assert len(read(tmp_path, f"a,{'p' * 200},l1,{P}").truth) == 1
    told = refused(tmp_path, f"a,{'p' * 201},l1,{P}")
    assert "row 2: patient_id has more than 200 characters" in told


def test_characters_that_cannot_be_printed_are_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, GOOD, f"a,p\x07,l1,{P}")
    assert "row 3: patient_id has characters that cannot be printed" in told


def test_a_table_of_three_classes_without_lesions_has_one_a_patient(tmp_path: Path) -> None:
    head = "site,patient_id,truth,p_benign,p_primary_malignant,p_metastatic"
    found = read(tmp_path, f"a,1,{P}", f"b,1,{P}", head=head)
    assert found.lesion.tolist() == ["1", "1"]
    assert found.lesions
    assert found.notes == ("The table has no column lesion_id: each row counts as one lesion.",)
    told = refused(tmp_path, f"a,1,{P}", f"a,1,{P}", head=head)
    assert "row 3: the same patient as row 2: write the column lesion_id" in told


def test_without_lesions_a_patient_has_one_row(tmp_path: Path) -> None:
    head = "site,patient_id,truth,score"
    assert len(read(tmp_path, "a,1,0,0.2", "b,1,1,0.7", head=head).truth) == 2
    told = refused(tmp_path, "a,1,0,0.2", "b,1,1,0.7", "a,1,1,0.6", head=head)
    assert "row 4: the same patient as row 2: write the column lesion_id" in told
