"""`client cohort --exclude` and `--include`: lesions that a radiologist takes out, or back in.

A list names a lesion as the labels table does, or by the pseudonym on the contact sheet, whose own
list is read as it was saved.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.cohort import Cohort
from hepafed.client.ingest import only_one
from hepafed.client.lesions import complain_about, read_table
from hepafed.client.pseudonyms import KEY_FILE, Pseudonyms
from hepafed.common.errors import LabelsError

IDENTITY = ("patient_id", "lesion_id")
PSEUDONYM = "lesion"
REASON = "reason"
LONGEST_REASON = 200
COLUMNS = (*IDENTITY, PSEUDONYM, REASON)
UNKNOWN = "no such lesion in this cohort"


@dataclass(frozen=True)
class Changed:
    """The result of excluding lesions or including them again; numbers only."""

    named: int
    """Lesions that the list names."""
    changed: int
    """Number of those that were not so before."""


def exclude(home: Path, listed: Path) -> Changed:
    """Exclude the lesions of a list; the same list again changes nothing.

    Raises
    ------
    LabelsError
        The list cannot be read, or rows are wrong: every problem by its row, never by a value.
    CohortError
        Nothing was ever ingested here, or an ingest is running.
    """
    store = Cohort.open(home)
    with only_one(home):
        reasons = _read(home, listed, store.patients_of())
        return Changed(len(reasons), store.exclude(reasons))


def include(home: Path, listed: Path) -> Changed:
    """Use the excluded lesions of a list again; raises what `exclude` raises."""
    store = Cohort.open(home)
    with only_one(home):
        lesions = _read(home, listed, store.patients_of())
        return Changed(len(lesions), store.include(lesions))


def _read(home: Path, path: Path, known: dict[str, str]) -> dict[str, str]:
    """Return the lesions of a list, each with its reason; LabelsError with every problem."""
    columns, rows = read_table(path, IDENTITY, COLUMNS)
    if not ({*IDENTITY} <= {*columns} or PSEUDONYM in columns):
        raise LabelsError(
            f"{path} lacks the columns {' and '.join(IDENTITY)}",
            f"or the column {PSEUDONYM} of a list that the contact sheet saved",
        )
    if twice := sorted({c for c in columns if c in COLUMNS and columns.count(c) > 1}):
        raise LabelsError(f"{path} has a column twice", f"leave one column {', '.join(twice)}")
    if not rows:
        raise LabelsError(f"{path} has no rows", "one row a lesion")
    # without a key nothing was ever named here, and none is made for a list
    names = Pseudonyms(home) if (home / KEY_FILE).exists() else Pseudonyms.unwritten()
    problems: list[str] = []
    found: dict[str, str] = {}
    for number, row in rows:
        lesion, wrong = _lesion(row, names, known)
        problems += [f"row {number}: {text}" for text in wrong]
        found[lesion] = row.get(REASON, "") or found.get(lesion, "")
    complain_about(problems, path)
    return found


def _lesion(row: dict[str, str], names: Pseudonyms, known: dict[str, str]) -> tuple[str, list[str]]:
    """Return the lesion that a row names, and what is wrong with the row."""
    patient, number = (row.get(c, "") for c in IDENTITY)
    pseudonym, reason = row.get(PSEUDONYM, "").lower(), row.get(REASON, "")
    wrong = []
    lesion = pseudonym
    if patient or number or not pseudonym:
        wrong += [f"{c} is empty" for c in IDENTITY if not row.get(c, "")]
        lesion = names.of("lesion", patient, number)
        if pseudonym and pseudonym != lesion:
            wrong.append(f"{PSEUDONYM} is another lesion than {' and '.join(IDENTITY)} name")
    if not wrong and lesion not in known:
        wrong.append(UNKNOWN)
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        wrong.append(f"{REASON} is longer than {LONGEST_REASON} characters or not plain text")
    if patient and re.search(rf"(?<!\w){re.escape(patient)}(?!\w)", reason, re.IGNORECASE):
        wrong.append(f"{REASON} contains the patient_id")
    return lesion, wrong
