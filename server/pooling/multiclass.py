"""Three classes at once: confusion table, kappa, macro and Hand–Till AUC, clustered intervals."""

from collections.abc import Iterable, Mapping

import numpy as np
from hepafed.common.contract import Figure
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure import POOLED_ONLY
from hepafed.common.statistics import (
    FIGURES,
    MEANS,
    Auc,
    Estimate,
    Products,
    auc_from_intervals,
    clustered_kappa,
    estimates,
    f1_scores,
    kappa,
    matthews,
    products_with_exact_squares,
    recalls,
    right_interval,
    sizes_of,
)
from hepafed.server.formats import (
    AucEstimate,
    ConfusionRow,
    MulticlassRow,
    PatientInterval,
    ResultRow,
)
from hepafed.server.pooling.caution import as_patients
from hepafed.server.pooling.estimates import (
    auc_estimate,
    ends_of,
    interval_estimate,
    patient_intervals,
    point_estimate,
    rate_estimate,
    settled,
    site_intervals,
)
from hepafed.server.pooling.evidence import SUPPRESSED, Evidence
from numpy.typing import NDArray

MISSING = "a class is missing"
NOT_ASKED = "not every site sent the sums over patients that an interval needs"


def pooled_means(
    known: Evidence, products: Products | None
) -> tuple[dict[str, Estimate | None], dict[str, AucEstimate]]:
    """Return clustered intervals by lesion task, and the pooled `macro` and `hand_till`."""
    cells = [known.cells[f] for f in FIGURES]
    size, clusters = known.section("size"), known.section("clusters")
    whole = [c for c in cells if not isinstance(c, str)]
    single: dict[str, Estimate | None] = {}
    means: dict[str, Estimate | None] = {}
    known_all = len(whole) == len(cells)
    aucs = [auc_from_intervals(c) for c in whole]
    if products is not None and known_all and size is not None and clusters is not None:
        sizes = sizes_of(whole, size, clusters)
        single, means = estimates(
            aucs,
            products_with_exact_squares(whole, products),
            products.real()[2],
            sizes,
        )
    made: dict[str, AucEstimate] = {}
    held = (f for f in FIGURES if not isinstance(known.cells[f], str))
    each = dict(zip(held, aucs, strict=True))
    for name, members in MEANS.items():
        gone = [c for m in members if isinstance(c := known.cells[m], str)]
        found = gone[0] if gone else [each[m] for m in members]
        made[name] = mean_auc(name, found, means.get(name), size)
    return single, made


def no_mean(reasons: Iterable[str]) -> str:
    """Return why there is no mean over sites, by why each site has no mean over its classes."""
    found = dict.fromkeys(reasons)
    return "no site has every class" if set(found) <= {MISSING} else "; ".join(found)


def mean_auc(
    name: str,
    aucs: list[Auc | None] | str,
    interval: Estimate | None,
    size: NDArray[np.int64] | None = None,
) -> AucEstimate:
    """Return a mean of AUCs over classes; without an interval where none is known.

    `aucs` are its members', or why they are not known.
    """
    method = f"{name}, clustered by patient" if interval else name
    if isinstance(aucs, str):
        return auc_estimate(Figure(reason=aucs), method)
    known = [a for a in aucs if a is not None]
    if len(known) < len(aucs):
        return auc_estimate(Figure(reason=MISSING), method)
    value = sum(a.value for a in known) / len(known)
    fewest = min(((a.positives, a.negatives) for a in known), key=min)
    rarest = as_patients("lesion", fewest, None if size is None else size.tolist())
    error = sum(a.bound for a in known) / len(known)
    if interval is None or interval.se is None:
        return auc_estimate(Figure(value=value, reason=NOT_ASKED), method, error)
    figure = Figure(value=value, low=interval.low, high=interval.high, se=interval.se)
    return settled(auc_estimate(figure, method, error, interval.adjusted), rarest)


def own_means(summary: SiteSummary) -> dict[str, AucEstimate]:
    """Return the means over classes as a summary states them."""
    gone = Figure(reason=POOLED_ONLY if summary.form == "masked" else SUPPRESSED)
    rarest = min(summary.by_class.values(), default=0)
    size = (summary.patients, summary.lesions)
    cases = as_patients("lesion", (rarest, summary.lesions - rarest), size)
    return {
        n: settled(
            auc_estimate(
                summary.figures.get(n, gone),
                f"{n}, clustered by patient",
                adjusted=ends_of(summary.figures.get(f"{n}_logit")),
            ),
            cases,
        )
        for n in MEANS
    }


def macro_row(scope: str, site: str | None, lesions: int, auc: AucEstimate) -> ResultRow:
    """Return the `macro` row of `results`."""
    return ResultRow(
        scope=scope, site=site, unit="lesion", task="macro", n=lesions, positives=None, auc=auc
    )


def multiclass_row(
    scope: str,
    site: str | None,
    known: Evidence,
    means: Mapping[str, AucEstimate],
    own: Mapping[str, Figure] | None = None,
) -> MulticlassRow:
    """Return a row of `multiclass`; where the confusion table is withheld its figures are, too.

    `own` are the figures of the site, None for all sites.
    """
    size, table = known.section("size"), known.section("confusion")
    why = known.reason("confusion")
    hits = n = balanced = macro_f1 = agreement = mcc = None
    if table is not None:
        hits, n = int(np.trace(table)), int(table.sum())
        balanced, macro_f1 = _mean(recalls(table)), _mean(f1_scores(table))
        agreement, mcc = kappa(table), matthews(table)
    clustered = _pooled_intervals(known) if own is None else site_intervals(own)
    one_class = "one class only, in truth and calls"
    return MulticlassRow(
        scope=scope,
        site=site,
        n=int(size[1]) if size is not None else None,
        confusion=None if table is None else _rows(table),
        accuracy=rate_estimate(hits, n, why, clustered["accuracy"]),
        kappa=interval_estimate(agreement, why or one_class, clustered["kappa"]),
        balanced_accuracy=point_estimate(balanced, why or MISSING),
        f1_macro=point_estimate(macro_f1, why or "a class neither true nor called"),
        f1_micro=point_estimate(hits / n if hits is not None and n else None, why or "no cases"),
        mcc=point_estimate(mcc, why or "truth or calls are all of one class"),
        macro=means["macro"],
        hand_till=means["hand_till"],
    )


def _pooled_intervals(known: Evidence) -> dict[str, PatientInterval]:
    """Return the intervals of accuracy and kappa over the patients of all sites."""
    table, products = known.section("confusion"), known.section("confusion_products")
    if table is None or products is None:
        return patient_intervals(known.reason("confusion") or known.reason("confusion_products"))
    found = {
        "accuracy": right_interval(table, products),
        "kappa": clustered_kappa(table, products),
    }
    return patient_intervals({n: f for n, f in found.items() if f is not None})


def confusion_row(site: str | None, known: Evidence) -> ConfusionRow:
    """Return a row of `confusion`."""
    table = known.section("confusion")
    counts = None if table is None else _rows(table)
    return ConfusionRow(site=site, counts=counts, reason=known.reason("confusion"))


def _rows(table: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in table.tolist())


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
