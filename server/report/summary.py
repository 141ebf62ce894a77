"""A report's headline on the terminal."""

from hepafed.server.formats import JudgedEvaluation, Report
from hepafed.server.report.tables import TASK_WORDS, cases, figure, gain, p_value

WIDTH = 36
"""Columns of what a line is about."""


def summary_lines(report: Report) -> list[str]:
    """Return the pooled figures, a line a task, under a heading; then what was promised."""
    head = f"{'pooled over ' + str(len(report.sites)) + ' sites':<{WIDTH}}"
    lines = [f"{head}{'AUC (95 % CI)':<24}{'sensitivity':<24}specificity"]
    for r in report.results:
        if r.scope == "pooled":
            name = f"{r.unit}: {TASK_WORDS.get(r.task, r.task)}"
            auc, sensitivity = figure(r.auc), figure(r.sensitivity)
            line = f"{name:<{WIDTH}}{auc:<24}{sensitivity:<24}{figure(r.specificity)}"
            lines.append(line.rstrip())
    for c in report.comparisons:
        if (c.scope, c.unit) == ("pooled", "patient"):
            name = f"AUC {c.second} − {c.first}  "
            shown = f"{figure(gain(c))}, p {p_value(c.p_holm)}, n {cases(c)}"
            lines.append(f"{name:<{WIDTH}}{shown}")
    if report.evaluation:
        lines += _promised(report.evaluation)
    if report.look is not None and report.look.number > 1:
        lines.append(f"analysis {report.look.number} of this model at these sites")
    return lines


def _promised(evaluation: JudgedEvaluation) -> list[str]:
    lines = [f"evaluation {evaluation.sha256[:12]}… registered {evaluation.registered[:19]}Z"]
    for e in evaluation.endpoints:
        kind = "primary" if e.primary else "secondary"
        name = f"  {kind}: {e.unit} {TASK_WORDS[e.task]}, {e.figure}"
        lines.append(f"{name:<{WIDTH + 24}}{e.verdict}")
    if evaluation.absent:
        lines.append(f"registered but absent: {', '.join(evaluation.absent)}")
    return lines
