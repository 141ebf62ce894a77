"""Sentences of an operating point state the card's numbers, and nothing that it does not hold."""

import pytest
from hepafed.server.formats import OperatingPoint
from hepafed.server.models.operating_point import chosen_on, interval, sentences, warning


def point(**values: object) -> OperatingPoint:
    found: dict[str, object] = {
        "threshold": 0.25, "rule": "the rule", "chosen_on": "tuning data of 2 sites",
        "positives": 1400, "negatives": 60, "sites": 2, "cuts": 31, "low": 0.2, "high": 0.3,
    }  # fmt: skip
    return OperatingPoint(**(found | values))  # type: ignore[arg-type]


OLD = OperatingPoint(threshold=0.5, rule="the rule", chosen_on="tuning data of 2 sites")


def test_the_sentences_state_patients_rule_places_and_interval() -> None:
    assert sentences(point()) == [
        "The threshold was chosen on 1,460 tuning patients (1,400 malignant, 60 benign) of 2 "
        "sites. Rule: the rule.",
        "The released counts part the scores at 31 places.",
        "95 % interval of the threshold: 0.2000 to 0.3000.",
    ]


def test_of_an_old_card_only_rule_and_data_are_stated() -> None:
    assert sentences(OLD) == ["Rule of the threshold: the rule (tuning data of 2 sites)."]
    assert (chosen_on(OLD), interval(OLD), warning(OLD)) == ("tuning data of 2 sites", "", "")


@pytest.mark.parametrize(
    ("malignant", "benign", "named"),
    [
        (50, 50, ""),
        (49, 50, "49 malignant, fewer than 50"),
        (50, 49, "49 benign, fewer than 50"),
        (9, 8, "9 malignant and 8 benign, fewer than 50"),
    ],
)
def test_fewer_than_fifty_of_a_class_is_a_warning(malignant: int, benign: int, named: str) -> None:
    found = point(positives=malignant, negatives=benign)
    assert (named in warning(found)) == bool(named or not warning(found))
    assert bool(warning(found)) == bool(named)
    assert (warning(found) in sentences(found)) == bool(named)


def test_one_place_one_site_and_a_missing_interval_have_their_own_words() -> None:
    said = " ".join(sentences(point(sites=1, cuts=1, low=None, high=None)))
    assert "of 1 site. " in said
    assert "at 1 place." in said
    assert "has no interval" in said
    assert "interval of the threshold" not in said
