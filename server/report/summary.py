"""A report's headline on the terminal."""

from typing import Any

TASK_WORDS = {
    "malignant_vs_benign": "malignant vs benign",
    "benign_vs_rest": "benign vs rest",
    "primary_malignant_vs_rest": "primary malignant vs rest",
    "metastatic_vs_rest": "metastatic vs rest",
    "macro": "macro, one vs rest",
}


def figure(values: dict[str, Any] | None) -> str:
    """Put a figure and its interval into words; an en dash where there is none."""
    if not values or values.get("value") is None:
        return "–"
    if values.get("low") is None:
        return f"{values['value']:.3f}"
    return f"{values['value']:.3f} ({values['low']:.3f}–{values['high']:.3f})"


def summary_lines(report: dict[str, Any]) -> list[str]:
    """Give the pooled figures, a line a task, under a heading."""
    width = 36
    head = f"{'pooled over ' + str(len(report['sites'])) + ' sites':<{width}}"
    lines = [f"{head}{'AUC (95 % CI)':<24}{'sensitivity':<24}specificity"]
    for r in report["results"]:
        if r["scope"] == "pooled":
            name = f"{r['unit']}: {TASK_WORDS.get(r['task'], r['task'])}"
            sensitivity, specificity = figure(r.get("sensitivity")), figure(r.get("specificity"))
            lines.append(
                f"{name:<{width}}{figure(r['auc']):<24}{sensitivity:<24}{specificity}".rstrip()
            )
    return lines
