"""The tables that look across sites: heterogeneity, calibration, drift, subgroups, releases."""

from hepafed.server.formats import BriefAuc, Report, SubgroupRow
from hepafed.server.report.tables.rounding import auc_places, percent, stated_percent
from hepafed.server.report.tables.table import Table, estimate, is_headline
from hepafed.server.report.tables.words import (
    FORM_WORDS,
    NONE,
    figure,
    interval,
    mean_of_sites,
    number,
    place,
    task,
)

POOLED_WORDS = {
    "delong": "of the scores of all sites",
    "random effects": "random effects over the AUCs of the sites that released the level",
}
"""How the AUC of a level was pooled, by the method of its row."""


def heterogeneity(report: Report) -> Table:
    """Tabulate random effects, I², τ² and the prediction interval of every task."""
    rows: list[tuple[object, ...]] = []
    places = auc_places(report)
    for h in report.heterogeneity:
        if h.value is None or h.i2 is None:
            rows.append((task(h), h.sites, (NONE, h.reason), NONE, NONE, NONE))
            continue
        ends = h.prediction
        unsure = (ends.reason or ends.warning) if ends else ""
        predicted: object = (interval(ends, places) or NONE, unsure)
        warned = h.covering.warning if h.covering else ""
        spread = (f"{100 * h.i2:.0f} %", number(h.tau2))
        mean = (figure(mean_of_sites(h), places), warned)
        rows.append((task(h), h.sites, mean, predicted, *spread))
    head = ("Task", "Sites", "Mean AUC (95 % CI)", "95 % prediction interval", "I²", "τ²")
    said = (
        "The interval of the mean is Hartung, Knapp, Sidik and Jonkman's; it is wide where few "
        "sites differ, and never narrower than that of one AUC common to all sites."
    )
    note = said if any(h.value is not None for h in report.heterogeneity) else ""
    note = " ".join(filter(None, [note, *_left_out(report)]))
    return Table("heterogeneity", "Random effects on the logit AUC", head, tuple(rows), note)


def _left_out(report: Report) -> list[str]:
    """Say once for all tasks alike which sites were left out, and why."""
    found: dict[tuple[str, str], list[str]] = {}
    for h in report.heterogeneity:
        by_reason: dict[str, dict[str, None]] = {}
        for x in h.left_out or ():
            by_reason.setdefault(x.reason, {})[x.site] = None
        for reason, sites in by_reason.items():
            found.setdefault((", ".join(sites), reason), []).append(task(h))
    return [
        f"{'; '.join(dict.fromkeys(tasks))}: without {sites}, {reason}."
        for (sites, reason), tasks in found.items()
    ]


def leave_one_out(report: Report) -> Table:
    """Tabulate the headline task without each site in turn."""
    places = auc_places(report)
    rows = [
        (
            o.without,
            (figure(mean_of_sites(o), places), o.covering.warning if o.covering else ""),
            (figure(o.pooled, places), _why_not(o.pooled)),
            NONE if o.i2 is None else f"{100 * o.i2:.0f} %",
            number(o.tau2),
        )
        for h in report.heterogeneity
        if is_headline(h)
        for o in h.leave_one_out
        if o.value is not None
    ]
    head = ("Without", "Random effects AUC (95 % CI)", "Pooled AUC (95 % CI)", "I²", "τ²")
    return Table("leave-one-out", "Leaving out one site, patients", head, tuple(rows))


def _why_not(auc: BriefAuc | None) -> str:
    return auc.reason if auc is not None and auc.value is None else ""


def calibration(report: Report) -> Table:
    """Tabulate calibration: all scopes of the headline task, the pooled of the others."""
    rows = [
        (
            task(c),
            place(c),
            estimate(c.slope),
            estimate(c.intercept),
            estimate(c.in_the_large),
            estimate(c.brier),
            estimate(c.ece),
        )
        for c in report.calibration
        if c.scope == "pooled" or is_headline(c)
    ]
    head = ("Task", "Where", "Slope", "Intercept", "In the large", "Brier", "ECE")
    note = (
        "Slope 1 and intercept 0 are perfect. ECE: expected calibration error, the mean gap "
        "between "
        "predicted and observed risk over tenths of the probability. Below a figure: its 95 % "
        "interval."
    )
    lesions = any(c.unit == "lesion" and c.slope.low is not None for c in report.calibration)
    if lesions and any((s.lesions or 0) > (s.patients or 0) for s in report.sites):
        note += (
            " The intervals of lesion tasks take lesions as independent: they are too narrow where "
            "patients have several."
        )
    return Table("calibration", "Calibration", head, tuple(rows), note, span=2)


def reliability(report: Report) -> Table:
    """Tabulate the tenths of the predicted probability with their counts, pooled patients."""
    rows = [
        (
            f"{stated_percent(b.low)} to {stated_percent(b.high)}",
            b.n,
            number(b.observed.numerator),
            NONE if b.mean_score is None else percent(b.mean_score, b.n),
            estimate(b.observed),
        )
        for c in report.calibration
        if is_headline(c) and c.scope == "pooled"
        for b in c.reliability
        if b.n
    ]
    head = ("Predicted", "Patients", "Malignant", "Mean predicted", "Malignant, % (95 % CI)")
    caption = "Predicted and observed risk by tenths, patients, pooled"
    return Table("reliability-counts", caption, head, tuple(rows))


def drift(report: Report) -> Table:
    """Tabulate how far each site's scores are from those of the tuning data.

    A site without a number of cases is not a row: it was not compared.
    """
    known = [d for d in report.drift if d.site is None or d.reference is not None]
    rows = [
        (
            d.site or "Pooled",
            task(d),
            d.class_,
            NONE if d.reference is None else number(d.n),
            number(d.reference),
            _distance(d.psi, d.psi_limit, d.psi_expected),
            _distance(d.ks, d.ks_limit),
            d.reason or ("different" if d.differs else "no more than chance"),
        )
        for d in known
    ]
    head = ("Site", "Task", "Class", "n", "n, tuning", "PSI", "KS", "Difference")
    note = (
        "How different these scores are from those of the tuning data, on which the threshold was "
        "chosen. PSI: population stability index. KS: largest gap between the two distributions. "
        "Below each: the value that it stays below in 95 of 100 comparisons of equal "
        f"distributions of this size, and its mean in these.{_not_compared(report)}"
    )
    return Table("drift", "Scores compared with those of the tuning data", head, tuple(rows), note)


def _not_compared(report: Report) -> str:
    """Name the sites whose scores are compared only as a part of the pooled ones."""
    gone = dict.fromkeys(d.site for d in report.drift if d.site and d.reference is None)
    if not gone or len(report.sites) == 1:
        return ""
    return f" Not compared by themselves: {', '.join(gone)}."


def _distance(found: float | None, limit: float | None, mean: float | None = None) -> object:
    if found is None or limit is None:
        return number(found)
    chance = f"by chance below {number(limit)}"
    return number(found), chance if mean is None else f"{chance}, mean {number(mean)}"


def released(report: Report) -> Table:
    """Tabulate what form each site's histograms took, its smallest cell, what it withheld."""
    forms = {f.site: f for f in report.forms}
    rows = []
    for s in report.sites:
        f = forms.get(s.site)
        shown = NONE if f is None else FORM_WORDS.get(f.form, f.form)
        if f is not None and f.sum_over:
            noise = " with noise" if f.form == "noisy" else ""
            shown = f"masked{noise}; summed over {', '.join(f.sum_over)}"
        held = [x.what for x in report.suppressed if x.site == s.site]
        smallest, reason = (f.minimum_count, f.reason or "") if f else (None, "")
        nothing = "nothing" if f is None or f.form != "noisy" else "all else"
        rows.append((s.site, (shown, reason), number(smallest), "; ".join(held) or nothing))
    head = ("Site", "Histograms of scores", "Smallest cell", "Withheld")
    return Table("released", "What each site released, and in which form", head, tuple(rows))


def subgroups(report: Report) -> Table:
    """Tabulate figures by subgroup, each level pooled first; what is withheld says so."""
    places = auc_places(report)
    rows = [
        (
            f"{g.variable.replace('_', ' ')}: {g.level}",
            _where(g, len(report.sites)),
            number(g.n),
            number(g.positives),
            (figure(g.auc, places), g.auc.reason),
            figure(g.sensitivity),
            figure(g.specificity),
        )
        for g in report.subgroups
    ]
    head = (
        "Subgroup",
        "Where",
        "Patients",
        "Malignant",
        "AUC (95 % CI)",
        "Sensitivity (95 % CI)",
        "Specificity (95 % CI)",
    )
    made = dict.fromkeys(
        POOLED_WORDS.get(g.auc.method.split(" over ")[0], g.auc.method)
        for g in report.subgroups
        if g.scope == "pooled" and g.auc.value is not None
    )
    pooled = f" Pooled AUC: {'; '.join(made)}." if made else ""
    note = (
        f"Patients, malignant versus benign.{pooled} A dash means that a figure is withheld or "
        "cannot be computed."
    )
    return Table("subgroups", "Figures by subgroup", head, tuple(rows), note, span=2)


def _where(row: SubgroupRow, sites: int) -> object:
    """Name where a row is from, and which sites are in it where they are not all."""
    if row.scope == "pooled" and row.released_by and len(row.released_by) < sites:
        return place(row), f"only {', '.join(row.released_by)}"
    gone = row.withheld_by
    return (place(row), f"without {', '.join(gone)}") if gone else place(row)
