"""A patient has one level of each variable; levels stand in one order."""

import numpy as np
import pytest
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.evaluation import evaluation_from
from hepafed.common.contract.subgroup_levels import in_order
from hepafed.common.disclosure.subgroup_figures import levels_of, subgroup_summaries
from hepafed.common.errors import ConfigError, EvaluationError
from hepafed.common.statistics.scores import ScoreTable


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
