"""A verdict is of the right row and figure, and turns exactly at the goal or the margin."""

from dataclasses import replace
from typing import Any

import pytest
from hepafed.common.contract import Endpoint, Evaluation
from hepafed.common.contract.plan import Plan
from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    ClusteredInterval,
    ComparisonRow,
    IntervalEstimate,
    JudgedEndpoint,
    McNemarResult,
    ModelPart,
    Provenance,
    RateEstimate,
    ReaderRow,
    Report,
    ResultRow,
)
from hepafed.server.runs.store import Run
from hepafed.server.validation.verdicts import judged

from tests.server.promises import CARD, card_of

RUN = Run(
    id="run",
    kind="validate",
    plan=Plan(name="t2", protocol="t2"),
    created="2026-01-01T00:00:00+00:00",
    model="m",
    evaluation="ef" * 32,
)
PATIENT = ("patient", "malignant_vs_benign")
LESION = ("lesion", "metastatic_vs_rest")
FIGURES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def part(name: str, digest: str = "ab" * 32) -> ModelPart:
    card = card_of(name, digest)
    return ModelPart(
        id=name, protocol="t2", sha256=digest, operating_point=CARD.operating_point, card=card
    )


def rate(value: float | None, low: float | None, high: float | None) -> RateEstimate:
    return RateEstimate(value=value, low=low, high=high, numerator=None, denominator=None,
                        reason="" if value is not None else "withheld")  # fmt: skip


def auc(value: float | None, low: float | None, high: float | None, **more: Any) -> AucEstimate:  # noqa: ANN401
    return AucEstimate(value=value, low=low, high=high, **{"method": "delong", "binning_error": 0.0,
                                                           **more})  # fmt: skip


def row(
    its: AucEstimate,
    scope: str = "pooled",
    at: tuple[str, str] = PATIENT,
    **more: Any,  # noqa: ANN401
) -> ResultRow:
    site = "a" if scope == "site" else None
    return ResultRow(
        scope=scope, site=site, unit=at[0], task=at[1], n=9, positives=4, auc=its, **more
    )


def report(*results: ResultRow, **parts: Any) -> Report:  # noqa: ANN401
    empty = ("confusion", "heterogeneity", "readers", "calibration", "suppressed", "sites")
    values = {**dict.fromkeys(empty, ()), "model": part("m"), "provenance": Provenance(), **parts}
    return Report(results=results, **values)


def verdict(made: Report, **endpoint: Any) -> JudgedEndpoint:  # noqa: ANN401
    values = Endpoint(**{"primary": True, **endpoint})
    promised = Evaluation(model="ab" * 32, cohorts=("x",), endpoints=(values,))
    (found,) = judged(promised, RUN, made, []).endpoints
    return found


def test_the_promise_is_named_with_its_digest_and_time_and_the_absent_in_order() -> None:
    promised = Evaluation(
        model="ab" * 32,
        cohorts=("z", "x", "y"),
        endpoints=(Endpoint(primary=True), Endpoint(figure="ppv")),
    )
    made = judged(promised, RUN, report(), ["z", "other", "x"])
    assert (made.sha256, made.registered) == ("ef" * 32, "2026-01-01T00:00:00+00:00")
    assert made.promised == promised
    assert made.absent == ("x", "z")
    assert [e.figure for e in made.endpoints] == ["auc", "ppv"]


def test_a_goal_is_met_from_the_lower_end_on() -> None:
    for low, bound, wanted in ((0.75, 0.0, "met"), (0.749, 0.0, "not shown"),
                               (0.875, 0.125, "met"), (0.874, 0.125, "not shown")):  # fmt: skip
        made = verdict(report(row(auc(0.9, low, 0.95, binning_error=bound))), at_least=0.75)
        assert (made.verdict, made.low, made.high, made.bound) == (wanted, low, 0.95, bound)


def test_a_goal_is_missed_only_below_the_upper_end() -> None:
    for high, bound, wanted in ((0.75, 0.0, "not shown"), (0.749, 0.0, "missed"),
                                (0.625, 0.125, "not shown"), (0.624, 0.125, "missed")):  # fmt: skip
        made = verdict(report(row(auc(0.6, 0.5, high, binning_error=bound))), at_least=0.75)
        assert made.verdict == wanted


@pytest.mark.parametrize(
    ("low", "high", "bound", "why"),
    [
        (0.8, 0.9, 0.1, "the bound of pooling leaves it open"),
        (0.6, 0.7, 0.1, "the bound of pooling leaves it open"),
        (0.7, 0.8, 0.0, "the interval includes the goal"),
        (0.7, 0.75, 0.0, "the interval includes the goal"),
        (0.75, 0.8, 0.01, "the bound of pooling leaves it open"),
        (0.8, 0.9, 0.0, "the whole interval is at or above the goal"),
        (0.6, 0.7, 0.0, "the whole interval is below the goal"),
    ],
)
def test_a_verdict_says_what_decided_it(low: float, high: float, bound: float, why: str) -> None:
    made = verdict(report(row(auc(0.7, low, high, binning_error=bound))), at_least=0.75)
    assert made.why == why


def test_a_figure_without_a_goal_is_reported() -> None:
    made = verdict(report(row(auc(0.9, 0.8, 0.95))))
    assert (made.verdict, made.why, made.value) == ("reported", "no goal was stated", 0.9)


def test_a_figure_without_an_interval_is_not_judged_and_says_why() -> None:
    for low, high in ((None, 0.95), (0.8, None), (None, None)):
        made = verdict(report(row(auc(0.9, low, high))), at_least=0.75)
        assert (made.verdict, made.why) == ("not judged", "there is no interval")
        made = verdict(report(row(auc(0.9, low, high, reason="few"))), at_least=0.75)
        assert (made.verdict, made.why) == ("not judged", "few")


def test_a_figure_without_a_value_is_not_judged_for_its_own_reason() -> None:
    made = verdict(report(row(auc(None, None, None, reason="withheld"))), at_least=0.75)
    assert (made.verdict, made.value, made.why) == ("not judged", None, "withheld")
    made = verdict(report())
    assert (made.verdict, made.why) == ("not judged", "the report has no such figure")
    assert (made.value, made.low, made.high, made.bound) == (None, None, None, 0.0)


def test_a_verdict_is_of_the_pooled_row_of_its_unit_and_task() -> None:
    made = report(
        row(auc(0.1, 0.05, 0.2), "site"),
        row(auc(0.2, 0.15, 0.3), "site-mean"),
        row(auc(0.3, 0.25, 0.4), at=("lesion", "benign_vs_rest")),
        row(auc(0.4, 0.35, 0.5), at=LESION),
        row(auc(0.5, 0.45, 0.6)),
    )
    assert verdict(made).value == 0.5
    found = verdict(made, unit="lesion", task="metastatic_vs_rest")
    assert (found.value, found.unit, found.task) == (0.4, *LESION)
    assert verdict(made, unit="lesion", task="primary_malignant_vs_rest").value is None


@pytest.mark.parametrize("figure", FIGURES)
def test_each_rate_is_judged_by_its_own_interval(figure: str) -> None:
    rates = {f: rate(0.1 * i, 0.1 * i - 0.05, 0.1 * i + 0.05) for i, f in enumerate(FIGURES, 2)}
    made = verdict(report(row(auc(0.9, 0.8, 0.95, binning_error=0.3), **rates)), figure=figure)
    its = rates[figure]
    assert (made.value, made.low, made.high) == (its.value, its.low, its.high)
    assert (made.figure, made.bound) == (figure, 0.0)  # a count has no bins


def test_a_rate_that_the_row_lacks_is_not_judged() -> None:
    made = verdict(report(row(auc(0.9, 0.8, 0.95))), figure="npv")
    assert (made.verdict, made.value) == ("not judged", None)
    assert made.why == "the report has no such figure"


def test_the_clustered_interval_replaces_the_plain_one_even_where_it_has_no_ends() -> None:
    none = ClusteredInterval(low=None, high=None, reason="few")
    made = verdict(report(row(auc(0.9, 0.8, 0.95, clustered=none))), at_least=0.75)
    assert (made.value, made.low, made.high, made.verdict) == (0.9, None, None, "not judged")


def reader(name: str, sensitivity: IntervalEstimate, specificity: IntervalEstimate) -> ReaderRow:
    none = rate(None, None, None)
    return ReaderRow(
        reader=name, n=0, positives=0, sensitivity=none, specificity=none, model_sensitivity=none,
        model_specificity=none, model_right_reader_wrong=0, model_wrong_reader_right=0,
        sensitivity_difference=sensitivity, specificity_difference=specificity,
        kappa_with_model=sensitivity,
    )  # fmt: skip


def interval(
    value: float, low: float | None, high: float | None, reason: str = ""
) -> IntervalEstimate:
    return IntervalEstimate(value=value, low=low, high=high, reason=reason)


ALIKE = interval(0.0, -0.2, 0.2)
BETTER = interval(0.1, 0.05, 0.15)


@pytest.mark.parametrize("named", ["reader_b", "b"], ids=["with prefix", "without"])
def test_a_reader_is_found_by_its_name_and_the_rate_by_the_endpoint(named: str) -> None:
    made = report(
        row(auc(0.9, 0.8, 0.95), sensitivity=rate(0.7, 0.6, 0.8), specificity=rate(0.8, 0.7, 0.9)),
        readers=(reader("reader_a", ALIKE, ALIKE), reader(named, ALIKE, BETTER)),
    )
    found = verdict(made, figure="specificity", against="reader_b", margin=0.1)
    assert (found.verdict, found.why) == ("non-inferior", "the interval is above −margin")
    assert (found.difference, found.difference_low, found.difference_high) == (0.1, 0.05, 0.15)
    assert (found.value, found.low, found.high) == (0.8, 0.7, 0.9)
    found = verdict(made, figure="sensitivity", against="reader_b", margin=0.1)
    assert (found.verdict, found.why) == ("not shown", "the interval reaches below −margin")


def test_a_reader_answers_for_rates_of_patients_alone() -> None:
    made = report(readers=(reader("reader_a", BETTER, BETTER),))
    for asked in ({"figure": "ppv"}, {"figure": "auc"},
                  {"figure": "sensitivity", "unit": "lesion", "task": LESION[1]}):  # fmt: skip
        found = verdict(made, against="reader_a", margin=0.1, **asked)
        assert (found.verdict, found.why) == (
            "not judged", "no comparison with reader_a was released",
        )  # fmt: skip


def test_non_inferiority_turns_just_above_minus_the_margin() -> None:
    for low, wanted in ((-0.25, "not shown"), (-0.2499, "non-inferior")):
        made = report(readers=(reader("reader_a", interval(0.0, low, 0.2), ALIKE),))
        found = verdict(made, figure="sensitivity", against="reader_a", margin=0.25)
        assert (found.verdict, found.difference_low) == (wanted, low)


def test_a_difference_without_an_interval_is_not_judged() -> None:
    for reason, why in (("few", "few"), ("", "no interval")):
        made = report(readers=(reader("reader_a", interval(0.1, None, None, reason), ALIKE),))
        found = verdict(made, figure="sensitivity", against="reader_a", margin=0.25)
        assert (found.verdict, found.why, found.difference) == ("not judged", why, 0.1)


def comparison(first: str, second: str, gain: IntervalEstimate, **more: Any) -> ComparisonRow:  # noqa: ANN401
    none = BriefAuc(value=None, low=None, high=None)
    values = {
        "scope": "pooled", "site": None, "first": first, "second": second, "unit": PATIENT[0],
        "task": PATIENT[1], "n": 0, "positives": 0, "auc_first": none, "auc_second": none,
        "difference": gain, "binning_error": 0.0, "method": "", "p": None, "p_holm": None,
        "non_inferiority": None,
        "mcnemar": McNemarResult(first_right_second_wrong=None, first_wrong_second_right=None,
                                 p=None, p_holm=None),
        **more,
    }  # fmt: skip
    return ComparisonRow(**values)


WORSE = interval(-0.04, -0.0625, -0.02)
"""The second model is worse than the first by at most 1/16."""


def against_model(*rows: ComparisonRow, name: str = "n", **endpoint: Any) -> JudgedEndpoint:  # noqa: ANN401
    others = (part("n", "cd" * 32), part("o", "ef" * 32))
    made = report(comparisons=rows, provenance=Provenance(compared_models=others))
    return verdict(made, **{"against": name, "margin": 0.125, **endpoint})


@pytest.mark.parametrize("name", ["n", "cd" * 32], ids=["id", "digest"])
def test_another_model_is_found_by_its_id_or_its_digest_in_either_order(name: str) -> None:
    found = against_model(comparison("n", "m", WORSE), name=name)
    assert (found.verdict, found.difference) == ("non-inferior", -0.04)
    assert (found.difference_low, found.difference_high) == (-0.0625, -0.02)
    found = against_model(comparison("m", "n", WORSE), name=name)
    assert (found.difference, found.difference_low, found.difference_high) == (0.04, 0.02, 0.0625)


def test_only_the_pooled_comparison_of_both_models_in_that_task_is_judged() -> None:
    other = interval(0.5, 0.4, 0.6)
    rows = (
        comparison("n", "m", other, scope="site", site="a"),
        comparison("n", "m", other, unit="lesion", task=LESION[1]),
        comparison("o", "m", other),
        comparison("n", "o", other),
        comparison("o", "n", other),
        comparison("m", "o", other),
        comparison("n", "m", WORSE),
    )
    assert against_model(*rows).difference == -0.04
    found = against_model(*rows[:-1])
    assert (found.verdict, found.why) == ("not judged", "no comparison with n was released")
    found = against_model(*rows, unit="lesion", task=LESION[1])
    assert found.difference == 0.5


def test_a_comparison_of_aucs_answers_no_other_figure() -> None:
    found = against_model(comparison("n", "m", WORSE), figure="sensitivity")
    assert found.verdict == "not judged"


def test_the_bound_of_the_bins_is_taken_off_the_lower_end_in_either_order() -> None:
    for bound, wanted in ((0.0624, "non-inferior"), (0.0625, "not shown")):
        found = against_model(comparison("n", "m", WORSE, binning_error=bound))
        assert found.verdict == wanted
    gain = interval(0.04, 0.02, 0.0625)  # the same, seen from the other side
    for bound, wanted in ((0.0624, "non-inferior"), (0.0625, "not shown")):
        found = against_model(comparison("m", "n", gain, binning_error=bound))
        assert found.verdict == wanted


def test_a_model_difference_without_an_interval_keeps_its_reason_when_turned() -> None:
    for first, second, value in (("n", "m", 0.1), ("m", "n", -0.1)):
        found = against_model(comparison(first, second, interval(0.1, None, None, "few")))
        assert (found.verdict, found.why, found.difference) == ("not judged", "few", value)


def test_without_compared_models_an_id_still_names_one() -> None:
    made = report(comparisons=(comparison("n", "m", WORSE),))
    assert verdict(made, against="n", margin=0.125).difference == -0.04
    none = replace(made, provenance=Provenance(compared_models=None))
    assert verdict(none, against="n", margin=0.125).difference == -0.04
