"""Truth, probabilities and calls: what they may be, and what is refused with its value."""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.common.statistics.score_files.tables import GOOD, HEAD, read, refused

TWO = "patient_id,truth,score"


@pytest.mark.parametrize(
    ("text", "truth"),
    [("benign", 0), ("Primary-Malignant", 1), ("primary malignant", 1), ("METASTATIC", 2)],
)
def test_a_class_may_be_written_with_capitals_spaces_and_hyphens(
    tmp_path: Path, text: str, truth: int
) -> None:
    assert read(tmp_path, GOOD.replace("benign", text)).truth.tolist() == [truth]


@pytest.mark.parametrize("text", ["0", "1", "malignant", "cyst", "", "NA"])
def test_what_is_no_class_of_three_is_refused(tmp_path: Path, text: str) -> None:
    told = refused(tmp_path, GOOD.replace("benign", text))
    assert f"row 2: truth is {text or 'empty'}, not one of benign, primary_malignant" in told


@pytest.mark.parametrize(
    ("texts", "noted"),
    [
        (("0", "1"), True),
        (("0.0", "1.0"), True),
        (("benign", "malignant"), False),
        (("Negative", "Positive"), False),
        (("no", "YES"), False),
        (("FALSE", "TRUE"), False),
        (("benign", "metastatic"), False),
    ],
)
def test_two_classes_may_be_numbers_or_words(
    tmp_path: Path, texts: tuple[str, str], noted: bool
) -> None:
    found = read(tmp_path, f"1,{texts[0]},0.5", f"2,{texts[1]},0.5", head=TWO)
    assert found.truth.tolist() == [0, 1]
    told = "In the column truth, 1 was read as malignant and 0 as benign."
    assert (told in found.notes) == noted


@pytest.mark.parametrize("text", ["2", "-1", "0.5", "maybe", ""])
def test_what_is_no_class_of_two_is_refused(tmp_path: Path, text: str) -> None:
    told = refused(tmp_path, f"1,{text},0.5", head=TWO)
    assert f"row 2: truth is {text or 'empty'}, not one of benign (0), malignant (1)" in told


def test_a_score_is_the_probability_of_the_malignant_class(tmp_path: Path) -> None:
    found = read(tmp_path, "1,0,0.2", "2,1,1", "3,1,1e-20", head=TWO)
    assert found.log_probs[0].tolist() == pytest.approx([math.log(0.8), math.log(0.2), -np.inf])
    assert found.log_probs[1].tolist() == [-np.inf, 0.0, -np.inf]
    assert found.log_probs[2, 1] == pytest.approx(-20 * math.log(10))


@pytest.mark.parametrize("text", ["3.2", "-0.01", "1.0001", "91%", "0.5%", "85"])
def test_a_score_that_is_no_probability_is_refused_with_its_value(
    tmp_path: Path, text: str
) -> None:
    told = refused(tmp_path, "1,0,0.2", f"2,1,{text}", head=TWO)
    assert f"row 3: score is {text}; a probability of malignancy is 0 to 1" in told


@pytest.mark.parametrize("text", ["x", "", "nan", "inf", "0_5", "1/2", "0.5.1", "<0.001"])
def test_a_probability_that_is_no_number_is_refused_with_its_value(
    tmp_path: Path, text: str
) -> None:
    told = refused(tmp_path, f"a,p1,l1,benign,{text},0.25,0.25")
    assert f"row 2: p_benign is {text or 'empty'}, not a number" in told


@pytest.mark.parametrize("p", ["-0.1,0.6,0.5", "1.2,-0.1,-0.1", "50,25,25"])
def test_a_probability_outside_its_range_is_refused(tmp_path: Path, p: str) -> None:
    assert "a probability is 0 to 1" in refused(tmp_path, f"a,p1,l1,benign,{p}")


def test_a_probability_of_0_is_taken(tmp_path: Path) -> None:
    found = read(tmp_path, "a,p1,l1,benign,1,0,0")
    assert found.log_probs.tolist() == [[0.0, -np.inf, -np.inf]]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("p", "total"),
    [
        ("0.33,0.33,0.33", "0.99"),
        ("0.334,0.334,0.333", "1.001"),
        ("0.34,0.34,0.33", "1.01"),
        ("0.5009,0.25,0.25", "1.0009"),
        ("0.4991,0.25,0.25", "0.9991"),
    ],
)
def test_rounded_probabilities_are_made_to_add_up_with_a_note(
    tmp_path: Path, p: str, total: str
) -> None:
    found = read(tmp_path, f"a,p,l,benign,{p}")
    values = np.array([float(v) for v in p.split(",")])
    assert np.exp(found.log_probs[0]) == pytest.approx(values / values.sum(), abs=1e-15)
    told = f"The rounded probabilities added up to {total}; they were divided by their sum (row 2)."
    assert found.notes == (told,)


@pytest.mark.parametrize(
    "p",
    [
        "0.33,0.33,0.32",  # 0.98: three roundings by 0.005 make 0.985 at the least
        "0.34,0.34,0.34",
        "0.333,0.333,0.332",  # 0.998 of three decimals, 0.9985 at the least
        "0.3,0.3,0.3",
        "0.5011,0.25,0.25",
        "0.4989,0.25,0.25",
    ],
)
def test_probabilities_that_rounding_does_not_explain_are_refused(tmp_path: Path, p: str) -> None:
    told = refused(tmp_path, f"a,p,l,benign,{p}")
    assert "row 2: the probabilities add up to " in told


def test_decimal_commas_are_read_where_no_number_has_a_point(tmp_path: Path) -> None:
    head = HEAD.replace(",", ";")
    found = read(tmp_path, "a;p1;l1;benign;0,5;0,25;0,25", "a;p2;l1;benign;1;0;0", head=head)
    assert np.exp(found.log_probs).tolist() == [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]
    assert "Decimal commas were read as points." in found.notes
    quoted = read(tmp_path, 'a,p1,l1,benign,"0,5","0,25","0,25"')
    assert np.exp(quoted.log_probs[0]).tolist() == [0.5, 0.25, 0.25]
    mixed = refused(tmp_path, "a;p1;l1;benign;0,5;0.25;0.25", head=head)
    assert "row 2: 0,5 has a decimal comma, other numbers have a point" in mixed


def test_an_unquoted_decimal_comma_makes_too_many_cells(tmp_path: Path) -> None:
    told = refused(tmp_path, GOOD, "a,p2,l1,benign,0,5,0,25,0,25")
    assert "row 3: 10 cells, the line of column names has 7; is a comma part of a value?" in told


@pytest.mark.parametrize(
    ("texts", "calls"),
    [
        (("1", "0", ""), [1, 0, -1]),
        (("1.0", "0.0", "NA"), [1, 0, -1]),
        (("malignant", "Benign", "N/A"), [1, 0, -1]),
        (("yes", "No", "-"), [1, 0, -1]),
        (("positive", "NEG", "."), [1, 0, -1]),
        (("metastatic", "benign", "primary malignant"), [1, 0, 1]),
    ],
)
def test_a_readers_calls_may_be_words(
    tmp_path: Path, texts: tuple[str, ...], calls: list[int]
) -> None:
    lines = [f"{GOOD.replace('l1', f'l{i}')},{t}" for i, t in enumerate(texts)]
    found = read(tmp_path, *lines, head=f"{HEAD},reader_x")
    assert found.readers["reader_x"].tolist() == calls


def test_words_for_calls_are_noted_with_what_they_mean(tmp_path: Path) -> None:
    found = read(tmp_path, f"{GOOD},yes", f"{GOOD.replace('l1', 'l2')},NA", head=f"{HEAD},reader_x")
    assert found.notes == (
        "reader_x is NA; it was read as no call (row 3).",
        "reader_x: read yes as 1.",
    )


@pytest.mark.parametrize("call", ["2", "-1", "0.5", "maybe", "9"])
def test_what_is_no_call_is_refused_with_its_value(tmp_path: Path, call: str) -> None:
    told = refused(tmp_path, f"{GOOD},{call}", head=f"{HEAD},reader_x")
    assert f"row 2: reader_x is {call}; a reader's call is 1 (malignant), 0 (benign)" in told


def test_a_reader_without_a_call_is_noted(tmp_path: Path) -> None:
    found = read(tmp_path, f"{GOOD},", head=f"{HEAD},reader_x")
    assert found.readers["reader_x"].tolist() == [-1]
    assert found.notes == ("reader_x has no call, and no figure.",)
