"""A table as a spreadsheet writes it: which encoding, which separator, which decimal sign.

Excel writes `;` where a comma is the decimal sign, a first line `sep=;`, UTF-16 as “Unicode text”,
and rows of nothing at the end. What such a file says for certain is read; where it does not, the
error says what to write.
"""

import csv
import re
from collections.abc import Collection, Sequence
from io import StringIO
from pathlib import Path

from hepafed.common.errors import LabelsError

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_SEP_LINE = re.compile(r"sep=(.)\Z")
_BYTE_ORDER = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_DECIMAL_POINT = re.compile(r"-?\d+\.\d+")

Rows = list[tuple[int, dict[str, str]]]


def read_table(
    path: Path,
    required: Sequence[str],
    known: Collection[str] = (),
    numeric: Collection[str] = (),
) -> tuple[list[str], Rows]:
    """Return the columns, and the rows that hold anything with their number in the file.

    A name of `known` is read in any case (of `reader_*` the part before the `*`), and values are
    stripped. Numbers of the columns
    `numeric` have a decimal point, also where the file writes a comma (and separates by others).

    Raises
    ------
    LabelsError
        It cannot be read, is in no known encoding, or its separator or decimal sign is not clear.
    """
    lines = _text(path).splitlines()
    first, separator = 0, ""
    if lines and (said := _SEP_LINE.match(lines[0].strip('" '))):
        first, separator = 1, said.group(1)
    if not separator:
        separator = _separator(path, lines[0] if lines else "", required)
    try:
        cells = list(csv.reader(StringIO("\n".join(lines[first:])), delimiter=separator))
    except csv.Error as e:
        raise LabelsError(f"cannot read {path}", "name a CSV file in UTF-8") from e
    named = [c.strip() for c in cells[0]] if cells else []
    columns = [_known(c, known) for c in named]
    rows: Rows = []
    for number, values in enumerate(cells[1:], first + 2):
        stripped = [v.strip() for v in values]
        if any(stripped):
            padded = [*stripped, *[""] * (len(columns) - len(stripped))]
            rows.append((number, dict(zip(columns, padded, strict=False))))
    if separator != ",":
        _decimals(path, rows, numeric)
    return columns, rows


def _known(name: str, known: Collection[str]) -> str:
    """Return a column's name as `known` has it, or as it is."""
    if name.lower() in known:
        return name.lower()
    beginnings = [k.removesuffix("*") for k in known if k.endswith("*")]
    found = next((b for b in beginnings if name.lower().startswith(b)), "")
    return found + name[len(found) :]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode(_BYTE_ORDER.get(content[:2], "utf-8-sig"))
    except OSError as e:
        raise LabelsError(f"cannot read {path}", "name a CSV file in UTF-8") from e
    except UnicodeDecodeError:
        raise LabelsError(
            f"{path} is not in UTF-8", "in the spreadsheet, save it as “CSV UTF-8”"
        ) from None


def _separator(path: Path, header: str, required: Sequence[str]) -> str:
    """Return the separator with which the first line holds every required column."""
    found = [s for s in SEPARATORS if s in header]
    for separator in found:
        names = {c.strip().strip('"').lower() for c in header.split(separator)}
        if names.issuperset(c.lower() for c in required):
            return separator
    if len(found) > 1:
        raise LabelsError(
            f"{path}: the separator of its columns is not clear",
            f"one of {', '.join(SEPARATORS.values())}, and the columns {', '.join(required)}",
        )
    return found[0] if found else ","


def _decimals(path: Path, rows: Rows, numeric: Collection[str]) -> None:
    """Bring numbers with a decimal comma to a point; a table that writes both is refused."""
    places = [(row, c) for _, row in rows for c in numeric if c in row]
    commas = [(row, c) for row, c in places if _DECIMAL_COMMA.fullmatch(row[c])]
    if commas and any(_DECIMAL_POINT.fullmatch(row[c]) for row, c in places):
        raise LabelsError(
            f"{path} writes decimals with a comma and with a point",
            "use one of them: one of the two may mean thousands",
        )
    for row, c in commas:
        row[c] = row[c].replace(",", ".")
