"""An evaluation file is read strictly; its digest is that of its bytes."""

import hashlib
from pathlib import Path

import pytest
from hepafed.common.contract.evaluation import (
    digest_of,
    evaluation_from,
    read_evaluation,
    seconds_of,
)
from hepafed.common.errors import EvaluationError

GOOD = f"""
title = "External validation"
model = "{"ab" * 32}"
cohorts = ["external-1", "external-2"]
wait = "10m"
prevalence = 0.3

[[endpoints]]
primary = true
at_least = 0.85

[[endpoints]]
figure = "sensitivity"
against = "reader_a"
margin = 0.05
"""


def test_an_evaluation_is_read_with_its_defaults() -> None:
    made = evaluation_from(GOOD)
    assert made.cohorts == ("external-1", "external-2")
    assert [e.figure for e in made.endpoints] == ["auc", "sensitivity"]
    assert (made.endpoints[0].unit, made.endpoints[0].task) == ("patient", "malignant_vs_benign")
    assert made.split == "external"
    assert made.operating_point is None


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("ab" * 32, "ab", "model"),
        ('["external-1", "external-2"]', "[]", "cohorts"),
        ('"external-1", ', '"external-2", ', "cohorts"),
        ("primary = true", "primary = false", "primary"),
        ("primary = true", 'primary = "yes"', "endpoints"),
        ("at_least = 0.85", "at_least = 1.5", "at_least"),
        ("margin = 0.05", "", "margin"),
        ("margin = 0.05", "margin = nan", "margin"),
        ('against = "reader_a"', "", "against"),
        ('"sensitivity"', '"glamour"', "figure"),
        ("primary = true", 'primary = true\ntask = "metastatic_vs_rest"', "task"),
        ("prevalence = 0.3", "prevalence = 0.0", "prevalence"),
        ('"10m"', '"soon"', "time"),
        ('"10m"', '"8d"', "7 days"),
        ("wait =", "weight =", "weight"),
        ("[[endpoints]]", "[[endpoints", "TOML"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, named: str) -> None:
    assert old in GOOD
    with pytest.raises(EvaluationError, match=named):
        evaluation_from(GOOD.replace(old, new, 1))


def test_a_file_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(EvaluationError, match="longer"):
        evaluation_from(GOOD + "#" * (64 * 1024))


def test_the_digest_is_of_the_files_bytes(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.toml"
    path.write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert digest_of(read_evaluation(path)) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_is_not_there_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        read_evaluation(tmp_path / "none.toml")
    assert caught.value.hint


def test_times_are_read_in_seconds() -> None:
    assert [seconds_of(t) for t in ("90s", "10m", "2h", "1d")] == [90, 600, 7200, 86400]
