"""Columns are known by their names in any spelling; what is missing or not used is named."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.statistics.scores import COLUMNS

from tests.common.statistics.score_files.tables import GOOD, HEAD, read, refused


@pytest.mark.parametrize(
    "head",
    [
        HEAD.upper(),
        "Site,Patient_ID,Lesion ID,Truth,P_Benign,p.primary-malignant,P Metastatic",
        "\u00a0site , patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic",
    ],
)
def test_capitals_spaces_and_points_in_a_name_do_not_matter(tmp_path: Path, head: str) -> None:
    assert read(tmp_path, GOOD, head=head).patient.tolist() == ["p1"]


def test_other_names_of_a_column_are_taken_with_a_note(tmp_path: Path) -> None:
    head = HEAD.replace("site", "Hospital").replace("patient_id", "subject")
    found = read(tmp_path, GOOD, head=head)
    assert found.site.tolist() == ["a"]
    assert found.notes == (
        "The column Hospital was read as site.",
        "The column subject was read as patient_id.",
    )


def test_a_columns_own_name_goes_before_another_name(tmp_path: Path) -> None:
    found = read(tmp_path, f"{GOOD},x", head=f"{HEAD},patient")
    assert found.patient.tolist() == ["p1"]
    assert "Columns that are not used: patient (names that are read" in found.notes[0]


def test_two_other_names_of_one_column_are_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, f"{GOOD},x", head=f"{HEAD.replace('patient_id', 'patient')},subject")
    assert "several columns can be patient_id: keep one, and name it patient_id" in told


def test_a_column_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    assert "the column truth occurs twice" in refused(
        tmp_path, f"{GOOD},benign", head=f"{HEAD},truth"
    )
    told = refused(tmp_path, f"{GOOD},1,0", head=f"{HEAD},reader_a,Reader_A")
    assert "two columns are of the reader A" in told
    told = refused(tmp_path, f"{GOOD},f,f", head=f"{HEAD},group_sex,Group_Sex")
    assert "two columns are group_sex" in told


def test_every_missing_column_is_named_with_those_found(tmp_path: Path) -> None:
    told = refused(tmp_path, "a,p", head="site,patient_id")
    assert (
        "it lacks the column truth, score (or p_benign, p_primary_malignant, p_metastatic) "
        "(columns found: site, patient_id); write site, patient_id, lesion_id, truth, p_benign"
    ) in told
    assert "or patient_id, truth, score for benign and malignant" in told
    assert "it lacks the column p_metastatic" in refused(tmp_path, "a", head=",".join(COLUMNS[:-1]))


def test_without_probabilities_a_score_is_asked_for_first(tmp_path: Path) -> None:
    told = refused(tmp_path, "a,1,0.5", head="Patient,Label,Likelihood")
    assert "it lacks the column score (or p_benign, p_primary_malignant, p_metastatic)" in told
    assert "columns found: Patient, Label, Likelihood" in told
    some = refused(tmp_path, "a,1,0.5", head="patient_id,truth,p_benign")
    assert "it lacks the column p_primary_malignant, p_metastatic (" in some


def test_a_first_line_that_has_no_names_is_not_shown(tmp_path: Path) -> None:
    """It may be a patient's."""
    told = refused(tmp_path, GOOD, head="a,smith,l1,benign,0.5,0.25,0.25")
    assert "its first line has no known name" in told
    assert "smith" not in told


def test_an_empty_file_and_one_without_rows_are_refused(tmp_path: Path) -> None:
    assert "it is empty" in refused(tmp_path, head="")
    assert "no rows" in refused(tmp_path)


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    found = read(tmp_path, f"{GOOD},63,x,1", head=f"{HEAD},age,,readerA")
    assert "Columns that are not used: age, readerA (names that are read: site" in found.notes[0]
    assert "reader_NAME, group_NAME" in found.notes[0]


@pytest.mark.parametrize("title", ["Reader_A", "READER_A", "reader A", "Reader-A"])
def test_a_reader_is_known_in_any_spelling(tmp_path: Path, title: str) -> None:
    found = read(tmp_path, f"{GOOD},1", head=f"{HEAD},{title}")
    assert {k: v.tolist() for k, v in found.readers.items()} == {"reader_A": [1]}
    assert found.notes == (f"The column {title} was read as reader_A.",)


@pytest.mark.parametrize("title", ["reader_", "reader_" + "x" * 41, "reader__"])
def test_a_readers_name_is_usable(tmp_path: Path, title: str) -> None:
    assert "has a name that is not 1 to 40 letters or digits" in refused(
        tmp_path, f"{GOOD},1", head=f"{HEAD},{title}"
    )


def test_a_groups_name_is_a_plain_word(tmp_path: Path) -> None:
    assert "a column group_… has a name that is not a plain word" in refused(
        tmp_path, f"{GOOD},f", head=f"{HEAD},group_1"
    )
    assert list(read(tmp_path, f"{GOOD},f", head=f"{HEAD},Group Sex").groups) == ["sex"]


def test_a_score_beside_three_probabilities_is_not_used_and_named(tmp_path: Path) -> None:
    found = read(tmp_path, f"{GOOD},0.3", head=f"{HEAD},score")
    assert not found.two_classes
    assert "Columns that are not used: score (" in found.notes[0]


def test_patient_truth_and_score_are_a_table_of_two_classes(tmp_path: Path) -> None:
    found = read(tmp_path, "p1,0,0.2", "p2,1,0.7", head="patient,y_true,y_score")
    assert (found.two_classes, found.lesions) == (True, False)
    assert found.site.tolist() == ["one site", "one site"]
    assert found.truth.tolist() == [0, 1]
    chance = np.exp(found.log_probs)
    assert chance[:, 0] == pytest.approx([0.8, 0.3])
    assert chance.sum(1) == pytest.approx([1, 1])
    assert "The table has no column site: all its patients count as one site." in found.notes
    assert "it lacks the column patient_id" in refused(tmp_path, "0,0.2", head="truth,score")
