"""Write and check a report's files: report.json held to its schema, and what is made from it."""

import json
from collections.abc import Mapping
from pathlib import Path

from hepafed.common.errors import RunError
from hepafed.common.records import write_record
from hepafed.server.formats import Report
from hepafed.server.models import card_markdown
from hepafed.server.report.checklists import checklists
from hepafed.server.report.contents import contents
from hepafed.server.report.csv_files import csv_files
from hepafed.server.report.drawing import plots
from hepafed.server.report.files import (
    DPI,
    Signed,
    Verified,
    citation_cff,
    digest,
    figure_files,
    latex_files,
    pictures_of,
    verify_folder,
    word_document,
    write_folder,
)
from hepafed.server.report.page import SECTIONS, lead, render, report_title, sentences

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


def report_text(report: Report) -> str:
    """Return report.json, held to its schema: what the coordinator signs.

    Raises
    ------
    RunError
        A figure is not a finite number, or the report does not fit its schema.
    """
    values = write_record(report)
    try:
        text = json.dumps(values, indent=1, allow_nan=False)
    except ValueError as e:
        raise RunError("a figure of the report is not a finite number") from e
    check_report(values)
    return text


def write_report(
    report: Report, folder: Path, signed: Signed | None = None, dpi: int = DPI
) -> Path:
    """Write every file of a report into `folder`; returns the page.

    `signed` is the report as the coordinator wrote and signed it: its text then is report.json.
    `dpi` is the resolution of the PNGs.

    Raises
    ------
    RunError
        A figure is not a finite number, or the report does not fit its schema.
    ReportError
        The folder cannot be written.
    """
    text = report_text(report)
    if signed is not None:
        text = signed.text
        check_report(json.loads(text))
    drawn = plots(report)
    lists = checklists(report, frozenset(a for a, _ in SECTIONS))
    parts = contents(report, drawn, lists)
    pictures = figure_files(drawn.values(), dpi)
    title = report_title(report)
    files: dict[str, str | bytes] = {
        "report.json": text,
        **csv_files(report),
        "report.html": render(report),
        "report.docx": word_document(
            title, lead(report), SECTIONS, parts, sentences(report), pictures_of(pictures)
        ),
        "citation.cff": citation_cff(report, title, digest(text)),
        **latex_files(t for p in parts for t in p.tables),
        **pictures,
    }
    if report.model.card is not None:
        files["model-card.md"] = card_markdown(report.model.card)
    write_folder(folder, files, signed)
    return folder / "report.html"


def verify_report(folder: Path, authority: str = "") -> Verified:
    """Check a report's folder: digests, signature, CSV files against report.json.

    `authority` is the certificate (PEM) of the coordinator that must have signed; empty: the one
    in the folder. UsageError: it is no folder of a report.
    """
    return verify_folder(folder, csv_files, authority)
