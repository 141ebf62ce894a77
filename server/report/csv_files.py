"""The tables of a report as CSV files: results, sites, curves, and a file for each list of rows."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from hepafed.common.contract import CLASS_KEYS, LEFT_OUT
from hepafed.common.records import write_record
from hepafed.server.formats import (
    AucEstimate,
    IntervalEstimate,
    RateEstimate,
    Report,
    ResultRow,
    SiteRow,
    covering,
)
from hepafed.server.report.tables import preferred, shown

KEY = ("scope", "site", "unit", "task")
"""Columns that name a row of `results`."""
Points = tuple[tuple[float, ...], ...]
CURVES: Mapping[str, tuple[tuple[str, str], Callable[[ResultRow], Points | None]]] = {
    "roc": (("false_positive_rate", "sensitivity"), lambda r: r.roc),
    "pr": (("recall", "precision"), lambda r: r.pr),
}
"""Lists of points in a result: the names of their columns, and where they stand."""
LISTS: Mapping[str, Callable[[ResultRow], Sequence[object] | None]] = {
    "net_benefit": lambda r: r.net_benefit,
    "at_prevalence": lambda r: r.at_prevalence,
    "partial_auc": lambda r: r.partial_auc,
    "sensitivity_at": lambda r: r.sensitivity_at,
    "specificity_at": lambda r: r.specificity_at,
}
"""Lists of objects in a result; each has a file of its own."""
FIGURES = (
    "auc",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "accuracy",
    "balanced_accuracy",
    "likelihood_positive",
    "likelihood_negative",
)
RESULT_HEADER = (
    *KEY,
    "n",
    "positives",
    *(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high")),
    "f1",
    "mcc",
    "average_precision",
    "binning_error",
    "auc_interval",
    "auc_delong_low",
    "auc_delong_high",
    "auc_clustered_low",
    "auc_clustered_high",
    "reason",
)


SITE_HEADER = (
    "site",
    "patients",
    "lesions",
    *CLASS_KEYS,
    "sources",
    *(f"{reason}_{unit}" for reason in LEFT_OUT for unit in ("patients", "lesions")),
)


def csv_files(report: Report) -> dict[str, str]:
    """Return every CSV file of a report by name; parts that the report lacks have none."""
    files = {
        "results.csv": _csv(RESULT_HEADER, map(_result, report.results)),
        "sites.csv": _csv(SITE_HEADER, map(_site, report.sites)),
    }
    for name, (columns, points) in CURVES.items():
        rows = [[*_key(r), *p] for r in report.results for p in points(r) or ()]
        if rows:
            files[f"{name}.csv"] = _csv((*KEY, *columns), rows)
    for name, listed in LISTS.items():
        found = [
            dict(zip(KEY, _key(r), strict=True)) | _flat(write_record(v))
            for r in report.results
            for v in listed(r) or ()
        ]
        if found:
            files[f"{name}.csv"] = _records(found)
    for name, values in _sections(report):
        if values:
            files[f"{name}.csv"] = _records([_flat(write_record(v)) for v in values])
    return files


def _sections(report: Report) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield the lists of rows of a report that have a file of their own."""
    yield "operating_point", (report.model.operating_point,)
    yield "confusion", report.confusion
    yield "multiclass", report.multiclass
    yield "heterogeneity", report.heterogeneity
    yield "readers", report.readers
    yield "reader_agreement", report.reader_agreement
    yield "calibration", report.calibration
    yield "comparisons", report.comparisons
    yield "drift", report.drift
    yield "subgroups", report.subgroups
    yield "forms", report.forms


def _key(r: ResultRow) -> tuple[object, ...]:
    return r.scope, r.site, r.unit, r.task


def _result(r: ResultRow) -> list[object]:
    found: tuple[AucEstimate | RateEstimate | IntervalEstimate | None, ...] = (
        r.auc,
        r.sensitivity,
        r.specificity,
        r.ppv,
        r.npv,
        r.accuracy,
        r.balanced_accuracy,
        r.likelihood_positive,
        r.likelihood_negative,
    )
    row: list[object] = [*_key(r), r.n, r.positives]
    for f in found:
        its = preferred(f) if isinstance(f, AucEstimate) else shown(f)
        row += [None] * 3 if f is None or its is None else [f.value, its.low, its.high]
    row += [p.value if p is not None else None for p in (r.f1, r.mcc, r.average_precision)]
    clustered = r.auc.clustered
    ends = [clustered.low, clustered.high] if clustered is not None else [None, None]
    plain = [covering(r.auc).method, r.auc.low, r.auc.high]
    return [*row, r.auc.binning_error, *plain, *ends, r.auc.reason]


def _site(s: SiteRow) -> list[object]:
    """Return a site's row; what it does not state, or withholds, is empty."""
    stated = s.origin.left_out if s.origin is not None else None
    parts = {p.reason: (p.patients, p.lesions) for p in stated or ()}
    left = [n for reason in LEFT_OUT for n in parts.get(reason, (None, None))]
    sources = " ".join(s.origin.sources) if s.origin is not None else ""
    by_class = [s.by_class.get(k) for k in CLASS_KEYS]
    return [s.site, s.patients, s.lesions, *by_class, sources, *left]


def _records(rows: Sequence[dict[str, object]]) -> str:
    columns = tuple(dict.fromkeys(c for row in rows for c in row))
    return _csv(columns, ([row.get(c) for c in columns] for row in rows))


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return the leaves of nested objects under dotted names; lists stay JSON in one cell."""
    found: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = json.dumps(value) if isinstance(value, list) else value
    return found


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(c) for c in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a site's name for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
