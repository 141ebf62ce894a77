"""`server report --scores` agrees with R (pROC, metafor) on every table of figures."""

import json
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.scores import read_scores
from hepafed.server.report.table import report_from_scores

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "oracles"
CASES = sorted(p.stem for p in ORACLES.glob("*.csv")) or ["absent"]


@pytest.mark.parametrize("case", CASES)
def test_figures_agree_with_r(case: str) -> None:
    if case == "absent":
        pytest.skip("../shared/data/oracles is not here")
    expected = json.loads((ORACLES / "expected.json").read_text())["cases"][case]
    report = report_from_scores(read_scores(ORACLES / f"{case}.csv"), 0.5)
    ours = {(r["scope"], r["site"], r["unit"], r["task"]): r for r in report["results"]}
    compared = 0
    for theirs in expected["results"]:
        key = (theirs["scope"], theirs["site"], theirs["unit"], theirs["task"])
        if key not in ours:
            continue
        compared += 1
        _compare_auc(ours[key]["auc"], theirs["auc"], key)
        for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy"):
            for end in ("value", "low", "high", "exact_low", "exact_high"):
                assert ours[key][name][end] == pytest.approx(theirs[name][end], abs=1e-6), key
    assert compared >= 4


def _compare_auc(ours: dict[str, Any], theirs: dict[str, Any], key: object) -> None:
    if theirs["value"] is None:
        assert ours["value"] is None, key
        return
    bound = ours["binning_error"] + 1e-6
    assert ours["value"] == pytest.approx(theirs["value"], abs=bound), key
    for end in ("low", "high"):
        if theirs[end] is None:
            assert ours[end] is None, key
        else:
            assert ours[end] == pytest.approx(theirs[end], abs=1e-4 + 2 * bound), key
