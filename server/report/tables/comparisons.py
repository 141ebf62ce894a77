"""The tables of readers and comparisons, and where a reader stands on the ROC curve."""

from typing import Any

from hepafed.server.report.tables.results import Table
from hepafed.server.report.tables.words import NONE, figure, interval, number, task


def reader_name(column: str) -> str:
    """Name a reader by the column: `reader_a` is Reader a."""
    return "Reader " + column.removeprefix("reader_").replace("_", " ")


def reader_points(report: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Give (name, sensitivity, specificity) of each reader that has both."""
    found = []
    for r in report.get("readers") or []:
        sensitivity = (r.get("sensitivity") or {}).get("value")
        specificity = (r.get("specificity") or {}).get("value")
        if sensitivity is not None and specificity is not None:
            found.append((reader_name(r["reader"]), sensitivity, specificity))
    return found


def p_value(p: float | None) -> str:
    """Write a p value: three places, never 0."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _rate(values: dict[str, Any] | None) -> tuple[str, str]:
    values = values or {}
    if values.get("value") is None:
        return NONE, str(values.get("reason", ""))
    return number(values["value"]), interval(values)


def readers(report: dict[str, Any]) -> Table:
    """Tabulate each reader beside the model, on the reader's own patients."""
    rows: list[tuple[object, ...]] = []
    for r in report.get("readers") or []:
        held = r.get("non_inferiority") or {}
        for kind in ("sensitivity", "specificity"):
            rows.append(
                (
                    reader_name(r["reader"]),
                    kind.capitalize(),
                    _rate(r.get(kind)),
                    _rate(r.get(f"model_{kind}")),
                    _rate(r.get(f"{kind}_difference")),
                    p_value(r.get(f"{kind}_mcnemar_exact_p")),
                    _shown(held.get(kind), held.get("margin")),
                )
            )
    head = ("Who", "Rate", "Reader", "Model", "Model − reader", "McNemar p", "Not inferior")
    note = (
        "Rates with Wilson's 95 % interval on the patients that the reader judged; the p values "
        "are of McNemar's exact test and not adjusted for the number of readers. Not inferior: the "
        "interval of model − reader is above −margin; asked only where a margin was stated."
    )
    return Table(
        "readers", "Readers and the model at the operating point", head, tuple(rows), note, 2
    )


def agreement(report: dict[str, Any]) -> Table:
    """Tabulate kappa of each reader with the model and of the readers with each other."""
    rows: list[tuple[object, ...]] = [
        (f"{reader_name(r['reader'])} and the model", r["n"], figure(r["kappa_with_model"]))
        for r in report.get("readers") or []
        if (r.get("kappa_with_model") or {}).get("value") is not None
    ]
    for pair in report.get("reader_agreement") or []:
        names = " and ".join(reader_name(n) for n in pair["readers"])
        rows.append((names, pair["n"], figure(pair["kappa"])))
    head = ("Who", "Patients", "Kappa (95 % CI)")
    return Table("agreement", "Agreement on malignancy", head, tuple(rows))


def comparisons(report: dict[str, Any]) -> Table:
    """Tabulate pairs of models on the same cases, pooled."""
    rows = [
        (
            _pair(c),
            task(c),
            _rate(c.get("auc_first")),
            _rate(c.get("auc_second")),
            _rate(c.get("difference")),
            p_value(c.get("p_holm")),
            p_value((c.get("mcnemar") or {}).get("p_holm")),
            _held(c),
        )
        for c in _compared(report, "pooled")
    ]
    methods = dict.fromkeys(str(c["method"]) for c in _compared(report, "pooled"))
    head = (
        "Models",
        "Task",
        "AUC, first",
        "AUC, second",
        "Second − first",
        "DeLong p",
        "McNemar p",
        "First not inferior",
    )
    note = (
        "On the cases that every compared model could score. Paired tests of DeLong (AUC; "
        f"{'; '.join(methods)}) and McNemar (patients right or wrong at each model's operating "
        "point); p values are adjusted after Holm for the number of pairs of models. First not "
        "inferior: the second's gain, its interval whole, is below the margin."
    )
    return Table("comparisons", "Models on the same cases", head, tuple(rows), note, 2)


def comparisons_by_site(report: dict[str, Any]) -> Table:
    """Tabulate what each site found of the patients' task."""
    rows = [
        (
            _pair(c),
            str(c["site"]),
            c["n"],
            _rate(c.get("auc_first")),
            _rate(c.get("auc_second")),
            _rate(c.get("difference")),
            p_value(c.get("p_holm")),
        )
        for c in _compared(report, "site")
        if c["unit"] == "patient"
    ]
    head = ("Models", "Site", "Patients", "AUC, first", "AUC, second", "Second − first", "DeLong p")
    note = "Malignant against benign, by site; lesion tasks are in comparisons.csv."
    return Table("comparisons-by-site", "Models at each site", head, tuple(rows), note, 2)


def _compared(report: dict[str, Any], scope: str) -> list[dict[str, Any]]:
    return [c for c in report.get("comparisons") or [] if c["scope"] == scope]


def _pair(comparison: dict[str, Any]) -> str:
    return f"{comparison['first']} vs {comparison['second']}"


def _held(comparison: dict[str, Any]) -> object:
    held = comparison.get("non_inferiority") or {}
    return _shown(held.get("holds"), held.get("margin"))


def _shown(holds: bool | None, margin: float | None) -> object:
    """Say whether non-inferiority was shown, with the margin below."""
    if holds is None or margin is None:
        return NONE
    return "shown" if holds else "not shown", f"margin {margin:g}"
