"""A report's headline on the terminal."""

from hepafed.server.formats import JudgedEvaluation, Report
from hepafed.server.models import operating_point
from hepafed.server.report.facts import exploratory, is_synthetic, unit_words
from hepafed.server.report.plain_words import decides_nothing
from hepafed.server.report.tables import (
    TASK_WORDS,
    auc_places,
    cases,
    figure,
    p_value,
    renamed,
    results,
    validated_minus,
)

WIDTH = 36
"""Columns of what a line is about."""


def summary_lines(report: Report) -> list[str]:
    """Return the pooled figures, a line a task, under a heading; then what was promised."""
    places = auc_places(report)
    head = f"{results.over_sites(report):<{WIDTH}}"
    lines = (
        ["Made-up data: no figure says anything about patients."] if is_synthetic(report) else []
    )
    lines.append(f"{head}{'AUC (95 % CI)':<24}{'sensitivity':<24}specificity")
    for r in report.results:
        if r.scope == "pooled":
            unit = renamed(r.unit, unit_words(report))
            name = f"{unit}: {TASK_WORDS.get(r.task, r.task)}"
            auc, sensitivity = figure(r.auc, places), figure(r.sensitivity)
            line = f"{name:<{WIDTH}}{auc:<24}{sensitivity:<24}{figure(r.specificity)}"
            lines.append(line.rstrip())
    if nothing := decides_nothing(report):
        lines.append(nothing)
    point = report.model.operating_point
    if point.positives is not None:
        lines.append(
            f"threshold {point.threshold:.4f}, chosen on {operating_point.chosen_on(point)}"
        )
    if weak := operating_point.warning(point):
        lines.append(weak)
    for c in report.comparisons:
        if (c.scope, c.unit) == ("pooled", "patient"):
            name = f"AUC {c.first} − {c.second}  "
            shown = f"{figure(validated_minus(c), places)}, p {p_value(c.p_holm)}, n {cases(c)}"
            lines.append(f"{name:<{WIDTH}}{shown}")
    if report.evaluation:
        lines += _promised(report.evaluation, exploratory(report))
    if report.look is not None and report.look.number > 1:
        lines.append(f"look {report.look.number} of this model at some of these sites")
    return lines


def _promised(evaluation: JudgedEvaluation, why: str) -> list[str]:
    """Return the verdicts; `why` says why they are exploratory, where they are."""
    lines = [f"evaluation {evaluation.sha256[:12]}… registered {evaluation.registered[:19]}Z"]
    if why:
        lines.append(f"the verdicts are exploratory: {why}")
    for e in evaluation.endpoints:
        kind = "primary" if e.primary else "secondary"
        name = f"  {kind}: {e.unit} {TASK_WORDS[e.task]}, {e.figure}"
        lines.append(f"{name:<{WIDTH + 24}}{e.verdict}{' (exploratory)' if why else ''}")
    if evaluation.absent:
        lines.append(f"registered but absent: {', '.join(evaluation.absent)}")
    return lines
