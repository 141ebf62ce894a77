"""The tables that look across sites: heterogeneity, calibration, drift, subgroups, releases."""

from typing import Any

from hepafed.server.report.tables.results import HEADLINE, Table, estimate
from hepafed.server.report.tables.words import (
    FORM_WORDS,
    NONE,
    figure,
    interval,
    number,
    place,
    task,
)


def heterogeneity(report: dict[str, Any]) -> Table:
    """Tabulate random effects, I², τ² and the prediction interval of every task."""
    rows: list[tuple[object, ...]] = []
    for h in report["heterogeneity"]:
        if h.get("value") is None:
            rows.append((task(h), h["sites"], (NONE, h.get("reason", "")), NONE, NONE, NONE))
            continue
        ends = h.get("prediction") or {}
        predicted: object = interval(ends) or (NONE, ends.get("reason", ""))
        spread = (f"{100 * h['i2']:.0f} %", number(h["tau2"]))
        rows.append((task(h), h["sites"], figure(h), predicted, *spread))
    head = ("Task", "Sites", "Mean AUC (95 % CI)", "95 % prediction interval", "I²", "τ²")
    return Table("heterogeneity", "Random effects on the logit AUC", head, tuple(rows))


def leave_one_out(report: dict[str, Any]) -> Table:
    """Tabulate the headline task without each site in turn."""
    rows = [
        (o["without"], figure(o), figure(o.get("pooled")), number(o.get("i2")), number(o["tau2"]))
        for h in report["heterogeneity"]
        if (h["unit"], h["task"]) == HEADLINE
        for o in h.get("leave_one_out") or []
        if o.get("value") is not None
    ]
    head = ("Without", "Random effects AUC (95 % CI)", "Pooled AUC (95 % CI)", "I²", "τ²")
    return Table("leave-one-out", "Leaving out one site, patients", head, tuple(rows))


def calibration(report: dict[str, Any]) -> Table:
    """Tabulate calibration: all scopes of the headline task, the pooled of the others."""
    keys = ("slope", "intercept", "in_the_large", "brier", "ece")
    rows = [
        (task(c), place(c), *(estimate(c.get(k)) for k in keys))
        for c in report.get("calibration") or []
        if c.get("scope") == "pooled" or (c["unit"], c["task"]) == HEADLINE
    ]
    head = ("Task", "Where", "Slope", "Intercept", "In the large", "Brier", "ECE")
    note = "Slope 1 and intercept 0 are perfect. ECE: expected calibration error over tenths."
    return Table("calibration", "Calibration", head, tuple(rows), note, span=2)


def drift(report: dict[str, Any]) -> Table:
    """Tabulate how far each site's scores are from those of the tuning data."""
    rows = [
        (
            d.get("site") or "Pooled",
            task(d),
            d.get("class", NONE),
            number(d.get("psi")),
            number(d.get("ks")),
            d.get("reason", ""),
        )
        for d in report.get("drift") or []
    ]
    head = ("Site", "Task", "Class", "PSI", "KS", "Remark")
    note = "PSI: population stability index; above 0.25 is usually called a shift. KS: largest gap."
    return Table("drift", "Scores against those of the tuning data", head, tuple(rows), note)


def released(report: dict[str, Any]) -> Table:
    """Tabulate what form each site's histograms took, its smallest cell, what it withheld."""
    forms = {f["site"]: f for f in report.get("forms") or []}
    rows = []
    for s in report["sites"]:
        f = forms.get(s["site"]) or {}
        form = str(f.get("form") or s.get("form") or "")
        shown = FORM_WORDS.get(form, form) or NONE
        if f.get("sum_over"):
            shown = f"masked; summed over {', '.join(f['sum_over'])}"
        held = [x["what"] for x in report["suppressed"] if x["site"] == s["site"]]
        smallest = number(f.get("minimum_count"))
        rows.append(
            (s["site"], (shown, f.get("reason", "")), smallest, "; ".join(held) or "nothing")
        )
    head = ("Site", "Histograms of scores", "Smallest cell", "Withheld")
    return Table("released", "What each site released, and in which form", head, tuple(rows))


def subgroups(report: dict[str, Any]) -> Table:
    """Tabulate figures by subgroup, each level pooled first; what is withheld says so."""
    rows = [
        (
            f"{g['variable'].replace('_', ' ')}: {g['level']}",
            _where(g),
            number(g["n"]),
            number(g["positives"]),
            (figure(g["auc"]), g["auc"].get("reason", "")),
            figure(g["sensitivity"]),
            figure(g["specificity"]),
        )
        for g in report.get("subgroups") or []
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
    note = (
        "Patients, malignant versus benign. Pooled: counts of the sites that released the level, "
        "and random effects over their AUCs. A dash is withheld, or cannot be computed."
    )
    return Table("subgroups", "Figures by subgroup", head, tuple(rows), note, span=2)


def _where(row: dict[str, Any]) -> object:
    """Name where a row is from, and which sites are not in it."""
    gone = row.get("withheld_by") or []
    return (place(row), f"without {', '.join(gone)}") if gone else place(row)
