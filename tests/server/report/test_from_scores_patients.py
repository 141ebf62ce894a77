"""Tables whose lesions share patients: printed intervals near a bootstrap over the patients."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.records import write_record
from hepafed.common.statistics import ScoreTable, kappa, patients_of, read_scores
from hepafed.server.report.from_scores import report_from_scores

HEAVY = Path(__file__).resolve().parents[4] / "shared/data/stats/c06_heavy_clusters.csv"
SENSITIVITY, KAPPA = (0.417, 0.835), (0.527, 0.803)
"""Of a bootstrap over patients by R (README of the table)."""


def pooled(found: list[dict[str, Any]], **wanted: str) -> dict[str, Any]:
    (row,) = [
        r for r in found if r["scope"] == "pooled" and all(r[k] == v for k, v in wanted.items())
    ]
    return row


def ends(figure: dict[str, Any]) -> tuple[float, float]:
    return figure["low"], figure["high"]


def test_two_patients_with_twenty_lesions_are_told_by_the_intervals() -> None:
    if not HEAVY.exists():
        pytest.skip("../shared/data/stats is not here")
    made = write_record(report_from_scores(read_scores(HEAVY), 0.5))
    row = pooled(made["results"], unit="lesion", task="primary_malignant_vs_rest")
    rate = row["sensitivity"]
    assert ends(rate["clustered"]) == pytest.approx(SENSITIVITY, abs=0.05)
    assert ends(pooled(made["multiclass"])["kappa"]["clustered"]) == pytest.approx(KAPPA, abs=0.02)
    assert "few patients" in rate["clustered"]["reason"]


def cohort() -> ScoreTable:
    rng = np.random.default_rng(9)
    patient = np.repeat(np.arange(90), rng.integers(1, 6, 90))
    truth = rng.choice(3, 90, p=[0.5, 0.2, 0.3])[patient]
    raw = 1.5 * np.eye(3)[truth] + rng.normal(size=(90, 3))[patient]
    raw += rng.normal(size=(len(patient), 3)) / 2
    return ScoreTable(
        site=np.array([f"s{i % 3}" for i in patient]),
        patient=np.array([f"p{i}" for i in patient]),
        lesion=np.array([f"l{i}" for i in range(len(patient))]),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def test_of_many_patients_the_intervals_are_nearly_those_of_a_bootstrap() -> None:
    table = cohort()
    index, count = patients_of(table)
    called = table.log_probs.argmax(1)
    x = np.zeros((count, 9), np.int64)
    np.add.at(x, (index, 3 * table.truth + called), 1)
    rng = np.random.default_rng(2)
    right, agreed = [], []
    for _ in range(2000):
        drawn = x[rng.integers(0, count, count)].sum(0).reshape(3, 3)
        found = kappa(drawn)
        assert found is not None
        right.append(np.trace(drawn) / drawn.sum())
        agreed.append(found.value)
    made = pooled(write_record(report_from_scores(table, 0.5))["multiclass"])
    for figure, drawn in ((made["accuracy"], right), (made["kappa"], agreed)):
        low, high = np.quantile(drawn, (0.025, 0.975))
        assert ends(figure["clustered"]) == pytest.approx((low, high), abs=0.015)
        assert figure["high"] - figure["low"] < 0.9 * (high - low)
