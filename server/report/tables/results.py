"""The tables of cohorts, discrimination and rates."""

from collections.abc import Callable
from functools import partial

from hepafed.common.statistics import FEWEST
from hepafed.server.formats import (
    AtPrevalence,
    IntervalEstimate,
    RateEstimate,
    ReadAtSensitivity,
    ReadAtSpecificity,
    Report,
    ResultRow,
    covering,
)
from hepafed.server.report.tables.rounding import auc_places, percent, stated_percent
from hepafed.server.report.tables.table import BOUND_HEAD, Table, estimate, is_headline
from hepafed.server.report.tables.words import (
    FIGURE_WORDS,
    NONE,
    bound,
    figure,
    interval,
    number,
    place,
    task,
    value_of,
)

NO_WIDTH = "no interval can be given"
RATES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def rates_of(r: ResultRow) -> tuple[RateEstimate | None, ...]:
    """Return the rates of a row in the order of `RATES`."""
    return r.sensitivity, r.specificity, r.ppv, r.npv, r.accuracy


def key_figures(report: Report) -> Table:
    """Tabulate what the page opens with: AUC, sensitivity and specificity, pooled."""
    found = next((r for r in report.results if r.scope == "pooled" and is_headline(r)), None)
    named = () if found is None else (found.auc, found.sensitivity, found.specificity)
    rows = tuple(
        (name, estimate(values, auc_places(report)))
        for name, values in zip(("AUC", "Sensitivity", "Specificity"), named, strict=False)
    )
    caption = f"Malignant versus benign per patient, {over_sites(report)}, with 95 % intervals"
    return Table("key-figures", caption, ("Figure", "Value"), rows)


def rows_shown(report: Report) -> list[ResultRow]:
    """Return the rows that tables and figures show: of one site there is no mean of the sites."""
    return [r for r in report.results if r.scope != "site-mean" or len(report.sites) > 1]


def over_sites(report: Report) -> str:
    """Say whose patients a pooled figure counts: `pooled over 3 sites`, or `of 1 site`."""
    n = len(report.sites)
    return "of 1 site" if n == 1 else f"pooled over {n} sites"


def discrimination(report: Report) -> Table:
    """Tabulate the pooled AUC of every task, and every scope of the headline task."""
    places = auc_places(report)
    shown = [r for r in rows_shown(report) if r.scope == "pooled" or is_headline(r)]
    rows = [_auc_row(r, places) for r in shown]
    return Table(
        "auc",
        "Discrimination: area under the ROC curve",
        ("Task", "Where", "n (positive)", "AUC (95 % CI)", "DeLong 95 % CI", BOUND_HEAD),
        tuple(rows),
        note=_auc_note(report),
        span=2,
    )


def _auc_note(report: Report) -> str:
    """Say what holds of the AUCs of this report, each sentence where its fact is there."""
    said = []
    rows = [r for r in report.results if r.auc.value is not None]
    if any("logit" in covering(r.auc).method for r in rows):
        said.append(
            "The 95 % CI beside the AUC is the one that is judged. It is made on the logit scale, "
            "because DeLong's interval is too narrow at a high AUC of few cases. DeLong's is for "
            "comparison with other software only."
        )
    if any(r.auc.clustered and r.auc.clustered.low is not None for r in rows):
        said.append(
            "Where a patient has several lesions, it accounts for that (Obuchowski; computed from "
            "the scores in bins); DeLong's does not."
        )
    if report.noise is not None:
        said.append(
            "The pooled AUC comes from counts with noise in few cells of the score. Its interval "
            "includes the noise and the chance of the sample, but not the pooling error, which is "
            "that of the cells."
        )
    elif report.provenance.run:
        if any(r.scope == "pooled" and r.auc.value is not None for r in report.results):
            said.append(
                "Pooled AUCs come from counts, not scores: the AUC of the scores lies within the "
                "pooling error."
            )
        if any(r.scope == "site" and r.auc.value is not None for r in report.results):
            said.append("A site's own AUC is that of its scores.")
    return " ".join(said)


def _auc_row(r: ResultRow, places: int) -> tuple[object, ...]:
    auc = r.auc
    positives = "" if r.positives is None else f" ({r.positives:,})"
    chosen = covering(auc)
    why = auc.reason if chosen.low is None else ""
    shown: object = (figure(auc, places), chosen.warning or why)
    off = bound(auc) if r.scope == "pooled" else "0"
    if auc.value is None:
        shown, off = (NONE, auc.reason), NONE
    return (task(r), place(r), f"{r.n:,}{positives}", shown, interval(auc, places) or NONE, off)


def rates(report: Report) -> Table:
    """Tabulate the rates at the operating point for the headline task, by scope."""
    rows = [
        (place(r), *map(estimate, rates_of(r)))
        for r in report.results
        if is_headline(r) and r.sensitivity is not None
    ]
    return Table(
        "rates",
        "Patients, malignant versus benign, at the operating point",
        ("Where", *_rate_heads()),
        tuple(rows),
        note="Below each rate: Wilson's 95 % interval and the counts."
        if report.noise is None
        else "Below each rate: Wilson's 95 % interval, widened by the noise in the counts.",
    )


def _rate_heads() -> list[str]:
    return [FIGURE_WORDS[k][0].upper() + FIGURE_WORDS[k][1:] for k in RATES]


def everything(report: Report) -> Table:
    """Tabulate the AUC of every task and scope."""
    return Table(
        "all-auc",
        "AUC of every task at every site",
        ("Task", "Where", "n (positive)", "AUC (95 % CI)", "DeLong 95 % CI", BOUND_HEAD),
        tuple(_auc_row(r, auc_places(report)) for r in rows_shown(report)),
        span=2,
    )


def fixed_points(report: Report) -> Table:
    """Tabulate figures read off the pooled curves: one rate at the other's value, partial AUC."""
    rows: list[tuple[object, ...]] = []
    places = auc_places(report)
    for r in report.results:
        if r.scope != "pooled" or not is_headline(r):
            continue
        positives = r.positives or 0
        for f in r.sensitivity_at or ():
            held = f"Sensitivity at specificity {stated_percent(f.specificity)}"
            rows.append((held, f"{positives:,} malignant", *_at_fixed(f, positives)))
        for g in r.specificity_at or ():
            held = f"Specificity at sensitivity {stated_percent(g.sensitivity)}"
            benign = r.n - positives
            rows.append((held, f"{benign:,} benign", *_at_fixed(g, benign)))
        for f in r.partial_auc or ():
            value = NONE if f.value is None else value_of(f.value, places)
            left = _open(f, partial(number, places=places))
            named = f"Partial AUC, specificity from {stated_percent(f.specificity)}"
            rows.append((named, f"{r.n:,}", value, NONE, left))
        if (precision := r.average_precision) is not None:
            shown = NONE if precision.value is None else value_of(precision.value, 3)
            left = precision.reason or NONE
            rows.append(("Average precision", f"{r.n:,}", shown, NONE, left))
    return Table(
        "fixed-points",
        "Patients: figures read off the pooled curves",
        ("Figure", "n", "Value", "95 % CI", "Range allowed by the released counts"),
        tuple(rows),
        note="The intervals allow for a threshold that is itself estimated. A dash: "
        f"fewer than {FEWEST} patients lie beyond the fixed rate, or no method is given.",
    )


def _at_fixed(f: ReadAtSpecificity | ReadAtSensitivity, cases: int) -> tuple[str, str, str]:
    """Return value, interval and what the cells leave open, in percent of `cases`."""
    if f.value is None:
        return NONE, NONE, f.reason or NONE
    ends = NONE
    if f.low is not None and f.high is not None:
        ends = f"{percent(f.low, cases)} to {percent(f.high, cases)}"
    return percent(f.value, cases), ends, _open(f, partial(percent, cases=cases))


def _open(f: ReadAtSpecificity | ReadAtSensitivity, shown: Callable[[float], str]) -> str:
    if f.least is None or f.most is None:
        return f.reason or NONE
    if f.most - f.least < 5e-4:
        return "this value only"
    return f"{shown(f.least)} to {shown(f.most)}"


def more_rates(report: Report) -> Table:
    """Tabulate what follows from the counts at the operating point, pooled and by site."""
    rows = [
        (
            place(r),
            estimate(r.balanced_accuracy),
            _ratio(r.likelihood_positive),
            _ratio(r.likelihood_negative),
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
        "malignancy. MCC: Matthews' correlation between calls and truth (1: perfect, 0: chance). "
        "Below a figure: its 95 % interval."
    )
    return Table("more-rates", "Patients, further figures of the counts", head, tuple(rows), note)


def _ratio(found: IntervalEstimate | None) -> tuple[str, str]:
    """Return a likelihood ratio as a cell; an interval without width is none."""
    if found is not None and found.value is not None and found.low == found.high is not None:
        return estimate(IntervalEstimate(value=found.value, low=None, high=None, reason=NO_WIDTH))
    return estimate(found)


def at_prevalence(report: Report) -> Table:
    """Tabulate predictive values at stated prevalences."""
    rows = [
        (stated_percent(p.prevalence), *_predictive(p, r.n))
        for r in report.results
        if r.scope == "pooled" and is_headline(r)
        for p in r.at_prevalence or ()
    ]
    note = (
        "Computed from the pooled sensitivity and specificity (Bayes' theorem), and the 95 % "
        "intervals from theirs. The stated share itself is taken as known."
    )
    head = ("Share malignant", "PPV (95 % CI)", "NPV (95 % CI)")
    return Table("prevalence", "Predictive values at a stated prevalence", head, tuple(rows), note)


def _predictive(p: AtPrevalence, cases: int) -> tuple[str, str]:
    """Write both predictive values in percent, as those of the cohort itself."""
    found = ((p.ppv, p.ppv_low, p.ppv_high), (p.npv, p.npv_low, p.npv_high))
    ppv, npv = (_in_percent(*ends, cases) for ends in found)
    return ppv, npv


def _in_percent(value: float | None, low: float | None, high: float | None, cases: int) -> str:
    if value is None:
        return NONE
    shown = percent(value, cases)
    if low is None or high is None:
        return shown
    ends = f"{percent(low, cases).removesuffix(' %')}–{percent(high, cases).removesuffix(' %')}"
    return f"{shown} ({ends})"
