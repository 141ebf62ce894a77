"""The cells of a table's file, CSV or a workbook: encoding, separator, rows with their numbers."""

import csv
import re
import unicodedata
from io import StringIO
from pathlib import Path

from hepafed.common.statistics.score_files.findings import Findings, refuse

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
UTF_8 = "in the spreadsheet, save it as “CSV UTF-8”"
_SEP_LINE = re.compile(r"\"?sep=(.)\"?")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_WIDE_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f"), " ")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

Cells = list[tuple[int, list[str]]]
"""Rows that hold anything, with their number in the file; the first is the header."""


def cells_of(path: Path, findings: Findings) -> Cells:
    """Return the rows of a file.

    Raises
    ------
    DataError
        The file cannot be read, or is no table; the hint says how to save it.
    """
    try:
        content = path.read_bytes()
    except OSError:
        refuse(f"cannot read {path}", ["no such file, or not one that may be read"], "name a table")
    if content.startswith(_WORKBOOKS):
        from hepafed.common.statistics.score_files.workbook import workbook_cells

        return workbook_cells(path, content, findings)
    lines = _text(path, content).splitlines(keepends=True)
    first, separator = 0, ""
    if lines and (said := _SEP_LINE.fullmatch(lines[0].strip())):
        first, separator = 1, said[1]
    separator = separator or _separator(path, lines[first] if lines else "")
    try:
        text = StringIO("".join(lines[first:]), newline="")
        rows = list(csv.reader(text, delimiter=separator, strict=True))
    except csv.Error as e:
        refuse(path, [f"not a CSV file ({e})"], "Is a quotation mark missing?")
    if separator != ",":
        findings.note(f"The columns are separated by {SEPARATORS.get(separator, separator)}")
    if lines[-1:] and not lines[-1].endswith(("\n", "\r")):
        findings.note("The last row has no line end; check that it is whole", first + len(rows))
    return [(i, row) for i, row in enumerate(rows, first + 1) if any(map(str.strip, row))]


def _text(path: Path, content: bytes) -> str:
    order = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if order else "utf-8-sig")
    except UnicodeDecodeError:
        refuse(f"cannot read {path}", ["it is not in UTF-8"], UTF_8)
    if "\x00" in text:
        refuse(f"cannot read {path}", ["it is not text in UTF-8 (perhaps UTF-16)"], UTF_8)
    return text


def _separator(path: Path, header: str) -> str:
    """Return the one separator that the header has."""
    found = [s for s in SEPARATORS if s in header]
    if len(found) > 1:  # names of columns hold none of them
        names = ", ".join(SEPARATORS[s] for s in found)
        refuse(path, [f"the separator of its columns is not clear ({names})"], "use one of them")
    return found[0] if found else ","


def clean(text: str) -> str:
    """Return a cell without what nobody sees: spaces around it, invisible and wide characters."""
    if text.isascii():
        return text.strip()
    kept = text.translate(_INVISIBLE).translate(_WIDE_SPACES)
    return unicodedata.normalize("NFC", kept).strip()
