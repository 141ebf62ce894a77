"""First page: how many patients the model finds, and how many it calls malignant in error."""

from hepafed.server.formats import Report
from hepafed.server.report.facts import pooled, unit_words
from hepafed.server.report.plain_words.frequencies import frequency
from hepafed.server.report.tables import (
    auc_places,
    endpoints,
    has_lesions,
    hundredfold,
    interval,
    is_headline,
    preferred,
    value_of,
)


def malignancy(report: Report) -> str:
    """Name what a malignant patient has; a table of patients or two classes has no lesions."""
    if report.classes is not None or not has_lesions(report):
        return "a malignant diagnosis"
    return f"a malignant {unit_words(report)[0]}"


def malignant_found(report: Report) -> str:
    """State the sensitivity at the operating point as a natural frequency."""
    row = pooled(report)
    if row is None or row.sensitivity is None:
        return ""
    return frequency(row.sensitivity, f"patients with {malignancy(report)}", "called malignant")


def benign_called_malignant(report: Report) -> str:
    """State 1 − specificity at the operating point as a natural frequency."""
    row = pooled(report)
    if row is None or row.specificity is None:
        return ""
    whom = f"patients without {malignancy(report)}"
    return frequency(row.specificity, whom, "called malignant in error", other=True)


def threshold_used(report: Report) -> str:
    """Say from which score on a patient is called malignant; speak where there is a rate."""
    row = pooled(report)
    rates = (row.sensitivity, row.specificity) if row is not None else ()
    if not any(r is not None and r.value is not None for r in rates):
        return ""
    at = hundredfold(report.model.operating_point.threshold, 1)
    return f"A patient is called malignant if the score is {at} % or more."


def rates_missing(report: Report) -> str:
    """Speak where neither rate can be given."""
    if malignant_found(report) or benign_called_malignant(report):
        return ""
    row = pooled(report)
    found = row.sensitivity if row is not None else None
    why = f": {found.reason}" if found is not None and found.reason else ""
    return f"How many patients are found cannot be said{why}."


def told_apart(report: Report) -> str:
    """State the pooled AUC with the interval that the text uses."""
    row = pooled(report)
    if row is None or row.auc.value is None:
        return ""
    auc, places = preferred(row.auc), auc_places(report)
    ends = interval(auc, places)
    said = f"AUC {value_of(row.auc.value, places)}" + (
        f" (95 % CI {ends})" if ends else " (no interval)"
    )
    return (
        f"{said}: the probability that a patient with {malignancy(report)} has a higher score than "
        "a patient without one."
    )


def not_told_apart(report: Report) -> str:
    """Speak where there is no pooled AUC, and give the reason."""
    row = pooled(report)
    if row is not None and row.auc.value is not None:
        return ""
    why = row.auc.reason if row is not None else "no site released figures for this question"
    return f"No AUC can be given: {why}."


def primary_goals(report: Report) -> str:
    """State each registered primary goal with what was found and its verdict, a line each."""
    return "\n".join(
        f"Registered primary goal: {what} {goal}. Found: {shown}. Verdict: {verdict} ({why})."
        for what, goal, shown, verdict, why in endpoints.primary(report)
    )


def by_site(report: Report) -> str:
    """State the range of the sites' own AUCs, where two or more are known."""
    rows = [r for r in report.results if r.scope == "site" and is_headline(r)]
    values = [r.auc.value for r in rows if r.auc.value is not None]
    if len(values) < 2:
        return ""
    places = auc_places(report)
    least, most = (value_of(v, places) for v in (min(values), max(values)))
    return f"The AUC is {least} to {most} at single sites ({len(values)} sites)."
