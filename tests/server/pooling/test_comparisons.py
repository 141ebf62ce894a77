"""Two models on one cohort: paired DeLong and McNemar are those of the pooled cases."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hepafed.common.disclosure.paired import common_rows
from hepafed.common.errors import DataError
from hepafed.common.records import write_record
from hepafed.common.statistics.additive import TASK_ORDER
from hepafed.common.statistics.bins import bin_logits
from hepafed.common.statistics.scores import ScoreTable, rows_of, task_scores
from hepafed.server.pooling import Questions, comparisons
from hepafed.server.report import from_scores
from hepafed.server.report.from_scores import compare
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

PATIENT = ("patient", "malignant_vs_benign")
MARGINS = {("again", *task): 0.05 for task in TASK_ORDER}


def comparison_rows(*args: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Make the rows as report.json holds them."""
    return [write_record(r) for r in comparisons.comparison_rows(*args)]


def report_from_scores(*args: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make the report as report.json holds it."""
    return write_record(from_scores.report_from_scores(*args, **more))


def two_models(seed: int, patients: int, sites: int) -> tuple[ScoreTable, ScoreTable]:
    """One lesion a patient; the second model is the first, clearer and with noise of its own."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, patients)
    raw = rng.normal(size=(patients, 3))
    raw[np.arange(patients), truth] += 1.0
    better = raw + rng.normal(size=raw.shape)
    better[np.arange(patients), truth] += 1.0

    def table(logits: np.ndarray) -> ScoreTable:
        # quarters of a logit: far apart in bins, so that bins tie where scores do and only there
        log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        return ScoreTable(
            site=np.array([f"s{i % sites}" for i in range(patients)]),
            patient=np.array([f"p{i}" for i in range(patients)]),
            lesion=np.full(patients, "l"),
            truth=truth,
            log_probs=log_probs,
            readers={},
        )

    return table(raw), table(better)


def paired_delong(a: np.ndarray, b: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Difference b - a and its standard error (DeLong et al. 1988), from all pairs."""
    wins = [(np.sign(s[truth][:, None] - s[~truth][None, :]) + 1) / 2 for s in (a, b)]
    s10, s01 = np.cov([w.mean(1) for w in wins]), np.cov([w.mean(0) for w in wins])
    s = s10 / truth.sum() + s01 / (~truth).sum()
    difference = float(wins[1].mean() - wins[0].mean())
    return difference, float(np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1]))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(20, 150), st.integers(1, 7))
def test_the_difference_is_paired_delongs(seed: int, patients: int, sites: int) -> None:
    a, b = two_models(seed, patients, sites)
    found = comparison_rows(compare({"a": a, "b": b}, 0.5), {})
    pooled = [r for r in found if r["scope"] == "pooled"]
    assert len(found) == len(pooled) * (1 + sites)
    for row, task in zip(pooled, TASK_ORDER, strict=True):
        x, y = task_scores(a, *task), task_scores(b, *task)
        if min(x.truth.sum(), (~x.truth).sum()) < 2:
            assert row["difference"]["low"] is None
            continue
        # at the resolution of the bins, of which the pooled figures are exact
        value, se = paired_delong(bin_logits(x.logits), bin_logits(y.logits), x.truth)
        assert row["difference"]["value"] == pytest.approx(value, abs=1e-9)
        assert row["difference"]["se"] == pytest.approx(se, abs=1e-6)
        if row["p"] is not None and se > 0.01:
            assert row["p"] == pytest.approx(2 * norm.sf(abs(value) / se), abs=1e-4)
        right = [(s.logits >= 0) == s.truth for s in (x, y)]
        assert row["mcnemar"]["first_right_second_wrong"] == (right[0] & ~right[1]).sum()
        assert row["mcnemar"]["first_wrong_second_right"] == (~right[0] & right[1]).sum()


def test_a_model_does_not_differ_from_itself() -> None:
    a, _ = two_models(1, 60, 2)
    for row in comparison_rows(compare({"a": a, "again": a}, 0.5), MARGINS):
        assert row["difference"]["value"] == 0
        assert row["difference"]["se"] == 0
        assert row["p"] == 1.0
        # an interval of width zero decides nothing
        why = "the difference has no variance: no interval"
        assert row["non_inferiority"] == {"margin": 0.05, "holds": False, "why": why}
        assert row["covering"]["decides"] is False


def test_comparisons_of_three_models_are_adjusted_together_task_by_task() -> None:
    a, b = two_models(2, 120, 2)
    c = two_models(3, 120, 2)[1]
    c = dataclasses.replace(c, truth=a.truth)
    questions = Questions(model_margins={("enhanced", *PATIENT): 0.1})
    against = {"t2-dwi": b, "enhanced": c}
    report = report_from_scores(a, 0.5, name="t2", against=against, questions=questions)
    whole = [r for r in report["comparisons"] if r["scope"] == "pooled"]
    rows = [r for r in whole if r["task"] == "malignant_vs_benign"]
    assert [(r["first"], r["second"]) for r in rows] == [
        ("t2", "t2-dwi"),
        ("t2", "enhanced"),
        ("t2-dwi", "enhanced"),
    ]
    for found in (rows, [r["mcnemar"] for r in rows]):
        raw = [r["p"] for r in found]
        assert len(set(raw)) == 3
        adjusted = multipletests(raw, method="holm")[1]
        assert [r["p_holm"] for r in found] == pytest.approx(list(adjusted))
        assert [r["p_holm"] for r in found] != pytest.approx(raw)
    assert [r["non_inferiority"] is None for r in rows] == [True, False, True]


def test_the_first_model_is_not_inferior_when_the_other_gains_less_than_the_margin() -> None:
    a, b = two_models(2, 120, 2)
    margins = {("b", *PATIENT): 0.1, ("a", *PATIENT): 0.1}
    held = []
    for pair in ({"a": a, "b": b}, {"b": b, "a": a}):
        row = next(r for r in comparison_rows(compare(pair, 0.5), margins) if r["non_inferiority"])
        held.append(row["non_inferiority"]["holds"])
        assert held[-1] == (row["difference"]["high"] + row["binning_error"] < 0.1)
    assert held == [False, True]


def test_calls_of_lesions_are_tested_over_patients() -> None:
    a, b = two_models(2, 120, 2)
    rows = comparison_rows(compare({"a": a, "b": b}, 0.5), {})
    pooled = next(r for r in rows if (r["scope"], r["task"]) == ("pooled", "benign_vs_rest"))
    right = [(np.exp(t.log_probs[:, 0]) >= 0.5) == (t.truth == 0) for t in (a, b)]
    d: dict[tuple[str, str], int] = {}
    for site, patient, x, y in zip(a.site.tolist(), a.patient.tolist(), *right, strict=True):
        d[site, patient] = d.get((site, patient), 0) + int(x) - int(y)
    gains = np.array([v for v in d.values() if v])
    found = pooled["mcnemar"]
    assert found["method"] == "clustered"
    t = gains.sum() / np.sqrt((gains**2).sum())
    assert found["p"] == pytest.approx(2 * student.sf(abs(t), len(gains) - 1))
    assert {r["mcnemar"].get("method") for r in rows if r["unit"] == "patient"} == {None}


def test_only_lesions_that_both_have_scored_are_compared() -> None:
    a, b = two_models(4, 50, 1)
    part = rows_of(b, np.arange(49, 9, -1))
    x, y = common_rows([a, part])
    assert x.patient.tolist() == y.patient.tolist()
    assert len(x.patient) == 40
    paired = compare({"a": a, "b": part}, 0.5).paired
    assert paired is not None
    assert paired.sums[0].size.tolist() == [40, 40]


def test_tables_of_other_cohorts_or_truths_are_refused() -> None:
    a, b = two_models(5, 30, 1)
    with pytest.raises(DataError, match="share no lesion"):
        compare({"a": a, "b": dataclasses.replace(b, site=np.full(30, "elsewhere"))}, 0.5)
    with pytest.raises(DataError, match="truth of 30 lesions"):
        compare({"a": a, "b": dataclasses.replace(b, truth=(b.truth + 1) % 3)}, 0.5)


def test_a_patient_id_at_two_sites_is_said() -> None:
    a, _ = two_models(6, 20, 1)
    both = ScoreTable(
        **{
            f: np.concatenate([getattr(a, f)] * 2)
            for f in ("patient", "lesion", "truth", "log_probs")
        },
        site=np.repeat(["x", "y"], 20),
        readers={},
    )
    report = report_from_scores(both, 0.5)
    assert report["notes"] == [
        "20 patient ids occur at more than one site; each site's is its own patient."
    ]
    assert report["results"][0]["n"] == 40
