"""The report as one self-contained page: nothing in it is loaded from elsewhere."""

from pathlib import Path
from typing import Any

from hepafed.server.models import facts
from hepafed.server.report.checklists import STATUS_WORDS, checklists
from hepafed.server.report.drawing import figures
from hepafed.server.report.methods import methods
from hepafed.server.report.tables import (
    FIGURE_WORDS,
    between_sites,
    bound,
    comparisons,
    figure,
    number,
    place,
    preferred,
    results,
    task,
)
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

SECTIONS = (
    ("key", "Key figures"),
    ("preregistration", "Pre-registration"),
    ("cohorts", "Cohorts"),
    ("discrimination", "Discrimination"),
    ("rates", "Rates at the operating point"),
    ("heterogeneity", "Between sites"),
    ("calibration", "Calibration"),
    ("utility", "Clinical utility"),
    ("readers", "Readers and comparisons"),
    ("subgroups", "Subgroups"),
    ("confusion", "Confusion tables"),
    ("missing", "What is missing, and why"),
    ("privacy", "What each site released"),
    ("methods", "Methods"),
    ("checklists", "Reporting checklists"),
    ("card", "Model card"),
    ("provenance", "Provenance"),
)
"""Anchor and heading of every section, in the page's order."""


def render(report: dict[str, Any]) -> str:
    """Fill the page's template; every text of the report is escaped."""
    folder = Path(__file__).parent
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader(folder),
    )
    environment.filters |= {"figure": figure, "number": number, "bound": bound, "cell": _cell}
    anchors = frozenset(a for a, _ in SECTIONS)
    headline = [r for r in report["results"] if (r["unit"], r["task"]) == results.HEADLINE]
    card = report["model"].get("card")
    css = Markup((folder / "report.css").read_text("utf-8"))  # noqa: S704 - our own file
    return environment.get_template("report.html").render(
        r=report,
        css=css,
        title=(report.get("evaluation") or {}).get("promised", {}).get("title")
        or f"Validation of {report['model']['id']}",
        sections=SECTIONS,
        pooled=next((r for r in headline if r["scope"] == "pooled"), None),
        preferred=preferred,
        figures=figures(report),
        rows=results,
        across=between_sites,
        comparing=comparisons,
        methods=methods(report),
        checklists=checklists(report, anchors),
        status_words=STATUS_WORDS,
        card=card,
        card_facts=facts(card) if card else [],
        missing=missing(report),
        lesions=sum(s["lesions"] for s in report["sites"]),
        patients=sum(s["patients"] for s in report["sites"]),
    )


def _cell(value: object) -> str:
    """Write a cell: numbers to four places, text as it is."""
    return number(value, 4) if isinstance(value, float) else number(value)


def missing(report: dict[str, Any]) -> list[tuple[str, str]]:
    """List the figures that could not be computed and the sites that did not answer."""
    found = [
        (f"{site}, all figures", why)
        for site, why in (report["provenance"].get("missing_sites") or {}).items()
    ]
    for r in report["results"]:
        for name in ("auc", *results.RATES):
            values = r.get(name) or {}
            if values.get("reason"):
                what = FIGURE_WORDS[name]
                if values.get("value") is not None:
                    what += ", interval" if values.get("low") is None else ", remark"
                found.append((f"{place(r)}, {task(r)}: {what}", values["reason"]))
    return found
