"""Three classes at once: confusion table, kappa, macro and Hand–Till AUC, clustered intervals."""

from typing import Any

import numpy as np
from hepafed.common.contract import Figure
from hepafed.common.statistics import (
    FIGURES,
    MEANS,
    Estimate,
    Intervals,
    Products,
    auc_from_intervals,
    estimates,
    f1_scores,
    kappa,
    matthews,
    products_with_exact_squares,
    recalls,
    sizes_of,
)
from hepafed.server.pooling.estimates import auc_json, estimate_json, rate_json, value_json
from hepafed.server.pooling.evidence import Evidence
from hepafed.server.pooling.results import row

Row = dict[str, Any]
MISSING = "a class is missing"
NOT_ASKED = "the second step, sums over patients, was not made with every site"


def pooled_means(
    known: Evidence, products: Products | None
) -> tuple[dict[str, Estimate | None], dict[str, Row]]:
    """Give clustered intervals by lesion task, and `macro` and `hand_till` of the pooled cohort."""
    cells = [known.cells[f] for f in FIGURES]
    size, clusters = known.section("size"), known.section("clusters")
    whole = [c for c in cells if not isinstance(c, str)]
    single: dict[str, Estimate | None] = {}
    means: dict[str, Estimate | None] = {}
    known_all = len(whole) == len(cells)
    if products is not None and known_all and size is not None and clusters is not None:
        sizes = sizes_of(whole, size, clusters)
        single, means = estimates(
            [auc_from_intervals(c) for c in whole],
            products_with_exact_squares(whole, products),
            products.real()[2],
            sizes,
        )
    made: dict[str, Row] = {}
    for name, members in MEANS.items():
        found = [known.cells[m] for m in members]
        made[name] = mean_json(name, found, means.get(name))
    return single, made


def mean_json(name: str, cells: list[Intervals | str], interval: Estimate | None) -> Row:
    """Give a mean of AUCs over classes; without an interval where none is known."""
    method = f"{name}, clustered by patient" if interval else name
    for c in cells:
        if isinstance(c, str):
            return auc_json(Figure(reason=c), method)
    aucs = [auc_from_intervals(c) for c in cells if not isinstance(c, str)]
    known = [a for a in aucs if a is not None]
    if len(known) < len(cells):
        return auc_json(Figure(reason=MISSING), method)
    value = sum(a.value for a in known) / len(known)
    error = sum(a.bound for a in known) / len(known)
    if interval is None or interval.se is None:
        return auc_json(Figure(value=value, reason=NOT_ASKED), method, error)
    figure = Figure(value=value, low=interval.low, high=interval.high, se=interval.se)
    return auc_json(figure, method, error)


def macro_row(scope: str, site: str | None, lesions: int, auc: Row) -> Row:
    """Make the `macro` row of `results`."""
    made = row(scope, site, "lesion", "macro", 0, lesions)
    return made | {"positives": None, "auc": auc}


def multiclass_row(scope: str, site: str | None, known: Evidence, means: dict[str, Row]) -> Row:
    """Make a row of `multiclass`."""
    made: Row = {"scope": scope, "site": site}
    size = known.section("size")
    made["n"] = int(size[1]) if size is not None else None
    table = known.section("confusion")
    if table is None:
        why = known.reason("confusion")
        made |= {"confusion": None, "accuracy": rate_json(None, None, why)}
        made |= {"kappa": estimate_json(None, why)}
        names = ("balanced_accuracy", "f1_macro", "f1_micro", "mcc")
        return made | {n: value_json(None, why) for n in names} | means
    hits, n = int(np.trace(table)), int(table.sum())
    return (
        made
        | {
            "confusion": table.tolist(),
            "accuracy": rate_json(hits, n),
            "kappa": estimate_json(kappa(table), "one class only, in truth and calls"),
            "balanced_accuracy": value_json(_mean(recalls(table)), MISSING),
            "f1_macro": value_json(_mean(f1_scores(table)), "a class neither true nor called"),
            "f1_micro": value_json(hits / n if n else None, "no cases"),
            "mcc": value_json(matthews(table), "truth or calls are all of one class"),
        }
        | means
    )


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
