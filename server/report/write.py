"""Write a report's files: the page, report.json held to its schema, and its tables as CSV."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hepafed.common.contract import CLASS_KEYS
from hepafed.common.errors import RunError
from hepafed.common.files import write_whole
from hepafed.server.models import card_markdown
from hepafed.server.report.page import render

FIGURES = ("auc", "sensitivity", "specificity", "ppv", "npv", "accuracy")
ESTIMATES = ("balanced_accuracy", "likelihood_positive", "likelihood_negative")
VALUES = ("f1", "mcc", "average_precision")
LISTS = ("net_benefit", "at_prevalence", "partial_auc", "sensitivity_at", "specificity_at")
"""Lists of objects in a result; each has a file of its own."""
CURVES = {"roc": ("false_positive_rate", "sensitivity"), "pr": ("recall", "precision")}
"""Lists of points in a result, and the names of their columns."""
SCHEMA = Path(__file__).with_name("schema.json")


def check_report(report: dict[str, Any]) -> None:
    """Hold a report to schema.json (JSON Schema 2020-12).

    Raises
    ------
    RunError
        Naming the place that does not fit; a report that does not fit is not written.
    """
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    plain = json.loads(json.dumps(report))  # tuples as the lists they are written as
    error = min(validator.iter_errors(plain), key=lambda e: list(map(str, e.path)), default=None)
    if error is not None:
        where = "/".join(str(p) for p in error.absolute_path) or "report"
        raise RunError(
            f"the report does not fit its schema at {where}: {error.message[:200]}",
            "this is a fault of HepaFed or of an older server; please report it",
        )


def write_report(report: dict[str, Any], folder: Path) -> Path:
    """Write every file of a report into `folder`; returns the page.

    Raises
    ------
    RunError
        A figure is not a finite number, the report does not fit its schema, or the folder cannot
        be written.
    """
    try:
        text = json.dumps(report, indent=1, allow_nan=False)
    except ValueError as e:
        raise RunError("a figure of the report is not a finite number") from e
    check_report(report)
    files = {"report.json": text, **tables(report), "report.html": render(report)}
    if report["model"].get("card"):
        files["model-card.md"] = card_markdown(report["model"]["card"])
    try:
        for name, content in files.items():
            write_whole(folder / name, content)
    except OSError as e:
        raise RunError(f"cannot write {folder}: {e.strerror}", "name another folder with -o") from e
    return folder / "report.html"


def tables(report: dict[str, Any]) -> dict[str, str]:
    """Give every CSV file of a report by name; parts that the report lacks have none."""
    files = {
        "results.csv": _csv(_result_header(), _results(report)),
        "sites.csv": _csv(
            ("site", "patients", "lesions", *CLASS_KEYS),
            (
                [
                    s["site"],
                    s["patients"],
                    s["lesions"],
                    *(s["by_class"].get(k) for k in CLASS_KEYS),
                ]
                for s in report["sites"]
            ),
        ),
    }
    for key, columns in CURVES.items():
        rows = [
            [r["scope"], r["site"], r["unit"], r["task"], *point]
            for r in report["results"]
            for point in r.get(key) or []
        ]
        if rows:
            files[f"{key}.csv"] = _csv(("scope", "site", "unit", "task", *columns), rows)
    for key in LISTS:
        flat = [
            {k: r[k] for k in ("scope", "site", "unit", "task")} | dict(_flat(values))
            for r in report["results"]
            for values in r.get(key) or []
        ]
        if flat:
            files[f"{key}.csv"] = _records(flat)
    for key, values in report.items():
        if key not in ("results", "sites", "suppressed") and isinstance(values, list) and values:
            flat = [dict(_flat(v)) for v in values if isinstance(v, dict)]
            if flat:
                files[f"{key}.csv"] = _records(flat)
    return files


def _records(rows: Sequence[dict[str, object]]) -> str:
    columns = tuple(dict.fromkeys(c for row in rows for c in row))
    return _csv(columns, ([row.get(c) for c in columns] for row in rows))


def _flat(values: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, object]]:
    """Give the leaves of nested objects under dotted names; lists stay JSON in one cell."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            yield prefix + key, json.dumps(value)
        else:
            yield prefix + key, value


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


def _result_header() -> list[str]:
    header = ["scope", "site", "unit", "task", "n", "positives"]
    for figure in (*FIGURES, *ESTIMATES):
        header += [figure, f"{figure}_low", f"{figure}_high"]
    return [*header, *VALUES, "binning_error", "auc_clustered_low", "auc_clustered_high", "reason"]


def _results(report: dict[str, Any]) -> Iterable[list[object]]:
    for r in report["results"]:
        row = [r["scope"], r["site"], r["unit"], r["task"], r["n"], r["positives"]]
        for figure in (*FIGURES, *ESTIMATES):
            values = r.get(figure) or {}
            row += [values.get("value"), values.get("low"), values.get("high")]
        row += [(r.get(k) or {}).get("value") for k in VALUES]
        clustered = r["auc"].get("clustered") or {}
        row += [r["auc"]["binning_error"], clustered.get("low"), clustered.get("high")]
        yield [*row, r["auc"].get("reason", "")]
