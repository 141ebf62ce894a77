"""`server report --scores` agrees with R (pROC, metafor) on every figure of every table."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import read_scores
from hepafed.server.report.from_scores import report_from_scores

ORACLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "oracles"
CASES = sorted(p.stem for p in ORACLES.glob("*.csv")) or ["absent"]
RATE = ("value", "low", "high", "exact_low", "exact_high", "numerator", "denominator")

pytestmark = pytest.mark.parametrize("case", CASES)


def _expected(case: str) -> dict[str, Any]:
    if case == "absent":
        pytest.skip("../shared/data/oracles is not here")
    found: dict[str, Any] = json.loads((ORACLES / "expected.json").read_text())["cases"][case]
    return found


@functools.cache
def _report(case: str) -> dict[str, Any]:
    return write_record(report_from_scores(read_scores(ORACLES / f"{case}.csv"), 0.5))


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["scope"], row["site"], row["unit"], row["task"]


def test_every_row_of_results_agrees_with_r(case: str) -> None:
    expected = _expected(case)
    ours = {_key(r): r for r in _report(case)["results"]}
    brier = {_key(r): r["brier"]["value"] for r in _report(case)["calibration"]}
    assert len(expected["results"]) >= 8
    for theirs in expected["results"]:
        key = _key(theirs)
        row = ours[key]
        assert (row["n"], row["positives"]) == (theirs["n"], theirs["positives"])
        bound = row["auc"]["binning_error"] + 1e-6
        assert row["auc"]["value"] == pytest.approx(theirs["auc"]["value"], abs=bound), key
        for end in ("low", "high", "se"):
            assert row["auc"][end] == pytest.approx(theirs["auc"][end], abs=1e-4), (key, end)
        for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy"):
            for part in RATE:
                assert row[name][part] == pytest.approx(theirs[name][part], abs=1e-6), (key, name)
        assert brier[key] == pytest.approx(theirs["brier"], abs=1e-6), key


def test_figures_of_all_classes_agree_with_r(case: str) -> None:
    extra = _expected(case)["extra"]
    (ours,) = [r for r in _report(case)["multiclass"] if r["scope"] == "pooled"]
    assert ours["kappa"]["value"] == pytest.approx(extra["kappa"], abs=1e-6)
    assert ours["accuracy"]["value"] == pytest.approx(extra["argmax_accuracy"], abs=1e-6)
    bound = ours["hand_till"]["binning_error"] + 1e-6
    assert ours["hand_till"]["value"] == pytest.approx(extra.get("hand_till"), abs=bound)


def test_random_effects_agree_with_metafor(case: str) -> None:
    theirs = _expected(case)["extra"].get("random_effects_dl")
    ours = _report(case)["heterogeneity"][0]
    if theirs is None:
        assert ours["value"] is None
        assert ours["reason"]
        return
    assert ours["sites"] == theirs["sites"]
    assert ours["i2"] * 100 == pytest.approx(theirs["I2_percent"], abs=1e-6)
    names = {"value": "auc", "q": "Q"} | {n: n for n in ("logit_auc", "se", "tau2", "low", "high")}
    for name, its in names.items():
        assert ours[name] == pytest.approx(theirs[its], abs=1e-6), name


def test_readers_agree_with_r(case: str) -> None:
    theirs = _expected(case)["extra"].get("readers", [])
    ours = _report(case)["readers"]
    assert [r["reader"] for r in ours] == [r["reader"] for r in theirs]
    for a, b in zip(ours, theirs, strict=True):
        for name in ("sensitivity", "specificity"):
            for part in RATE:
                assert a[name][part] == pytest.approx(b[name][part], abs=1e-6)
        for name in (
            "model_right_reader_wrong",
            "model_wrong_reader_right",
            "mcnemar_exact_p",
            "sensitivity_mcnemar_exact_p",
        ):
            assert a[name] == pytest.approx(b[name], abs=1e-9)


def test_a_perfect_auc_is_reported_with_its_degenerate_interval(case: str) -> None:
    _expected(case)
    for row in _report(case)["results"]:
        auc = row["auc"]
        if auc["value"] == 1.0 and auc["low"] is not None:
            assert "degenerate" in auc["reason"]
        if auc["value"] == 1.0 and auc["method"] == "delong" and auc["low"] is not None:
            assert auc["logit"]["low"] < 1.0
        if auc["value"] is None:
            assert auc["reason"]
