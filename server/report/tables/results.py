"""The tables of cohorts, discrimination and rates."""

from hepafed.common.contract import CLASS_KEYS
from hepafed.server.formats import (
    RateEstimate,
    ReadAtSensitivity,
    ReadAtSpecificity,
    Report,
    ResultRow,
)
from hepafed.server.report.tables.table import Table, estimate, is_headline, remarked
from hepafed.server.report.tables.words import (
    FIGURE_WORDS,
    NONE,
    bound,
    figure,
    interval,
    number,
    place,
    preferred,
    task,
)

BOUND_HEAD = "Pooling error (at most)"
RATES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
CLASS_WORDS = tuple(k.replace("_", " ") for k in CLASS_KEYS)


def rates_of(r: ResultRow) -> tuple[RateEstimate | None, ...]:
    """Return the rates of a row in the order of `RATES`."""
    return r.sensitivity, r.specificity, r.ppv, r.npv, r.accuracy


def sites(report: Report) -> Table:
    """Tabulate the sites: patients, lesions by class, what they released."""
    rows = []
    for s in report.sites:
        counts = [s.by_class.get(k) for k in CLASS_KEYS]
        rows.append((s.site, s.patients, s.lesions, *counts))
    if len(rows) > 1:
        total = [sum(s.patients for s in report.sites), sum(s.lesions for s in report.sites)]
        by_class = [_sum([s.by_class.get(k) for s in report.sites]) for k in CLASS_KEYS]
        rows.append(("All sites", *total, *by_class))
    head = ("Site", "Patients", "Lesions", *(w.capitalize() for w in CLASS_WORDS))
    return Table("cohorts", "Patients and lesions by site and class", head, tuple(rows))


def _sum(values: list[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if len(known) == len(values) else None


def discrimination(report: Report) -> Table:
    """Tabulate the pooled AUC of every task, and every scope of the headline task."""
    rows = [_auc_row(r) for r in report.results if r.scope == "pooled" or is_headline(r)]
    return Table(
        "auc",
        "Discrimination: area under the ROC curve",
        ("Task", "Where", "n (positive)", "AUC (95 % CI)", "DeLong 95 % CI", BOUND_HEAD),
        tuple(rows),
        note="The 95 % CI beside the AUC accounts for several lesions in one patient (Obuchowski) "
        "where "
        "it can be computed. The DeLong interval ignores this and is for comparison only. Pooled "
        "AUCs come from counts, not scores: the AUC of the scores lies within the pooling error. "
        "A site's own AUC is exact.",
        span=2,
    )


def _auc_row(r: ResultRow) -> tuple[object, ...]:
    auc = r.auc
    positives = "" if r.positives is None else f" ({r.positives:,})"
    shown: object = figure(preferred(auc))
    off = bound(auc) if r.scope == "pooled" else "0"
    if auc.value is None:
        shown = (NONE, auc.reason)
    return (task(r), place(r), f"{r.n:,}{positives}", shown, interval(auc) or NONE, off)


def rates(report: Report) -> Table:
    """Tabulate the rates at the operating point for the headline task, by scope."""
    rows = [
        (place(r), *map(_rate, rates_of(r)))
        for r in report.results
        if is_headline(r) and r.sensitivity is not None
    ]
    return Table(
        "rates",
        "Patients, malignant versus benign, at the operating point",
        ("Where", *_rate_heads()),
        tuple(rows),
        note="Below each rate: Wilson's 95 % interval and the counts.",
    )


def _rate_heads() -> list[str]:
    return [FIGURE_WORDS[k][0].upper() + FIGURE_WORDS[k][1:] for k in RATES]


def _rate(found: RateEstimate | None) -> tuple[str, str]:
    if found is None or found.value is None:
        return estimate(found)
    return number(found.value), f"{remarked(found)}; {found.numerator}/{found.denominator}"


def lesion_rates(report: Report) -> Table:
    """Tabulate the pooled rates of the lesion tasks at a probability of 0.5."""
    rows = [
        (task(r), *map(_rate, rates_of(r)))
        for r in report.results
        if r.unit == "lesion" and r.scope == "pooled" and r.sensitivity is not None
    ]
    head = ("Task", *_rate_heads())
    note = (
        "Below each rate: the 95 % interval, which accounts for several lesions in one patient, "
        "and the counts. Wilson's interval, which ignores this, is in report.json."
    )
    caption = "Lesions, one class versus the rest, at 0.5, pooled"
    return Table("lesion-rates", caption, head, tuple(rows), note)


def everything(report: Report) -> Table:
    """Tabulate the AUC of every task and scope."""
    return Table(
        "all-auc",
        "AUC of every task at every site",
        ("Task", "Where", "n (positive)", "AUC (95 % CI)", "DeLong 95 % CI", BOUND_HEAD),
        tuple(_auc_row(r) for r in report.results),
        span=2,
    )


def fixed_points(report: Report) -> Table:
    """Tabulate figures read off the pooled curves: partial AUC, one rate at the other's value."""
    rows: list[tuple[object, ...]] = []
    for r in report.results:
        if r.scope != "pooled" or not is_headline(r):
            continue
        named: list[tuple[str, ReadAtSpecificity | ReadAtSensitivity]] = [
            *((f"Partial AUC, specificity from {f.specificity:g}", f) for f in r.partial_auc or ()),
            *((f"Sensitivity at specificity {f.specificity:g}", f) for f in r.sensitivity_at or ()),
            *((f"Specificity at sensitivity {f.sensitivity:g}", f) for f in r.specificity_at or ()),
        ]
        rows += [(name, number(f.value), _open(f)) for name, f in named]
        if (precision := r.average_precision) is not None:
            rows.append(("Average precision", number(precision.value), precision.reason or NONE))
    return Table(
        "fixed-points",
        "Patients: figures read off the pooled curves",
        ("Figure", "Value", "Range allowed by the released counts"),
        tuple(rows),
    )


def _open(f: ReadAtSpecificity | ReadAtSensitivity) -> str:
    if f.least is None or f.most is None:
        return f.reason or NONE
    return "this value only" if f.most - f.least < 5e-4 else f"{number(f.least)}–{number(f.most)}"


def more_rates(report: Report) -> Table:
    """Tabulate what follows from the counts at the operating point, pooled and by site."""
    rows = [
        (
            place(r),
            estimate(r.balanced_accuracy),
            estimate(r.likelihood_positive),
            estimate(r.likelihood_negative),
            estimate(r.f1),
            estimate(r.mcc),
        )
        for r in report.results
        if is_headline(r) and r.balanced_accuracy is not None
    ]
    head = ("Where", "Balanced accuracy", "LR+", "LR−", "F1", "MCC")
    note = (
        "LR+ and LR−: likelihood ratios, how much a call of malignant or benign changes the odds "
        "of "
        "malignancy. MCC: Matthews' correlation between calls and truth (1: perfect, 0: chance)."
    )
    return Table("more-rates", "Patients, further figures of the counts", head, tuple(rows), note)


def at_prevalence(report: Report) -> Table:
    """Tabulate predictive values at stated prevalences."""
    rows = [
        (f"{p.prevalence:.0%}", number(p.ppv), number(p.npv))
        for r in report.results
        if r.scope == "pooled" and is_headline(r)
        for p in r.at_prevalence or ()
    ]
    note = "Computed from the pooled sensitivity and specificity (Bayes' theorem)."
    head = ("Share malignant", "PPV", "NPV")
    return Table("prevalence", "Predictive values at a stated prevalence", head, tuple(rows), note)
