"""What was promised is judged by the report's intervals, never by its point estimates."""

import dataclasses
from typing import Any

import pytest
from hepafed.common.contract.evaluation import evaluation_from
from hepafed.common.contract.plan import Plan
from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    ClusteredInterval,
    ComparisonRow,
    IntervalEstimate,
    McNemarResult,
    ModelPart,
    PatientInterval,
    Provenance,
    RateEstimate,
    ReaderRow,
    Report,
    ResultRow,
)
from hepafed.server.runs.store import Run
from hepafed.server.validation.verdicts import judged

from tests.server.promises import CARD, promise

RUN = Run(
    id="a",
    kind="validate",
    plan=Plan(name="t2", protocol="t2"),
    created="2026-01-01T00:00:00+00:00",
    model="m",
)


def report(*results: ResultRow, **parts: Any) -> Report:  # noqa: ANN401
    empty = ("confusion", "heterogeneity", "readers", "calibration", "suppressed", "sites")
    model = ModelPart(
        id="m", protocol="t2", sha256="", operating_point=CARD.operating_point, card=CARD
    )
    values = {**dict.fromkeys(empty, ()), "model": model, "provenance": Provenance(), **parts}
    return Report(results=results, **values)


def auc_row(
    value: float | None,
    low: float | None,
    high: float | None,
    bound: float = 0.0,
    clustered: ClusteredInterval | None = None,
) -> ResultRow:
    return ResultRow(
        scope="pooled",
        site=None,
        unit="patient",
        task="malignant_vs_benign",
        n=100,
        positives=50,
        auc=AucEstimate(
            value=value,
            low=low,
            high=high,
            method="delong",
            binning_error=bound,
            clustered=clustered,
        ),
    )


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (report(auc_row(0.93, 0.86, 0.97)), "met"),
        (report(auc_row(0.93, 0.86, 0.97, bound=0.02)), "not shown"),
        (report(auc_row(0.80, 0.76, 0.84)), "missed"),
        (report(auc_row(0.86, 0.80, 0.92)), "not shown"),
        (report(auc_row(None, None, None)), "not judged"),
        (report(auc_row(0.93, None, None)), "not judged"),
        (report(), "not judged"),
    ],
)
def test_a_goal_is_met_only_when_the_interval_and_the_bound_clear_it(
    made: Report, verdict: str
) -> None:
    asked = evaluation_from(promise())
    (endpoint,) = judged(asked, RUN, made, []).endpoints
    assert endpoint.verdict == verdict


def test_the_clustered_interval_decides_where_there_is_one() -> None:
    clustered = ClusteredInterval(low=0.84, high=0.98)
    made = report(auc_row(0.93, 0.86, 0.97, clustered=clustered))
    (endpoint,) = judged(evaluation_from(promise()), RUN, made, []).endpoints
    assert (endpoint.verdict, endpoint.low) == ("not shown", 0.84)


@pytest.mark.parametrize(
    ("clustered", "verdict", "low"),
    [
        (PatientInterval(low=0.84, high=0.98, method="rao-scott"), "not shown", 0.84),
        (PatientInterval(low=0.85, high=0.98, method="rao-scott"), "met", 0.85),
        (
            PatientInterval(low=None, high=None, method="rao-scott", reason="suppressed by a site"),
            "not judged",
            None,
        ),
        (None, "met", 0.88),
    ],
)
def test_a_rate_of_lesions_is_judged_by_the_interval_between_patients(
    clustered: PatientInterval | None, verdict: str, low: float | None
) -> None:
    rate = RateEstimate(
        value=0.93, low=0.88, high=0.97, numerator=93, denominator=100, clustered=clustered
    )
    row = dataclasses.replace(
        auc_row(0.93, 0.86, 0.97), unit="lesion", task="benign_vs_rest", sensitivity=rate
    )
    text = promise() + 'unit = "lesion"\ntask = "benign_vs_rest"\nfigure = "sensitivity"\n'
    (endpoint,) = judged(evaluation_from(text), RUN, report(row), []).endpoints
    assert (endpoint.verdict, endpoint.low) == (verdict, low)
    if low is None:
        assert endpoint.why == "suppressed by a site"


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
    rate = RateEstimate(value=None, low=None, high=None, numerator=None, denominator=None)
    difference = IntervalEstimate(value=(low + high) / 2, low=low, high=high)
    reader = ReaderRow(
        reader="reader_a",
        n=0,
        positives=0,
        sensitivity=rate,
        specificity=rate,
        model_sensitivity=rate,
        model_specificity=rate,
        model_right_reader_wrong=0,
        model_wrong_reader_right=0,
        sensitivity_difference=difference,
        specificity_difference=difference,
        kappa_with_model=difference,
    )
    made = report(readers=(reader,))
    return judged(evaluation_from(text), RUN, made, []).endpoints[1].verdict


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
    difference = IntervalEstimate(value=0.01, low=-0.10, high=0.04)
    auc = BriefAuc(value=None, low=None, high=None)
    for pair, verdict in ((("m", "other"), "non-inferior"), (("other", "m"), "not shown")):
        comparison = ComparisonRow(
            scope="pooled",
            site=None,
            first=pair[0],
            second=pair[1],
            unit="patient",
            task="malignant_vs_benign",
            n=0,
            positives=0,
            auc_first=auc,
            auc_second=auc,
            difference=difference,
            binning_error=0.0,
            method="",
            p=None,
            p_holm=None,
            non_inferiority=None,
            mcnemar=McNemarResult(
                first_right_second_wrong=None, first_wrong_second_right=None, p=None, p_holm=None
            ),
        )
        made = report(comparisons=(comparison,))
        endpoints = judged(evaluation_from(text), RUN, made, []).endpoints
        assert endpoints[1].verdict == verdict


def test_a_comparison_that_nobody_released_is_not_judged() -> None:
    text = promise() + '[[endpoints]]\nfigure = "sensitivity"\nagainst = "reader_z"\nmargin = 0.1\n'
    endpoint = judged(evaluation_from(text), RUN, report(), []).endpoints[1]
    assert (endpoint.verdict, endpoint.value) == ("not judged", None)
    assert "reader_z" in endpoint.why


def test_the_absent_of_the_promised_cohorts_are_named() -> None:
    made = judged(evaluation_from(promise()), RUN, report(), ["external-2", "z"])
    assert made.absent == ("external-2",)
