"""The label map gives each word of a table's truth its class."""

from pathlib import Path

import pytest
from hepafed.common.errors import UsageError
from hepafed.common.statistics.score_files import label_map

from tests.common.statistics.score_files.tables import read, refused


def test_pairs_are_read_in_any_spelling() -> None:
    found = label_map("HCC=Primary-Malignant, focal nodular hyperplasia = benign,FNH=benign")
    assert found == {
        "hcc": "primary_malignant",
        "focal_nodular_hyperplasia": "benign",
        "fnh": "benign",
    }


@pytest.mark.parametrize("sign", ["=", ",", ";", "\t"])
def test_a_file_has_a_pair_a_line(tmp_path: Path, sign: str) -> None:
    text = f"# our words\nHCC{sign}primary_malignant\n\nmets{sign}metastatic  # liver\n"
    (tmp_path / "map.csv").write_text(text, encoding="utf-8-sig")
    found = label_map(str(tmp_path / "map.csv"))
    assert found == {"hcc": "primary_malignant", "mets": "metastatic"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("HCC=cancer", "'cancer' is not a class"),
        ("HCC=benign,hcc=metastatic", "'hcc' stands for two classes"),
        ("HCC=benign,cyst", "'cyst' is not WORD=CLASS"),
        ("=benign", "is not WORD=CLASS"),
        ("", "cannot read"),
        ("none.csv", "cannot read none.csv"),
        (",=,", "is not WORD=CLASS"),
    ],
)
def test_a_map_that_is_none_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        label_map(text)
    assert told in caught.value.message
    assert caught.value.hint


def test_a_file_without_a_pair_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("# nothing\n")
    with pytest.raises(UsageError, match="has no pair"):
        label_map(str(tmp_path / "map.csv"))


ROWS = ("a,1,1,HCC,0.1,0.8,0.1", "a,2,1,hcc,0.2,0.7,0.1", "a,3,1,Cyst,0.8,0.1,0.1")


def test_the_words_of_the_map_have_its_classes(tmp_path: Path) -> None:
    found = read(tmp_path, *ROWS, "a,4,1,metastatic,0,0,1", hcc="primary_malignant", cyst="benign")
    assert found.truth.tolist() == [1, 1, 0, 2]
    assert found.notes == ()


def test_numbers_may_be_words_of_the_map(tmp_path: Path) -> None:
    rows = ("a,1,1,0,0.1,0.8,0.1", "a,2,1,1.0,0.2,0.7,0.1", "a,3,1,2.00,0.8,0.1,0.1")
    words = {"0": "benign", "1": "primary_malignant", "2": "metastatic"}
    assert read(tmp_path, *rows, **words).truth.tolist() == [0, 1, 2]


def test_a_word_that_occurs_nowhere_is_noted(tmp_path: Path) -> None:
    words = {"hcc": "primary_malignant", "cyst": "benign", "fnh": "benign"}
    assert read(tmp_path, *ROWS, **words).notes == ("No row has the word fnh of the label map.",)


def test_words_without_a_class_are_refused_together_with_their_number(tmp_path: Path) -> None:
    told = refused(tmp_path, *ROWS, "a,4,1,metastatic,0,0,1")
    assert told.endswith(
        "3 rows: truth is HCC, hcc, Cyst, not one of benign, primary_malignant, metastatic; use "
        "--label-map (rows 2, 3, 4)"
    )


def test_malignant_alone_is_no_class_of_three(tmp_path: Path) -> None:
    told = refused(tmp_path, *ROWS, hcc="malignant", cyst="benign")
    assert "the label map says malignant; the table has the classes benign, primary" in told
