"""A report's headline on the terminal."""

from typing import Any

from hepafed.server.report.tables import TASK_WORDS, figure, p_value, preferred


def _compared(row: dict[str, Any]) -> str:
    return f"AUC {row['second']} − {row['first']}  "


def summary_lines(report: dict[str, Any]) -> list[str]:
    """Give the pooled figures, a line a task, under a heading; then what was promised."""
    width = 36
    head = f"{'pooled over ' + str(len(report['sites'])) + ' sites':<{width}}"
    lines = [f"{head}{'AUC (95 % CI)':<24}{'sensitivity':<24}specificity"]
    for r in report["results"]:
        if r["scope"] == "pooled":
            name = f"{r['unit']}: {TASK_WORDS.get(r['task'], r['task'])}"
            sensitivity, specificity = figure(r.get("sensitivity")), figure(r.get("specificity"))
            lines.append(
                f"{name:<{width}}{figure(preferred(r['auc'])):<24}{sensitivity:<24}{specificity}".rstrip()
            )
    lines += [
        f"{_compared(c):<{width}}{figure(c['difference'])}, p {p_value(c['p_holm'])}"
        for c in report.get("comparisons") or []
        if (c["scope"], c["unit"]) == ("pooled", "patient")
    ]
    promised = report.get("evaluation")
    if promised:
        lines.append(f"evaluation {promised['sha256'][:12]}… of {promised['registered'][:19]}Z")
        for e in promised["endpoints"]:
            kind = "primary" if e["primary"] else "secondary"
            name = f"  {kind}: {e['unit']} {TASK_WORDS[e['task']]}, {e['figure']}"
            lines.append(f"{name:<{width + 24}}{e['verdict']}")
        if promised["absent"]:
            lines.append(f"absent: {', '.join(promised['absent'])}")
    look = report.get("look")
    if look and look["number"] > 1:
        lines.append(f"look {look['number']} at these sites with this model")
    return lines
