"""The pointwise 95 % band of a pooled ROC curve, from its points and its numbers of cases."""

import numpy as np
from hepafed.common.statistics import Curve, sensitivity_interval
from hepafed.server.formats import ResultRow
from hepafed.server.report.drawing.chart import BLACK, Band

STEPS = 60


def roc_band(row: ResultRow, colour: str = BLACK, name: str = "") -> Band | None:
    """Return the 95 % interval of the sensitivity at each specificity; None without a curve.

    Where lesions share patients, the numbers of cases are divided by the design effect (Kish 1965):
    the variance of the AUC that knows it over the one that takes lesions as independent. A row of
    lesions without that variance has no band.
    """
    positives = row.positives or 0
    negatives = row.n - positives
    effect = _design_effect(row)
    if not row.roc or not positives or not negatives or effect is None:
        return None
    points = np.asarray(row.roc, float)
    curve = Curve(
        positives=points[:, 1] * positives / effect, negatives=points[:, 0] * negatives / effect
    )
    held = []
    for specificity in np.linspace(1, 0, STEPS + 1).tolist():
        ends = sensitivity_interval(curve, specificity)
        if ends is not None:
            held.append((1 - specificity, *ends))
    return Band(name=name, points=held, colour=colour) if len(held) > 1 else None


def _design_effect(row: ResultRow) -> float | None:
    if row.unit == "patient":
        return 1.0
    clustered, plain = row.auc.clustered, row.auc.se
    if clustered is None or not clustered.se or not plain:
        return None
    return max(1.0, (clustered.se / plain) ** 2)
