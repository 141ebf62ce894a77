"""The report as one self-contained page: nothing in it is loaded from elsewhere."""

from pathlib import Path

from hepafed.common.records import write_record
from hepafed.server.formats import Report
from hepafed.server.models import facts
from hepafed.server.report.checklists import STATUS_WORDS, checklists
from hepafed.server.report.drawing import plots
from hepafed.server.report.methods import methods
from hepafed.server.report.tables import (
    FIGURE_WORDS,
    between_sites,
    bound,
    classes,
    comparisons,
    endpoints,
    figure,
    is_headline,
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

NO_CASES = {
    "auc": "there is no case",
    "sensitivity": "there is no positive case",
    "specificity": "there is no negative case",
    "ppv": "the model called no case positive",
    "npv": "the model called no case negative",
    "accuracy": "there is no case",
}
"""What "no cases" means for each figure: the denominator of its rate is 0."""


def render(report: Report) -> str:
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
    pooled = (r for r in report.results if r.scope == "pooled" and is_headline(r))
    card = report.model.card
    css = Markup((folder / "report.css").read_text("utf-8"))  # noqa: S704 - our own file
    return environment.get_template("report.html").render(
        r=report,
        css=css,
        title=_title(report),
        sections=SECTIONS,
        pooled=next(pooled, None),
        preferred=preferred,
        figures=plots(report),
        rows=results,
        classes=classes,
        endpoints=endpoints.endpoints,
        across=between_sites,
        comparing=comparisons,
        methods=methods(report),
        checklists=checklists(report, anchors),
        status_words=STATUS_WORDS,
        card=card,
        card_facts=facts(card) if card else [],
        provenance=write_record(report.provenance),
        missing=missing(report),
        lesions=sum(s.lesions for s in report.sites) if results.has_lesions(report) else None,
        patients=sum(s.patients for s in report.sites),
    )


def _title(report: Report) -> str:
    promised = report.evaluation.promised.title if report.evaluation else ""
    return promised or f"Validation of {report.model.id}"


def _cell(value: object) -> str:
    """Write a cell: numbers to four places, text as it is."""
    return number(value, 4) if isinstance(value, float) else number(value)


def missing(report: Report) -> list[tuple[str, str]]:
    """Return the figures that could not be computed and the sites that did not answer."""
    gone = report.provenance.missing_sites or {}
    found = [(f"{site}, all figures", why) for site, why in gone.items()]
    for r in report.results:
        named = zip(("auc", *results.RATES), (r.auc, *results.rates_of(r)), strict=True)
        for name, values in named:
            if values is not None and values.reason:
                what = FIGURE_WORDS[name]
                if values.value is not None:
                    what += ", interval" if values.low is None else ", remark"
                why = NO_CASES[name] if values.reason == "no cases" else values.reason
                found.append((f"{place(r)}, {task(r)}: {what}", why))
    return found
