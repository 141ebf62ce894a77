"""The report of a validation: page, tables, plots."""

from hepafed.server.report.files import Signed, Verified
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.json_schema import as_written, records_of, report_schema
from hepafed.server.report.summary import summary_lines
from hepafed.server.report.write import report_text, verify_report, write_report

__all__ = [
    "Signed",
    "Verified",
    "as_written",
    "records_of",
    "report_from_scores",
    "report_schema",
    "report_text",
    "summary_lines",
    "verify_report",
    "write_report",
]
