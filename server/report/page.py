"""The report as one self-contained page."""

from pathlib import Path
from typing import Any

from hepafed.common.vocabulary import CLASS_KEYS
from hepafed.server.report.plots import forest, roc
from hepafed.server.report.summary import TASK_WORDS, figure
from jinja2 import Environment, StrictUndefined

HEADLINE = ("patient", "malignant_vs_benign")


def render(report: dict[str, Any]) -> str:
    """Fill the page's template; every text of the report is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["figure"] = figure
    template = Path(__file__).with_name("report.html").read_text("utf-8")
    rows = [r for r in report["results"] if (r["unit"], r["task"]) == HEADLINE]
    pooled = next((r for r in rows if r["scope"] == "pooled"), None)
    curves = [(r["site"] or "pooled", r["roc"]) for r in rows if r.get("roc")]
    return environment.from_string(template).render(
        r=report,
        pooled=pooled,
        words=TASK_WORDS,
        classes=CLASS_KEYS,
        curves=curves,
        roc=roc(curves, "ROC curves, malignant versus benign per patient; data in the table below"),
        forest=forest(
            [(r["site"] or r["scope"], r["auc"]) for r in rows],
            "AUC with 95 % intervals by site; data in the table below",
        ),
        missing=_missing(report),
        lesions=sum(s["lesions"] for s in report["sites"]),
        patients=sum(s["patients"] for s in report["sites"]),
    )


def _missing(report: dict[str, Any]) -> list[tuple[str, str]]:
    """List the figures that could not be computed, with the reason."""
    found = []
    for r in report["results"]:
        for name in ("auc", "sensitivity", "specificity", "ppv", "npv", "accuracy"):
            values = r.get(name) or {}
            if values.get("reason"):
                where = f"{r['site'] or r['scope']}, {r['unit']}, {TASK_WORDS[r['task']]}: {name}"
                found.append((where, values["reason"]))
    return found
