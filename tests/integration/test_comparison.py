"""Two frozen models compared at real sites over TLS, against their private score tables."""

import csv
import json
from typing import Any

import numpy as np
import pytest
from hepafed.common.errors import RunError
from hepafed.deploy.demo.run import EXTERNAL_SITES
from sklearn.metrics import roc_auc_score

from .conftest import PLAN, Trained


@pytest.fixture(scope="module")
def other(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another model of another protocol, after one round."""
    plan = tmp_path_factory.mktemp("other") / "other.toml"
    changes = (('"small"', '"other"'), ('"t2-dwi"', '"t2"'), ("count = 2", "count = 1"))
    text = PLAN
    for old, new in changes:
        text = text.replace(old, new)
    plan.write_text(text)
    trained.fed.command("server", "train", str(plan), "--watch")
    return next(str(m["id"]) for m in trained.fed.json("models") if m["protocol"] == "t2")


@pytest.fixture(scope="module")
def report(
    trained: Trained, other: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("compared")
    trained.fed.command(
        "server",
        "validate",
        other,
        "--against",
        trained.report["model"]["id"],
        "--sites",
        ",".join(EXTERNAL_SITES),
        "--watch",
        "-o",
        str(folder),
    )
    page = (folder / "report.html").read_text()
    assert f"{other} vs {trained.report['model']['id']}" in page
    assert "Models at each site" in page
    return dict(json.loads((folder / "report.json").read_text()))


def _scores(trained: Trained, run: str) -> dict[tuple[str, str], tuple[bool, float]]:
    """Give truth and score of each patient, from the sites' private tables."""
    found: dict[tuple[str, str], tuple[bool, float]] = {}
    for site in EXTERNAL_SITES:
        with (trained.fed.home(site) / "scores" / f"{run}.csv").open(newline="") as f:
            for r in csv.DictReader(f):
                key = (site, r["patient_id"])
                truth, score = found.get(key, (False, 0.0))
                malignant = float(r["p_primary_malignant"]) + float(r["p_metastatic"])
                found[key] = (truth or r["truth"] != "benign", max(score, malignant))
    return found


def test_the_pooled_difference_is_that_of_both_private_tables(
    trained: Trained, report: dict[str, Any]
) -> None:
    (row,) = [c for c in report["comparisons"] if (c["scope"], c["unit"]) == ("pooled", "patient")]
    first = _scores(trained, report["provenance"]["run"])
    second = _scores(trained, trained.report["provenance"]["run"])
    assert first.keys() == second.keys()
    truth = np.array([t for t, _ in first.values()])
    aucs = [roc_auc_score(truth, [scores[k][1] for k in first]) for scores in (first, second)]
    assert row["method"] == "paired DeLong, cases of all sites"
    assert row["n"] == len(truth)
    error = row["binning_error"] + 1e-9
    assert row["difference"]["value"] == pytest.approx(aucs[1] - aucs[0], abs=error)
    assert row["difference"]["low"] < row["difference"]["value"] < row["difference"]["high"]
    assert sorted(row["sites"]) == sorted(EXTERNAL_SITES)


def test_the_comparison_is_summed_under_masks_in_two_steps(
    trained: Trained, report: dict[str, Any]
) -> None:
    run = trained.fed.home("server") / "runs" / report["provenance"]["run"] / "events.jsonl"
    lines = [json.loads(x) for x in run.read_text().splitlines()]
    assert [e["subject"] for e in lines if e["event"] == "masking"] == [
        "counts",
        "clusters",
        "pairs",
        "pair-clusters",
    ]


def test_a_model_that_is_not_there_is_refused_before_anything_runs(
    trained: Trained, other: str
) -> None:
    with pytest.raises(RunError, match="no model nobody-1"):
        trained.fed.command("server", "validate", other, "--against", "nobody-1")
    with pytest.raises(RunError, match="compared with itself"):
        trained.fed.command("server", "validate", other, "--against", other)


def test_what_left_for_the_comparison_is_in_the_ledger(
    trained: Trained, report: dict[str, Any]
) -> None:
    for site in EXTERNAL_SITES:
        lines = (trained.fed.home(site) / "ledger.jsonl").read_text().splitlines()
        run = report["provenance"]["run"]
        kinds = [e["kind"] for e in map(json.loads, lines) if e["run"] == run]
        assert {"compared", "masked-pairs", "masked-pair-clusters"} <= set(kinds)
