"""What was promised is judged by the report's intervals, never by its point estimates."""

from typing import Any

import pytest
from hepafed.common.contract.evaluation import evaluation_from
from hepafed.common.contract.plan import Plan
from hepafed.server.runs.store import Run
from hepafed.server.validation.verdicts import judged

from tests.server.promises import promise

RUN = Run(
    id="a",
    kind="validate",
    plan=Plan(name="t2", protocol="t2"),
    created="2026-01-01T00:00:00+00:00",
    model="m",
)


def report(value: float | None, low: float | None, high: float | None, bound: float = 0.0) -> Any:  # noqa: ANN401
    auc = {"value": value, "low": low, "high": high, "binning_error": bound}
    row = {"scope": "pooled", "unit": "patient", "task": "malignant_vs_benign", "auc": auc}
    return {"results": [row]}


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (report(0.93, 0.86, 0.97), "met"),
        (report(0.93, 0.86, 0.97, bound=0.02), "not shown"),
        (report(0.80, 0.76, 0.84), "missed"),
        (report(0.86, 0.80, 0.92), "not shown"),
        (report(None, None, None), "not judged"),
        (report(0.93, None, None), "not judged"),
        ({"results": []}, "not judged"),
    ],
)
def test_a_goal_is_met_only_when_the_interval_and_the_bound_clear_it(
    made: dict[str, Any], verdict: str
) -> None:
    asked = evaluation_from(promise())
    (endpoint,) = judged(asked, RUN, made, [])["endpoints"]
    assert endpoint["verdict"] == verdict


def test_the_clustered_interval_decides_where_there_is_one() -> None:
    made = report(0.93, 0.86, 0.97)
    made["results"][0]["auc"]["clustered"] = {"low": 0.84, "high": 0.98, "method": "obuchowski"}
    (endpoint,) = judged(evaluation_from(promise()), RUN, made, [])["endpoints"]
    assert (endpoint["verdict"], endpoint["low"]) == ("not shown", 0.84)


def against(low: float, high: float, margin: float = 0.05) -> str:
    text = (
        promise()
        + f"""
[[endpoints]]
figure = "sensitivity"
against = "reader_a"
margin = {margin}
"""
    )
    difference = {"value": (low + high) / 2, "low": low, "high": high}
    made = {
        "results": [],
        "readers": [{"reader": "reader_a", "sensitivity_difference": difference}],
    }
    return str(judged(evaluation_from(text), RUN, made, [])["endpoints"][1]["verdict"])


def test_non_inferiority_is_shown_only_when_the_interval_is_above_minus_the_margin() -> None:
    assert against(-0.04, 0.06) == "non-inferior"
    assert against(-0.05, 0.06) == "not shown"
    assert against(-0.20, -0.10) == "not shown"


def test_non_inferiority_to_another_model_takes_the_difference_the_right_way_round() -> None:
    text = (
        promise()
        + """
[[endpoints]]
against = "other"
margin = 0.05
"""
    )
    difference = {"value": 0.01, "low": -0.10, "high": 0.04}
    for pair, verdict in ((("m", "other"), "non-inferior"), (("other", "m"), "not shown")):
        comparison = {
            "first": pair[0],
            "second": pair[1],
            "unit": "patient",
            "task": "malignant_vs_benign",
            "difference": difference,
        }
        made = {"model": {"id": "m"}, "results": [], "comparisons": [comparison]}
        endpoints = judged(evaluation_from(text), RUN, made, [])["endpoints"]
        assert endpoints[1]["verdict"] == verdict


def test_a_comparison_that_nobody_released_is_not_judged() -> None:
    text = promise() + '[[endpoints]]\nfigure = "sensitivity"\nagainst = "reader_z"\nmargin = 0.1\n'
    endpoint = judged(evaluation_from(text), RUN, {"results": []}, [])["endpoints"][1]
    assert (endpoint["verdict"], endpoint["value"]) == ("not judged", None)
    assert "reader_z" in endpoint["why"]


def test_the_absent_of_the_promised_cohorts_are_named() -> None:
    made = judged(evaluation_from(promise()), RUN, {"results": []}, ["external-2", "z"])
    assert made["absent"] == ["external-2"]
