"""The cells of an Excel workbook (.xlsx) with one sheet of data."""

import datetime
import warnings
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from hepafed.common.statistics.score_files.findings import Findings, refuse

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

AS_XLSX = "save it as .xlsx (Excel workbook) or as “CSV UTF-8”"
MOST_BYTES = 1 << 30
"""The most that a workbook may hold when it is unpacked."""


def workbook_cells(path: Path, content: bytes, findings: Findings) -> list[tuple[int, list[str]]]:
    """Return the rows that hold anything, with their number in the sheet.

    Raises
    ------
    DataError
        It is no workbook that openpyxl reads, has several sheets with data, or a formula without
        a stored value.
    """
    sheets = _sheets(path, content)
    filled = [s for s in sheets if s.max_row > 1 or s.max_column > 1]
    if len(filled) != 1:
        names = ", ".join(s.title for s in filled) or "none"
        refuse(path, [f"sheets with data: {names}"], "keep one sheet with data")
    sheet = filled[0]
    rows = []
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts = [_text(c.value) for c in cells]
        if any(t.strip() for t in texts):
            rows.append((number, texts))
            if sheet.row_dimensions[number].hidden:
                findings.note("The row is hidden in the workbook; it was read", number)
    for place in sheet.merged_cells.ranges:
        findings.wrong("cells are merged: give each row its own value", place.min_row)
    return rows


def _sheets(path: Path, content: bytes) -> "list[Worksheet]":
    import openpyxl

    try:
        with zipfile.ZipFile(BytesIO(content)) as held:
            size = sum(i.file_size for i in held.infolist())
        if size > MOST_BYTES:
            refuse(path, ["the workbook is too large"], "save it as “CSV UTF-8”")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and the like, which no value depends on
            values = openpyxl.load_workbook(BytesIO(content), data_only=True)
            written = openpyxl.load_workbook(BytesIO(content))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        refuse(f"cannot read {path}", ["it is not a workbook that can be read"], AS_XLSX)
    lost = [
        c.coordinate
        for s in written.worksheets
        for row in s.iter_rows()
        for c in row
        if c.data_type == "f" and values[s.title][c.coordinate].value is None
    ]
    if lost:
        told = f"{len(lost)} formulas have no stored value (the first is in {lost[0]})"
        refuse(path, [told], "open it in Excel and save it, or paste the values")
    return list(values.worksheets)


def _text(value: object) -> str:
    """Return a cell's value as a CSV file would have it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)
