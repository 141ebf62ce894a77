"""The tables of the page, as rows of text and numbers."""

from dataclasses import dataclass
from typing import Any

from hepafed.common.contract import CLASS_KEYS
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

RATES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
HEADLINE = ("patient", "malignant_vs_benign")
CLASS_WORDS = tuple(k.replace("_", " ") for k in CLASS_KEYS)


@dataclass(frozen=True)
class Table:
    """A table: a cell is text, a number, or (value, small print below it)."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    note: str = ""
    span: int = 1
    """How many cells of each row name it."""


def sites(report: dict[str, Any]) -> Table:
    """Tabulate the sites: patients, lesions by class, what they released."""
    rows = []
    for s in report["sites"]:
        counts = [s["by_class"].get(k) for k in CLASS_KEYS]
        rows.append((s["site"], s["patients"], s["lesions"], *counts))
    if len(rows) > 1:
        total = [sum(s[k] for s in report["sites"]) for k in ("patients", "lesions")]
        by_class = [_sum([s["by_class"].get(k) for s in report["sites"]]) for k in CLASS_KEYS]
        rows.append(("All sites", *total, *by_class))
    head = ("Site", "Patients", "Lesions", *(w.capitalize() for w in CLASS_WORDS))
    return Table("cohorts", "Patients and lesions by site and class", head, tuple(rows))


def _sum(values: list[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if len(known) == len(values) else None


def discrimination(report: dict[str, Any]) -> Table:
    """Tabulate the pooled AUC of every task, and every scope of the headline task."""
    rows = []
    for r in report["results"]:
        headline = (r["unit"], r["task"]) == HEADLINE
        if r["scope"] == "pooled" or headline:
            rows.append(_auc_row(r))
    return Table(
        "auc",
        "Discrimination: area under the ROC curve",
        ("Task", "Where", "n (positive)", "AUC (95 % CI)", "DeLong 95 % CI", "Bound"),
        tuple(rows),
        note="The first interval is the clustered one where lesions share a patient, otherwise "
        "DeLong's. Bound: how far the pooled value can be from that of the scores themselves; "
        "a site's own value is exact.",
        span=2,
    )


def _auc_row(r: dict[str, Any]) -> tuple[object, ...]:
    auc = r["auc"]
    positives = "" if r["positives"] is None else f" ({r['positives']:,})"
    shown: object = figure(preferred(auc))
    off = bound(auc) if r["scope"] == "pooled" else "exact"
    if auc["value"] is None:
        shown = (NONE, auc.get("reason", ""))
    return (task(r), place(r), f"{r['n']:,}{positives}", shown, interval(auc) or NONE, off)


def rates(report: dict[str, Any]) -> Table:
    """Tabulate the rates at the operating point for the headline task, by scope."""
    rows = []
    for r in report["results"]:
        if (r["unit"], r["task"]) == HEADLINE and r.get("sensitivity"):
            rows.append((place(r), *(_rate(r.get(k) or {}) for k in RATES)))
    head = ("Where", *(FIGURE_WORDS[k][0].upper() + FIGURE_WORDS[k][1:] for k in RATES))
    return Table(
        "rates",
        "Patients, malignant versus benign, at the operating point",
        head,
        tuple(rows),
        note="Wilson's 95 % interval and the counts below each rate.",
    )


def _rate(values: dict[str, Any]) -> tuple[str, str]:
    if values.get("value") is None:
        return NONE, str(values.get("reason", ""))
    counts = f"{values['numerator']}/{values['denominator']}"
    return number(values["value"]), f"{interval(values)}; {counts}"


def lesion_rates(report: dict[str, Any]) -> Table:
    """Tabulate the pooled rates of the lesion tasks at a probability of 0.5."""
    rows = [
        (task(r), *(_rate(r.get(k) or {}) for k in RATES))
        for r in report["results"]
        if r["unit"] == "lesion" and r["scope"] == "pooled" and r.get("sensitivity")
    ]
    head = ("Task", *(FIGURE_WORDS[k][0].upper() + FIGURE_WORDS[k][1:] for k in RATES))
    return Table(
        "lesion-rates", "Lesions, one class versus the rest, at 0.5, pooled", head, tuple(rows)
    )


def confusion(report: dict[str, Any]) -> Table:
    """Tabulate lesions by true class and called class, pooled and by site."""
    pooled = [
        {"site": "Pooled", "counts": m["confusion"], "reason": m.get("reason", "")}
        for m in report.get("multiclass") or []
        if m["scope"] == "pooled"
    ]
    rows: list[tuple[object, ...]] = []
    for s in [*pooled, *report["confusion"]]:
        if not s["counts"]:
            rows.append((s["site"], (NONE, s["reason"]), NONE, NONE, NONE))
            continue
        for name, counts in zip(CLASS_WORDS, s["counts"], strict=True):
            rows.append((s["site"], name, *counts))
    head = ("Site", "Truth", *(f"Called {w}" for w in CLASS_WORDS))
    caption = "Lesions: true class against the most probable class"
    return Table("confusion", caption, head, tuple(rows), span=2)


def everything(report: dict[str, Any]) -> Table:
    """Tabulate the AUC of every task and scope."""
    rows = tuple(_auc_row(r) for r in report["results"])
    return Table(
        "all-auc",
        "AUC of every task at every site",
        ("Task", "Where", "n (positive)", "AUC (95 % CI)", "DeLong 95 % CI", "Bound"),
        rows,
        span=2,
    )


def endpoints(report: dict[str, Any]) -> Table:
    """Tabulate what was promised and what came of it."""
    promised = report.get("evaluation") or {"endpoints": []}
    rows = []
    for e in promised["endpoints"]:
        goal = NONE
        if e.get("margin") is not None:
            goal = f"not inferior to {e['against']}, margin {e['margin']:g}"
        elif e.get("at_least") is not None:
            goal = f"at least {e['at_least']:g}"
        shown = figure(e)
        if e.get("difference") is not None:
            ends = {"low": e.get("difference_low"), "high": e.get("difference_high")}
            shown = f"difference {figure({'value': e['difference'], **ends})}"
        rows.append(
            (
                f"{task(e)}, {FIGURE_WORDS[e['figure']]}",
                "primary" if e["primary"] else "secondary",
                goal,
                shown,
                (e["verdict"], e.get("why", "")),
            )
        )
    return Table(
        "endpoints",
        "Endpoints named beforehand",
        ("Endpoint", "Kind", "Goal", "Found", "Verdict"),
        tuple(rows),
    )


def fixed_points(report: dict[str, Any]) -> Table:
    """Tabulate figures read off the pooled curves: partial AUC, one rate at the other's value."""
    kinds = (
        ("partial_auc", "Partial AUC, specificity from {:g}", "specificity"),
        ("sensitivity_at", "Sensitivity at specificity {:g}", "specificity"),
        ("specificity_at", "Specificity at sensitivity {:g}", "sensitivity"),
    )
    rows: list[tuple[object, ...]] = []
    for r in report["results"]:
        if r["scope"] != "pooled" or (r["unit"], r["task"]) != HEADLINE:
            continue
        for key, words, at in kinds:
            for f in r.get(key) or []:
                rows.append((words.format(f[at]), number(f["value"]), _open(f)))
        precision = r.get("average_precision") or {}
        if precision:
            shown: object = number(precision["value"])
            rows.append(("Average precision", shown, precision.get("reason", NONE)))
    return Table(
        "fixed-points",
        "Patients: figures read off the pooled curves",
        ("Figure", "Value", "What the released cells leave open"),
        tuple(rows),
    )


def _open(f: dict[str, Any]) -> str:
    least, most = f.get("least"), f.get("most")
    if least is None or most is None:
        return str(f.get("reason", NONE))
    return "nothing" if most - least < 5e-4 else f"{number(least)}–{number(most)}"


def more_rates(report: dict[str, Any]) -> Table:
    """Tabulate what follows from the counts at the operating point, pooled and by site."""
    keys = ("balanced_accuracy", "likelihood_positive", "likelihood_negative", "f1", "mcc")
    rows = [
        (place(r), *(estimate(r.get(k)) for k in keys))
        for r in report["results"]
        if (r["unit"], r["task"]) == HEADLINE and r.get("balanced_accuracy")
    ]
    head = ("Where", "Balanced accuracy", "LR+", "LR−", "F1", "MCC")
    note = "LR: likelihood ratio. MCC: Matthews' correlation."
    return Table("more-rates", "Patients, further figures of the counts", head, tuple(rows), note)


def estimate(values: dict[str, Any] | None) -> object:
    """Give an estimate as a cell: the value, its interval or the reason below."""
    if not values or values.get("value") is None:
        return NONE, (values or {}).get("reason", "")
    return number(values["value"]), interval(values)


def at_prevalence(report: dict[str, Any]) -> Table:
    """Tabulate predictive values at stated prevalences."""
    rows = [
        (f"{p['prevalence']:.0%}", _either(p.get("ppv")), _either(p.get("npv")))
        for r in report["results"]
        if r["scope"] == "pooled" and (r["unit"], r["task"]) == HEADLINE
        for p in r.get("at_prevalence") or []
    ]
    note = "From the pooled sensitivity and specificity (Bayes); other mixes give other values."
    head = ("Share malignant", "PPV", "NPV")
    return Table("prevalence", "Predictive values at a stated prevalence", head, tuple(rows), note)


def _either(value: Any) -> object:  # noqa: ANN401 - a number, or an object with an interval
    return estimate(value) if isinstance(value, dict) else number(value)


def multiclass(report: dict[str, Any]) -> Table:
    """Tabulate the three-class figures of lesions."""
    keys = ("macro", "hand_till", "accuracy", "kappa", "balanced_accuracy", "f1_macro", "mcc")
    rows = [
        (place(m), m["n"], *(estimate(m.get(k)) for k in keys))
        for m in report.get("multiclass") or []
    ]
    head = ("Where", "n", "Macro AUC", "Hand–Till", "Accuracy", "Kappa", "Bal. acc.", "F1", "MCC")
    note = "Class with the largest probability, except the AUCs. F1 is the mean over the classes."
    return Table("multiclass", "Lesions, three classes", head, tuple(rows), note)
