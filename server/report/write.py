"""Write a report's files: the page, report.json held to its schema, and its tables as CSV."""

import json
from collections.abc import Mapping
from pathlib import Path

from hepafed.common.errors import RunError
from hepafed.common.files import write_whole
from hepafed.common.records import write_record
from hepafed.server.formats import Report
from hepafed.server.models import card_markdown
from hepafed.server.report.csv_files import csv_files
from hepafed.server.report.page import render

SCHEMA = Path(__file__).with_name("schema.json")


def check_report(values: Mapping[str, object]) -> None:
    """Hold the content of a report.json to schema.json (JSON Schema 2020-12).

    Raises
    ------
    RunError
        Naming the place that does not fit; a report that does not fit is not written.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    validator = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    error = best_match(validator.iter_errors(values))
    if error is not None:
        where = "/".join(str(p) for p in error.absolute_path) or "report"
        raise RunError(
            f"the report does not fit its schema at {where}: {error.message[:200]}",
            "this is a fault of HepaFed or of an older server; please report it",
        )


def write_report(report: Report, folder: Path) -> Path:
    """Write every file of a report into `folder`; returns the page.

    Raises
    ------
    RunError
        A figure is not a finite number, the report does not fit its schema, or the folder cannot
        be written.
    """
    values = write_record(report)
    try:
        text = json.dumps(values, indent=1, allow_nan=False)
    except ValueError as e:
        raise RunError("a figure of the report is not a finite number") from e
    check_report(values)
    files = {"report.json": text, **csv_files(report), "report.html": render(report)}
    if report.model.card is not None:
        files["model-card.md"] = card_markdown(report.model.card)
    try:
        for name, content in files.items():
            write_whole(folder / name, content)
    except OSError as e:
        raise RunError(f"cannot write {folder}: {e.strerror}", "name another folder with -o") from e
    return folder / "report.html"
