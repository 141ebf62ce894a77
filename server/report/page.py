"""The report as one self-contained page: nothing in it is loaded from elsewhere."""

from pathlib import Path

from hepafed.common.records import write_record
from hepafed.server.formats import Report
from hepafed.server.models import facts
from hepafed.server.report.checklists import STATUS_WORDS, checklists
from hepafed.server.report.contents import contents, used_words
from hepafed.server.report.drawing import plots
from hepafed.server.report.methods import methods
from hepafed.server.report.tables import (
    FIGURE_WORDS,
    between_sites,
    bound,
    classes,
    cohorts,
    comparisons,
    endpoints,
    figure,
    glossary,
    is_headline,
    number,
    place,
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
    ("glossary", "Glossary"),
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

NOTHING_MISSING = "Nothing is missing: every figure could be computed, and every site answered."


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
    sheets = ("figures.css", "report.css")
    figures, lists = plots(report), checklists(report, anchors)
    words = used_words(contents(report, figures, lists))
    css = Markup("".join((folder / s).read_text("utf-8") for s in sheets))  # noqa: S704 - our own files
    return environment.get_template("report.html").render(
        r=report,
        css=css,
        title=report_title(report),
        sections=SECTIONS,
        pooled=next(pooled, None),
        figures=figures,
        numbers={name: n for n, name in enumerate(figures, 1)},
        rows=results,
        classes=classes,
        endpoints=endpoints.endpoints,
        across=between_sites,
        comparing=comparisons,
        methods=methods(report),
        checklists=lists,
        glossary=glossary(words),
        cohorts=cohorts,
        status_words=STATUS_WORDS,
        card=card,
        card_facts=facts(card) if card else [],
        provenance=write_record(report.provenance),
        missing=missing(report),
        lead=lead(report),
        nothing_missing=NOTHING_MISSING,
    )


def report_title(report: Report) -> str:
    """Return the registered title, or the name of the model."""
    promised = report.evaluation.promised.title if report.evaluation else ""
    return promised or f"Validation of {report.model.id}"


def lead(report: Report) -> str:
    """Return the line below the title: which model, whose cases, when."""
    model, created = report.model, report.provenance.created
    patients, lesions = (sum(getattr(s, k) for s in report.sites) for k in ("patients", "lesions"))
    protocol = f"Model {model.id}, protocol {model.protocol}. " if model.protocol else ""
    day = f" {created[:10]}." if created else ""
    return (
        f"{protocol}{patients:,} patients, {lesions:,} lesions, {len(report.sites)} sites.{day} "
        "Research use only: not a medical device."
    )


def sentences(report: Report) -> dict[str, list[tuple[str, str]]]:
    """Return the paragraphs of the page that the Word document has too, by section."""
    gone = [("", f"{where}: {why}") for where, why in missing(report)]
    gone += [("", f"{s.site} withheld {s.what}") for s in report.suppressed]
    card = report.model.card
    drawn, lists = plots(report), checklists(report, frozenset(a for a, _ in SECTIONS))
    used = used_words(contents(report, drawn, lists))
    stated = () if card is None else (*card.intended_use, *card.limits)
    return {
        "missing": gone or [("", NOTHING_MISSING)],
        "privacy": [("", note) for note in report.notes],
        "methods": methods(report),
        "card": [("", line) for line in stated],
        "glossary": glossary(used),
    }


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
