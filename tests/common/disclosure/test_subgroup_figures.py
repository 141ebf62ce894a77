"""A patient has one level of each variable; levels stand in one order."""

import numpy as np
import pytest
from hepafed.common.contract import Figure, SubgroupSummary
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.evaluation import evaluation_from
from hepafed.common.contract.subgroup_levels import in_order
from hepafed.common.disclosure.subgroup_figures import WITHHELD, levels_of, subgroup_summaries
from hepafed.common.errors import ConfigError, EvaluationError
from hepafed.common.statistics.scores import ScoreTable
from sklearn.metrics import roc_auc_score


def table(patients: list[str], values: list[str], variable: str = "sex") -> ScoreTable:
    n = len(patients)
    return ScoreTable(
        site=np.full(n, "s"),
        patient=np.array(patients),
        lesion=np.array([str(i) for i in range(n)]),
        truth=np.arange(n) % 3,
        log_probs=np.log(np.full((n, 3), 1 / 3)),
        readers={},
        groups={variable: np.array(values)},
    )


def test_a_patient_with_lesions_of_several_levels_is_one_of_several() -> None:
    made = table(["p1", "p1", "p2", "p2", "p3"], ["f", "m", "", "m", ""])
    assert levels_of(made, "sex").tolist() == ["several", "m", "not stated"]


def test_a_patients_lesion_size_is_that_of_the_largest() -> None:
    made = table(["p1", "p1", "p2", "p3"], ["<2 cm", ">5 cm", "2-5 cm", ""], "lesion_size")
    assert levels_of(made, "lesion_size").tolist() == [">5 cm", "2-5 cm", "not stated"]


def test_sizes_stand_by_size_and_what_is_not_known_last() -> None:
    assert in_order([">5 cm", "not stated", "<2 cm", "2-5 cm"]) == [
        "<2 cm",
        "2-5 cm",
        ">5 cm",
        "not stated",
    ]
    assert in_order(["other", "ge", "several", "siemens"])[:2] == ["ge", "siemens"]


def test_a_cohort_below_the_minimum_has_no_subgroups() -> None:
    assert subgroup_summaries(table(["p1", "p2"], ["f", "f"]), ("sex",), 0.5, 5) == ()


@pytest.mark.parametrize("names", [("Sex",), ("a b",), ("<x>",)])
def test_a_policy_names_its_variables_plainly(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="share_subgroups"):
        SiteConfig(site="a", role="train", address="x:1", share_subgroups=names)


def test_an_evaluation_names_its_subgroups_plainly() -> None:
    text = (
        f'model = "{"0" * 64}"\ncohorts = ["a"]\nsubgroups = ["Sex"]\n[[endpoints]]\nprimary=true'
    )
    with pytest.raises(EvaluationError, match="subgroups"):
        evaluation_from(text)


def counted(**levels: tuple[int, int, int, int]) -> ScoreTable:
    """Give one lesion a patient: numbers of caught, missed, cleared and alarmed at 0.3 by level."""
    kinds = [(v, k) for v, c in levels.items() for k in range(4) for _ in range(c[k])]
    n = len(kinds)
    rng = np.random.default_rng(n)
    malignant = np.array([k < 2 for _, k in kinds])
    called = np.array([k in (0, 3) for _, k in kinds])
    p = np.where(called, rng.uniform(0.3, 0.9, n), rng.uniform(0.01, 0.29, n))
    order = rng.permutation(n)
    return ScoreTable(
        site=np.full(n, "s"),
        patient=np.arange(n).astype(str),
        lesion=np.full(n, "l"),
        truth=(malignant * 2)[order],
        log_probs=np.log(np.stack([1 - p, p / 4, 3 * p / 4], 1))[order],
        readers={},
        groups={
            "x": np.array([v for v, _ in kinds])[order],
            "y": np.full(n, "all"),
        },
    )


def test_each_level_has_its_own_counts_calls_and_auc() -> None:
    made = counted(b=(9, 7, 12, 6), a=(8, 11, 14, 5))
    found = subgroup_summaries(made, ("x",), 0.3, 5)
    assert [(g.variable, g.level) for g in found] == [("x", "a"), ("x", "b")]
    assert [(g.positives, g.negatives) for g in found] == [(19, 19), (16, 18)]
    assert [(g.true_positives, g.true_negatives) for g in found] == [(8, 14), (9, 12)]
    for g in found:
        own = made.groups["x"] == g.level
        wanted = roc_auc_score(made.truth[own] > 0, -made.log_probs[own, 0])
        assert g.auc.value == pytest.approx(wanted)
        assert g.auc.se is not None


def test_a_level_is_withheld_whole_and_calls_for_each_class_alone() -> None:
    made = counted(a=(9, 9, 9, 9), b=(2, 1, 9, 9), c=(9, 4, 9, 9), d=(9, 9, 9, 3), e=(9, 9, 9, 9))
    found = {g.level: g for g in subgroup_summaries(made, ("x",), 0.3, 5)}
    gone = [v for v, g in found.items() if g.positives is None]
    assert gone == ["b", "e"]
    for v in gone:
        assert found[v] == SubgroupSummary(variable="x", level=v, auc=Figure(reason=WITHHELD))
    assert [found[v].true_positives for v in "acd"] == [9, None, 9]
    assert [found[v].true_negatives for v in "acd"] == [9, 9, None]


def test_every_variable_has_its_levels_in_the_order_asked() -> None:
    made = counted(a=(8, 8, 8, 8), b=(8, 8, 8, 8))
    found = subgroup_summaries(made, ("y", "x"), 0.3, 5)
    assert [(g.variable, g.level) for g in found] == [("y", "all"), ("x", "a"), ("x", "b")]


def test_a_cohort_of_exactly_the_minimum_has_subgroups() -> None:
    made = counted(a=(1, 1, 1, 1))
    (found,) = subgroup_summaries(made, ("y",), 0.3, 4)
    assert (found.positives, found.negatives, found.true_positives) == (2, 2, 1)
    assert subgroup_summaries(made, ("y",), 0.3, 5) == ()


def test_where_no_level_can_be_named_one_entry_stands_for_all() -> None:
    (found,) = subgroup_summaries(counted(a=(9, 9, 9, 9), b=(1, 1, 9, 9)), ("x",), 0.3, 5)
    assert (found.variable, found.level) == ("x", "every level")
    assert (found.positives, found.auc) == (None, Figure(reason=WITHHELD))


def test_a_size_of_a_lesion_beside_another_word_makes_several() -> None:
    made = table(["p1", "p1", "p2", "p2"], ["<2 cm", "odd", "<2 cm", ""], "lesion_size")
    assert levels_of(made, "lesion_size").tolist() == ["several", "<2 cm"]
    other = table(["p1", "p1"], ["<2 cm", ">5 cm"], "other_size")
    assert levels_of(other, "other_size").tolist() == ["several"]
