"""First page: the model beside readers, and beside other models, on the same patients."""

from hepafed.server.formats import ComparisonRow, RateEstimate, Report
from hepafed.server.report.tables import (
    auc_places,
    cases,
    figure,
    is_headline,
    rate_figure,
    reader_name,
    validated_minus,
)

LEVEL = 0.05
"""P value, adjusted over the pairs of models, from which on no difference is claimed."""


def beside_readers(report: Report) -> str:
    """State the rates of each reader and of the model on the reader's own patients, a line each."""
    said = []
    for r in report.readers:
        parts = _rates("sensitivity", r.sensitivity, r.model_sensitivity)
        parts += _rates("specificity", r.specificity, r.model_specificity)
        if parts:
            whom = f"{r.n:,}" if r.of in (None, r.n) else f"{r.n:,} of {r.of:,}"
            patients = "patient" if (r.of or r.n) == 1 else "patients"
            said.append(f"{reader_name(r.reader)}, on {whom} {patients}: {'; '.join(parts)}.")
    return "\n".join(said)


def _rates(name: str, reader: RateEstimate, model: RateEstimate) -> list[str]:
    if reader.value is None or model.value is None:
        return []
    return [f"{name} {rate_figure(reader)}, the model {rate_figure(model)}"]


def beside_models(report: Report) -> str:
    """State each pooled difference in AUC per patient; claim one only where it is shown."""
    rows = [c for c in report.comparisons if c.scope == "pooled" and is_headline(c)]
    return " ".join(_compared(c, auc_places(report)) for c in rows)


def _compared(c: ComparisonRow, places: int) -> str:
    gain = validated_minus(c)
    if gain.value is None or gain.low is None or gain.high is None:
        why = f": {c.reason or gain.reason}" if c.reason or gain.reason else ""
        return f"The AUCs of {c.first} and {c.second} cannot be compared{why}."
    shown = f"{c.first} − {c.second}: {figure(gain, places)}, {cases(c)} patients"
    if gain.low <= 0 <= gain.high or (c.p_holm is not None and c.p_holm >= LEVEL):
        return f"No difference in AUC between {c.first} and {c.second} was shown ({shown})."
    level = "higher" if gain.value > 0 else "lower"
    return f"The AUC of {c.first} is {level} than that of {c.second} ({shown})."
