"""`server report --scores` agrees with R on the second set of tables, broken clusters and all."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import read_scores
from hepafed.server.report.from_scores import report_from_scores

STATS = Path(__file__).resolve().parents[4] / "shared" / "data" / "stats"
RATES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def expected() -> dict[str, Any]:
    if not STATS.exists():
        return {}
    found: dict[str, Any] = json.loads((STATS / "expected.json").read_text())
    return found


CASES = sorted(expected()) or ["absent"]


@functools.cache
def report(case: str) -> dict[str, Any]:
    if case == "absent":
        pytest.skip("../shared/data/stats is not here")
    return write_record(report_from_scores(read_scores(STATS / f"{case}.csv"), 0.5))


def rows(case: str) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Give each row of R's with ours and our calibration of the same task."""
    made = report(case)
    theirs = expected()[case]["results"]

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["scope"], row["site"], row["unit"], row["task"]

    ours = {key(r): r for r in made["results"]}
    fits = {key(r): r for r in made["calibration"]}
    return [(r, ours[key(r)], fits[key(r)]) for r in theirs]


@pytest.mark.parametrize("case", CASES)
def test_areas_and_their_plain_and_clustered_intervals_agree(case: str) -> None:
    for theirs, ours, _ in rows(case):
        assert (ours["n"], ours["positives"]) == (theirs["n"], theirs["positives"])
        auc = ours["auc"]
        assert auc["value"] == pytest.approx(theirs.get("auc"), abs=1e-6)
        if "auc_low" in theirs:
            assert auc["low"] == pytest.approx(theirs["auc_low"], abs=1e-4)
            assert auc["high"] == pytest.approx(theirs["auc_high"], abs=1e-4)
        if theirs.get("obu_low") is not None:
            assert auc["clustered"]["low"] == pytest.approx(theirs["obu_low"], abs=1e-4)
            assert auc["clustered"]["high"] == pytest.approx(theirs["obu_high"], abs=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_rates_and_their_exact_intervals_agree(case: str) -> None:
    for theirs, ours, _ in rows(case):
        for name in RATES:
            if theirs[name] is None:
                assert ours[name]["value"] is None
                continue
            for part in ("value", "exact_low", "exact_high", "numerator", "denominator"):
                found = ours[name][part]
                assert found == pytest.approx(theirs[name].get(part), abs=1e-6), (name, part)


@pytest.mark.parametrize("case", CASES)
def test_calibration_precision_and_benefit_agree(case: str) -> None:
    for theirs, ours, fit in rows(case):
        assert fit["brier"]["value"] == pytest.approx(theirs["brier"], abs=1e-6)
        if "slope" in theirs:
            assert fit["slope"]["value"] == pytest.approx(theirs["slope"], abs=1e-5)
            assert fit["intercept"]["value"] == pytest.approx(theirs["intercept"], abs=1e-5)
        if theirs.get("ap") is not None:
            assert ours["average_precision"]["value"] == pytest.approx(theirs["ap"], abs=1e-6)
        benefit = {b["threshold"]: b["model"] for b in ours["net_benefit"] or ()}
        for name, at in (("nb20", 0.2), ("nb50", 0.5)):
            assert benefit[at] == pytest.approx(theirs[name], abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_the_area_over_all_pairs_of_classes_agrees(case: str) -> None:
    (ours,) = [r for r in report(case)["multiclass"] if r["scope"] == "pooled"]
    theirs = expected()[case]["extra"]["hand_till"]
    assert ours["hand_till"]["value"] == pytest.approx(theirs, abs=1e-6)


def test_constant_readers_agree_with_r() -> None:
    found = {r["reader"]: r for r in report("c09_constant_readers")["readers"]}
    theirs = expected()["c09_constant_readers"]["extra"]["readers"]
    assert len(theirs) == len(found) == 3
    for r in theirs:
        ours = found[r["reader"]]
        assert ours["model_right_reader_wrong"] == r["b"]
        assert ours["model_wrong_reader_right"] == r["c"]
        assert ours["mcnemar_exact_p"] == pytest.approx(r["p"], abs=1e-9)


def test_two_models_on_the_same_lesions_compare_as_in_r() -> None:
    if not STATS.exists():
        pytest.skip("../shared/data/stats is not here")
    tables = {n: read_scores(STATS / f"{n}.csv") for n in ("c11_base", "c11_base_model2")}
    first, second = tables.values()
    made = report_from_scores(first, 0.5, name="first", against={"second": second})
    (row,) = [c for c in made.comparisons if c.scope == "pooled" and c.unit == "patient"]
    theirs = expected()["c11_base"]["extra"]["paired"]
    assert row.auc_first.value == pytest.approx(theirs["first"], abs=1e-6)
    assert row.auc_second.value == pytest.approx(theirs["second"], abs=1e-6)
    assert row.p == pytest.approx(theirs["p"], rel=1e-3)
    assert row.mcnemar.p == pytest.approx(theirs["mcnemar"], abs=1e-9)


@pytest.mark.parametrize("case", ["bad_patient_trailing_space", "bad_reader_capital"])
def test_a_table_that_is_read_with_a_note_has_the_figures_of_the_good_one(case: str) -> None:
    found, good = report(case), report("c11_base")
    assert found["notes"]
    for part in ("results", "calibration", "confusion", "multiclass", "sites"):
        assert found[part] == good[part], part


def test_semicolons_change_no_figure() -> None:
    assert report("c14_semicolon")["results"] == report("c11_base")["results"]
    assert report("c14_semicolon")["notes"] == ["The columns are separated by a semicolon."]


def test_a_reader_without_a_call_has_no_row_and_no_p_value() -> None:
    made = report("bad_reader_blank_column")
    assert made["readers"] == []
    assert "reader_a has no call, and no figure." in made["notes"]
    assert made["results"] == report("c11_base")["results"]
