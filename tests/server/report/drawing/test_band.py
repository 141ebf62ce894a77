"""The band of a ROC curve holds the curve, and is wider where lesions share patients."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.server.formats import ResultRow, read_report
from hepafed.server.report.drawing.band import roc_band


def row(values: dict[str, Any], unit: str) -> ResultRow:
    rows = read_report(values).results
    return next(r for r in rows if (r.scope, r.unit) == ("pooled", unit))


def test_the_band_holds_the_pooled_curve_from_three_negatives_on(plain: dict[str, Any]) -> None:
    pooled = row(plain, "patient")
    band = roc_band(pooled)
    assert band is not None
    negatives = pooled.n - (pooled.positives or 0)
    at = [x for x, _, _ in band.points]
    assert at == sorted(at)
    assert (at[0] - 1 / 60) * negatives < 3 <= at[0] * negatives
    fpr, sensitivity = np.array(pooled.roc).T
    for x, low, high in band.points[2:]:
        held = np.interp(x, fpr, sensitivity)
        assert low - 1e-9 <= held <= high + 1e-9


def test_lesions_that_share_patients_count_as_fewer(plain: dict[str, Any]) -> None:
    lesions = row(plain, "lesion")
    clustered = lesions.auc.clustered
    assert clustered is not None
    assert lesions.auc.se is not None

    def width(factor: float) -> float:
        held = replace(clustered, se=factor * (lesions.auc.se or 0.0))
        band = roc_band(replace(lesions, auc=replace(lesions.auc, clustered=held)))
        assert band is not None
        low, high = next((a, b) for x, a, b in band.points if x > 0.2)
        return high - low

    assert width(2.0) == pytest.approx(2 * width(1.0), rel=0.2)  # four times fewer cases
    assert width(0.5) == width(1.0)  # never more cases than there are


def test_lesions_without_a_clustered_variance_have_no_band(plain: dict[str, Any]) -> None:
    lesions = row(plain, "lesion")
    assert roc_band(replace(lesions, auc=replace(lesions.auc, clustered=None))) is None
    assert roc_band(replace(row(plain, "patient"), positives=0)) is None
    assert roc_band(replace(row(plain, "patient"), roc=())) is None
