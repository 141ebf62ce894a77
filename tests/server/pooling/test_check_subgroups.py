"""Subgroups that a site releases exclude each other and are of its own patients."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract import Figure, SubgroupSummary
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.pooling import check_summary

UNUSABLE = "a subgroup with an unusable name"
IMPOSSIBLE = "impossible counts of a subgroup"
TWICE = "a subgroup twice, or too many"
MORE = "subgroups of more patients than it has"


def released() -> SiteSummary:
    """A site of 7 malignant and 11 benign patients."""
    p = np.linspace(0.05, 0.95, 18)
    table = ScoreTable(
        site=np.full(18, "a"),
        patient=np.array([f"p{i}" for i in range(18)]),
        lesion=np.full(18, "l"),
        truth=np.array([0] * 11 + [1] * 4 + [2] * 3),
        log_probs=np.log(np.stack([1 - p, p / 2, p / 2], 1)),
        readers={},
    )
    made = summarise(table, run="r", model="m", weights="", threshold=0.4, minimum_count=1)
    assert (made.tasks[0].positives, made.tasks[0].negatives) == (7, 11)
    return made


def level(name: str = "a", variable: str = "x", **more: Any) -> SubgroupSummary:  # noqa: ANN401
    values = {"auc": Figure(value=0.5), "positives": 3, "negatives": 4, **more}
    return SubgroupSummary(variable=variable, level=name, **values)


def check(*levels: SubgroupSummary) -> None:
    check_summary("a", dataclasses.replace(released(), subgroups=levels))


def refused(words: str, *levels: SubgroupSummary) -> None:
    with pytest.raises(DataError, match=f"^a released {words}$"):
        check(*levels)


@pytest.mark.parametrize("name", ["", "A", "1x", "x-y", "x" * 41, "x\n"])
def test_a_variable_has_a_short_plain_name(name: str) -> None:
    check(level(variable="x" * 40), level(variable="size_2"))
    refused(UNUSABLE, level(variable=name))


@pytest.mark.parametrize("name", ["", "a_b", "é", "x" * 21, "a\n"])
def test_a_level_is_a_short_plain_word(name: str) -> None:
    check(level("x" * 20), level("2-5 cm"))
    refused(UNUSABLE, level(name))


@pytest.mark.parametrize("name", ["positives", "negatives", "true_positives", "true_negatives"])
def test_no_count_of_a_level_is_below_zero(name: str) -> None:
    check(level(**{name: 0}))
    refused(IMPOSSIBLE, level(**{name: -1}))


def test_no_more_calls_of_a_level_are_right_than_it_has_patients() -> None:
    check(level(true_positives=3, true_negatives=4))
    refused(IMPOSSIBLE, level(true_positives=4))
    refused(IMPOSSIBLE, level(true_negatives=5))


def test_counts_of_a_withheld_level_are_taken_and_its_calls_are_not() -> None:
    check(level(positives=None, negatives=None))
    refused(IMPOSSIBLE, level(positives=None, negatives=None, true_positives=1))


@pytest.mark.parametrize("name", ["positives", "negatives"])
def test_a_level_is_withheld_in_both_classes_or_in_none(name: str) -> None:
    refused(IMPOSSIBLE, level(**{name: None}))


def test_the_auc_of_a_level_is_from_0_to_1() -> None:
    with pytest.raises(DataError, match="an AUC outside 0…1"):
        check(level(auc=Figure(value=1.01)))


def test_a_level_stands_once_under_its_variable() -> None:
    refused(TWICE, level("a"), level("b", positives=0, negatives=0), level("a", positives=0))
    check(level("a", "x"), level("a", "y"))


def test_at_most_twelve_variables_are_taken() -> None:
    names = [level(variable=f"x{i}") for i in range(13)]
    check(*names[:12])
    refused(TWICE, *names)


def test_at_most_twelve_levels_and_two_for_what_is_not_known_are_taken() -> None:
    names = [level(f"v{i}", positives=0, negatives=0) for i in range(15)]
    check(*names[:14])
    refused(MORE, *names)


def test_levels_of_a_variable_have_together_at_most_the_sites_patients_of_each_class() -> None:
    check(level("a", positives=4, negatives=5), level("b", positives=3, negatives=6))
    refused(MORE, level("a", positives=4), level("b", positives=4))
    refused(MORE, level("a", negatives=5), level("b", negatives=7))
    refused(MORE, level("a", positives=8))
    refused(MORE, level("a", negatives=12))
    # of two variables each may be of all patients
    check(level("a", "x", positives=7, negatives=11), level("a", "y", positives=7, negatives=11))


def test_a_site_without_the_patients_task_has_no_subgroups() -> None:
    made = released()
    lesions = dataclasses.replace(made, tasks=made.tasks[1:], sections={})
    check_summary("a", dataclasses.replace(lesions, subgroups=(level(positives=0, negatives=0),)))
    for one in ({"positives": 1, "negatives": 0}, {"positives": 0, "negatives": 1}):
        with pytest.raises(DataError, match=MORE):
            check_summary("a", dataclasses.replace(lesions, subgroups=(level(**one),)))
