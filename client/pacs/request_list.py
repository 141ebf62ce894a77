"""The list of accession numbers or patient ids that a site asks its PACS for."""

from dataclasses import dataclass
from pathlib import Path

from hepafed.client.lesions import read_table
from hepafed.client.pacs.config import PacsConfig
from hepafed.common.errors import DataError

KEYWORDS = {"accessions": "AccessionNumber", "patients": "PatientID"}
COLUMNS = {"accessions": "accession_number", "patients": "patient_id"}
LONGEST = 64
"""Characters of a PatientID (VR LO, DICOM PS3.5 6.2); an accession number has 16."""
MOST_BYTES = 64 * 1024 * 1024
MATCHING = "*?\\"
"""Wild cards and the list separator: such a value would ask for other patients as well."""


@dataclass(frozen=True)
class Wanted:
    """One accession number or patient that the list names."""

    row: int
    """Row of the list: what a message may say."""
    keyword: str
    """`AccessionNumber` or `PatientID`."""
    value: str
    """The identity itself: never in a message."""


def read_wanted(config: PacsConfig) -> list[Wanted]:
    """Return what the list names; a value that stands twice counts once, at its first row.

    Raises
    ------
    DataError
        The file cannot be read, is empty, or rows are unusable: all of them by number.
    """
    kind = "accessions" if config.accessions else "patients"
    path = Path(config.accessions or config.patients)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{kind}: {path} is too large", "one value on each line")
        if path.suffix.lower() == ".csv":
            rows = _column(path, COLUMNS[kind])
        else:
            rows = _lines(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as e:
        hint = "name a text file, one value on each line, or a CSV, in UTF-8"
        raise DataError(f"{kind}: cannot read {path} ({type(e).__name__})", hint) from None
    wrong = [str(row) for row, value in rows if not _usable(value)]
    if wrong:
        raise DataError(
            f"{kind}: not usable in row {', '.join(wrong[:50])}",
            f"at most {LONGEST} characters, none of * ? \\; nothing was fetched",
        )
    first: dict[str, Wanted] = {}
    for row, value in rows:
        first.setdefault(value, Wanted(row, KEYWORDS[kind], value))
    if not first:
        raise DataError(f"{kind}: {path} contains no value", "one value on each line")
    return list(first.values())


def _lines(text: str) -> list[tuple[int, str]]:
    stripped = ((row, line.strip()) for row, line in enumerate(text.splitlines(), 1))
    return [(row, line) for row, line in stripped if line and not line.startswith("#")]


def _column(path: Path, column: str) -> list[tuple[int, str]]:
    columns, rows = read_table(path, (column,), (column,))
    if column not in columns:
        raise DataError(f"the list lacks the column {column}", f"first line: {column}")
    return [(number, row[column]) for number, row in rows if row[column]]


def _usable(value: str) -> bool:
    return len(value) <= LONGEST and value.isprintable() and not set(value) & set(MATCHING)
