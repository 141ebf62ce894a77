"""A rate becomes a number of 100 patients: never a 100 or a 0 that is not so, and never of few."""

import pytest
from hepafed.server.pooling.estimates import rate_estimate
from hepafed.server.report.plain_words.frequencies import frequency, of_100


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0.0, "0"),
        (0.004, "fewer than 1"),
        (0.006, "1"),
        (0.944, "94"),
        (0.994, "99"),
        (0.996, "more than 99"),
        (1.0, "100"),
    ],
)
def test_only_all_is_100_and_only_none_is_0(rate: float, said: str) -> None:
    assert of_100(rate) == said


def test_a_rate_is_said_with_interval_and_counts() -> None:
    said = frequency(rate_estimate(65, 66), "patients with one", "called malignant")
    # Wilson for 65 of 66: 91.9 to 99.7 %
    assert said == (
        "Of 100 patients with one, 98 are called malignant (95 % CI 92 to 99.7; 65 of 66)."
    )


def test_turned_round_a_rate_has_the_ends_of_the_other_side() -> None:
    said = frequency(rate_estimate(30, 54), "patients without", "called malignant", other=True)
    # Wilson for 24 of 54: 32.0 to 57.6 %
    assert said == (
        "Of 100 patients without, 44 are called malignant (95 % CI 32 to 58; 24 of 54)."
    )


@pytest.mark.parametrize(("n", "few"), [(9, True), (10, False)])
def test_below_ten_cases_the_counts_stand_alone(n: int, few: bool) -> None:
    said = frequency(rate_estimate(4, n), "patients", "called malignant")
    assert ("too few for a rate" in said) == few
    assert ("Of 100" in said) == (not few)
    assert f"4 of {n}" in said


def test_without_a_rate_there_is_no_sentence() -> None:
    assert frequency(rate_estimate(None, None, "withheld"), "patients", "called") == ""
    assert frequency(rate_estimate(0, 0), "patients", "called") == ""
