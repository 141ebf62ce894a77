"""Groups have few, plain levels in one spelling, and a person has one sex and one age."""

from pathlib import Path

import pytest

from tests.common.statistics.score_files.tables import GOOD, HEAD, read, refused

SEX, X = f"{HEAD},group_sex", f"{HEAD},group_x"


def lines_of(values: list[str]) -> list[str]:
    """Give a lesion of its own patient for each value."""
    return [f"{GOOD.replace('p1', f'p{i}')},{v}" for i, v in enumerate(values)]


def test_a_group_may_have_13_values_and_no_more(tmp_path: Path) -> None:
    """Twelve levels and the one of several; what is not stated is empty."""
    values = [f"v{c}" for c in "abcdefghijklmn"]
    made = read(tmp_path, *lines_of([*values[:13], ""]), head=X)
    assert made.groups["x"].tolist() == [*values[:13], ""]
    told = refused(tmp_path, *lines_of(values), head=X)
    assert "the column group_x has more than 12 different values" in told


def test_a_level_that_is_not_stated_is_empty(tmp_path: Path) -> None:
    made = read(tmp_path, *lines_of(["", "f", "NA"]), head=SEX)
    assert made.groups["sex"].tolist() == ["", "f", ""]
    assert made.notes == ("group_sex is NA; it was read as not stated (row 4).",)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("age", "63", "group_age is an exact age: write a band such as 60-69"),
        ("patient_age", "63.5", "group_patient_age is an exact age: write a band"),
        ("x", "63", "group_x is an exact number: write a band"),
        ("age", "2020-01-03", "group_age is a date: write a word or a band"),
        ("age", "19. Okt", "group_age is not a short word of letters A to Z or a band"),
        ("age", "60-62", "group_age is not a short word of letters A to Z or a band"),
    ],
)
def test_what_is_no_level_is_refused_with_what_to_write(
    tmp_path: Path, variable: str, value: str, told: str
) -> None:
    found = refused(tmp_path, *lines_of(["", value]), head=f"{HEAD},group_{variable}")
    assert f"row 3: {told}" in found
    assert value not in found.partition("scores.csv:")[2]


def test_bands_of_ages_are_taken(tmp_path: Path) -> None:
    made = read(tmp_path, *lines_of(["<40", "40-59", "60-69", "70+"]), head=f"{HEAD},group_age")
    assert made.groups["age"].tolist() == ["<40", "40-59", "60-69", "70+"]
    assert made.notes == ()


def test_typographic_signs_of_bands_are_read_with_a_note(tmp_path: Path) -> None:
    made = read(tmp_path, *lines_of(["≤39", "40–69", "≥70"]), head=f"{HEAD},group_age")
    assert made.groups["age"].tolist() == ["<=39", "40-69", ">=70"]
    assert made.notes == (
        "group_age is ≤39, 40–69, ≥70; its signs were read as -, <= or >= (rows 2, 3, 4).",
    )


def test_two_spellings_of_a_level_are_refused_with_both_rows(tmp_path: Path) -> None:
    told = refused(tmp_path, *lines_of(["M", "F", "m"]), head=SEX)
    assert "row 4: group_sex is m, and written otherwise in row 2; write it in one way" in told


def test_two_sexes_of_a_patient_are_refused_with_both_rows(tmp_path: Path) -> None:
    lines = [f"{GOOD},M", f"{GOOD.replace('p1', 'p2')},F", f"{GOOD.replace('l1', 'l2')},F"]
    told = refused(tmp_path, *lines, head=SEX)
    assert "row 4: group_sex is F, and otherwise in row 2 of the same patient" in told
    other = [lines[0], lines[1], lines[2].replace("a,", "b,")]
    assert len(read(tmp_path, *other, head=SEX).truth) == 3


def test_a_sex_that_one_lesion_does_not_state_is_no_contradiction(tmp_path: Path) -> None:
    assert read(tmp_path, f"{GOOD},M", f"{GOOD.replace('l1', 'l2')},", head=SEX).notes == ()


def test_what_may_differ_between_lesions_is_taken_with_a_note(tmp_path: Path) -> None:
    lines = [f"{GOOD},small", f"{GOOD.replace('l1', 'l2')},large"]
    made = read(tmp_path, *lines, head=f"{HEAD},group_size")
    assert made.groups["size"].tolist() == ["small", "large"]
    assert made.notes == ("group_size differs between the lesions of a patient (row 3).",)
