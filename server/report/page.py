"""The report as one self-contained page: nothing in it is loaded from elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from hepafed.common.records import write_record
from hepafed.server.formats import Report
from hepafed.server.models import facts, operating_point
from hepafed.server.report.checklists import STATUS_WORDS, checklists
from hepafed.server.report.contents import contents, used_words
from hepafed.server.report.drawing import plots
from hepafed.server.report.facts import (
    counted,
    exploratory,
    is_federated,
    is_synthetic,
    listed,
    only_site,
    patients_words,
    unit_words,
)
from hepafed.server.report.layout import absent_sections, no_breaks
from hepafed.server.report.methods import (
    look_number,
    methods,
    not_registered,
    registered_after,
    registered_first,
)
from hepafed.server.report.plain_words import decides_nothing, first_page, trained
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
    has_lesions,
    is_headline,
    number,
    place,
    printed,
    renamed,
    results,
    stated_percent,
    task,
)
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

SECTIONS = (
    ("plain", "In plain words"),
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

ABSENT = "Not in this report."
"""How the line of a section without figures begins; the reason follows."""
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
    environment.filters["stated"] = stated_percent
    environment.filters["printed"] = partial(
        printed, units=unit_words(report), alone=only_site(report)
    )
    anchors = frozenset(a for a, _ in SECTIONS)
    pooled = (r for r in report.results if r.scope == "pooled" and is_headline(r))
    card = report.model.card
    sheets = ("figures.css", "report.css")
    figures, lists = plots(report), checklists(report, anchors)
    parts = contents(report, figures, lists)
    gone = absent_sections(report, parts)
    css = Markup("".join((folder / s).read_text("utf-8") for s in sheets))  # noqa: S704 - our own files
    page = environment.get_template("report.html").render(
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
        glossary=glossary(used_words(parts)),
        cohorts=cohorts,
        threshold_words=threshold_words(report),
        status_words=STATUS_WORDS,
        plain=first_page(report),
        gone={anchor: f"{ABSENT} {why}" for anchor, why in gone.items()},
        synthetic=is_synthetic(report),
        federated=is_federated(report),
        of_lesions=has_lesions(report),
        exploratory=exploratory(report),
        counted=counted,
        patients_words=patients_words(report),
        units=unit_words(report),
        card=card,
        card_facts=[*trained.training_rows(report), *facts(card)] if card else [],
        nothing_decided=decides_nothing(report),
        provenance=write_record(report.provenance),
        missing=missing(report),
        lead=lead(report),
        nothing_missing=nothing_missing(report),
    )
    return no_breaks(page)


def threshold_words(report: Report) -> list[str]:
    """Return how the operating point came about; a score table's was not chosen on patients."""
    if not is_federated(report):
        return ["It was set when this report was made."]
    return operating_point.sentences(report.model.operating_point)


def report_title(report: Report) -> str:
    """Return the registered title, or the name of the model."""
    promised = report.evaluation.promised.title if report.evaluation else ""
    return promised or f"Validation of {report.model.id}"


def lead(report: Report) -> str:
    """Return the line below the title: which model, whose cases, when."""
    model, created = report.model, report.provenance.created
    protocol = f"Model {model.id}, protocol {model.protocol}. " if model.protocol else ""
    day = f" {created[:10]}." if created else ""
    units = [counted(report.lesions, *unit_words(report))] if has_lesions(report) else []
    counts = [patients_words(report), *units, counted(len(report.sites), "site")]
    return f"{protocol}{_capital(', '.join(counts))}.{day} Research use only: not a medical device."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def nothing_missing(report: Report) -> str:
    """Say that all is there, as far as the report knows."""
    if report.noise is not None:
        return (
            "Every figure that counts with noise allow could be computed. There is no other: none "
            "of one site, of lesions or readers, no curve and no calibration."
        )
    sites = ", no site withheld anything, and every site that was asked answered"
    return f"Every AUC and every rate could be computed{sites if is_federated(report) else ''}."


def sentences(report: Report) -> dict[str, list[tuple[str, str]]]:
    """Return the paragraphs of the page that the Word document has too, by section."""
    lost = [("", f"{where}: {why}") for where, why in missing(report)]
    lost += [("", f"{s.site} withheld {s.what}") for s in report.suppressed]
    card = report.model.card
    drawn, lists = plots(report), checklists(report, frozenset(a for a, _ in SECTIONS))
    parts = contents(report, drawn, lists)
    gone = absent_sections(report, parts)
    stated = () if card is None else (*card.intended_use, *card.limits)
    plain = [(h if not n else "", s) for h, all_ in first_page(report) for n, s in enumerate(all_)]
    registered = (registered_first, registered_after, not_registered, look_number)
    return {
        "plain": plain,
        "preregistration": [("", said) for rule in registered if (said := rule(report))],
        "missing": lost or [("", nothing_missing(report))],
        "privacy": [("", note) for note in report.notes],
        "methods": methods(report),
        "card": [("", line) for line in stated],
        "glossary": glossary(used_words(parts)),
        **{anchor: [("", f"{ABSENT} {why}")] for anchor, why in gone.items()},
    }


def _cell(value: object) -> str:
    """Write a cell: numbers to four places, text as it is."""
    return number(value, 4) if isinstance(value, float) else number(value)


def missing(report: Report) -> list[tuple[str, str]]:
    """Return the figures that could not be computed and the sites that did not answer.

    Figures of one reason are one line: places with the same gaps together, and their tasks.
    """
    gone = report.provenance.missing_sites or {}
    found = [(f"{site}, all figures", why) for site, why in gone.items()]
    by_reason: dict[str, dict[str, dict[str, list[str]]]] = {}
    for where, about, what, why in _gaps(report):
        by_reason.setdefault(why, {}).setdefault(where, {}).setdefault(about, []).append(what)
    for why, places in by_reason.items():
        alike: dict[str, list[str]] = {}
        for where, tasks in places.items():
            alike.setdefault(_figures(tasks), []).append(where)
        found += [(f"{listed(names)}: {figures}", why) for figures, names in alike.items()]
    return found


def _gaps(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """Yield place, task, figure and reason of each figure that is not there, or has a remark."""
    units = unit_words(report)
    for r in results.rows_shown(report):
        named = zip(("auc", *results.RATES), (r.auc, *results.rates_of(r)), strict=True)
        for name, values in named:
            if values is not None and values.reason:
                what = FIGURE_WORDS[name]
                if values.value is not None:
                    what += " (interval)" if values.low is None else " (remark)"
                why = NO_CASES[name] if values.reason == "no cases" else values.reason
                yield place(r), renamed(task(r), units), what, why


def _figures(tasks: Mapping[str, Sequence[str]]) -> str:
    """Write `AUC and PPV of “one” and “two”; AUC of “three”`."""
    alike: dict[str, list[str]] = {}
    for about, figures in tasks.items():
        alike.setdefault(listed(figures), []).append(about)
    return "; ".join(
        f"{what} of {listed([f'“{name}”' for name in about])}" for what, about in alike.items()
    )
