"""Write a report's files: report.html, report.json, results.csv, sites.csv, roc.csv."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hepafed.common.errors import RunError
from hepafed.common.files import write_whole
from hepafed.common.vocabulary import CLASS_KEYS
from hepafed.server.report.page import render

FIGURES = ("auc", "sensitivity", "specificity", "ppv", "npv", "accuracy")


def write_report(report: dict[str, Any], folder: Path) -> Path:
    """Write every file of a report into `folder`; returns the page.

    Raises
    ------
    RunError
        A figure is not a finite number, or the folder cannot be written.
    """
    try:
        text = json.dumps(report, indent=1, allow_nan=False)
        files = {
            "report.json": text,
            "results.csv": _csv(_result_header(), _results(report)),
            "sites.csv": _csv(
                ("site", "patients", "lesions", *CLASS_KEYS),
                ([s["site"], s["patients"], s["lesions"], *(s["by_class"][k] for k in CLASS_KEYS)]
                 for s in report["sites"]),
            ),
            "roc.csv": _csv(
                ("scope", "site", "unit", "task", "false_positive_rate", "sensitivity"),
                ([r["scope"], r["site"], r["unit"], r["task"], *point]
                 for r in report["results"] for point in r.get("roc", [])),
            ),
            "report.html": render(report),
        }  # fmt: skip
    except ValueError as e:
        raise RunError("a figure of the report is not a finite number") from e
    try:
        for name, content in files.items():
            write_whole(folder / name, content)
    except OSError as e:
        raise RunError(f"cannot write {folder}: {e.strerror}", "name another folder with -o") from e
    return folder / "report.html"


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(c) for c in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a site's name for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return "'" + value
    return value


def _result_header() -> list[str]:
    header = ["scope", "site", "unit", "task", "n", "positives"]
    for figure in FIGURES:
        header += [figure, f"{figure}_low", f"{figure}_high"]
    return [*header, "binning_error"]


def _results(report: dict[str, Any]) -> Iterable[list[object]]:
    for r in report["results"]:
        row = [r["scope"], r["site"], r["unit"], r["task"], r["n"], r["positives"]]
        for figure in FIGURES:
            values = r.get(figure) or {}
            row += [values.get("value"), values.get("low"), values.get("high")]
        yield [*row, r["auc"]["binning_error"]]
