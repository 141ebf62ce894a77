"""`client remove`: take patients out of everything that a site's home keeps of them.

What stays is said in docs/site-guide.md: models already trained, what already left, and
released.json, whose shortened hashes keep later answers from telling who is gone.
"""

import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import click
from hepafed.client.cohort import Cohort
from hepafed.client.ingest import only_one
from hepafed.client.pacs import Spool, quiet
from hepafed.client.pseudonyms import KEY_FILE, Pseudonyms
from hepafed.client.scan import forget_patients
from hepafed.client.validations import forget
from hepafed.common.errors import CohortError, UsageError

MOST_BYTES = 64 * 1024 * 1024
HINT = "write one patient_id on each line, as in the labels table, in UTF-8"


@dataclass(frozen=True)
class Removed:
    """The result of taking patients out; numbers only."""

    patients: int
    """Number of patients of whom data were stored here."""
    unknown: int
    """Number of ids of which nothing was stored."""
    lesions: int
    """Lesions taken out of the cohort store."""
    tables: int
    """Kept score tables that had rows of theirs."""
    pages: int
    """Review pages that showed them; each is removed whole, `client review` makes it anew."""
    files: int
    """Fetched files in the spool."""


def read_ids(path: Path) -> set[str]:
    """Return the patient ids of a file, one a line; `-` is standard input.

    Raises
    ------
    UsageError
        It cannot be read, is too large, or holds no id.
    """
    try:
        with click.open_file(str(path), "rb") as f:
            content = f.read(MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"cannot read {path}", HINT) from None  # the cause could hold an id
    if len(content) > MOST_BYTES:
        raise UsageError(f"{path} is too large", HINT)
    ids = {line.strip() for line in text.split("\n")} - {""}
    if not ids:
        raise UsageError(f"{path} contains no patient id", HINT)
    return ids


def remove(home: Path, ids: Collection[str]) -> Removed:
    """Take patients out of the home; running it again changes nothing more.

    The cohort store comes last, so that a call that was cut off finds them again.

    Raises
    ------
    CohortError
        Nothing was ever ingested here, an ingest is running, or the store is damaged.
    DataError
        A fetch from the PACS is under way.
    """
    if not (home / KEY_FILE).exists():
        raise CohortError("this site has no cohort yet", "no patient data is stored here")
    with only_one(home):
        names = Pseudonyms(home)
        gone = {names.of("patient", i) for i in ids}
        found, files = _from_spool(home, gone, names)
        showed, pages = _from_reviews(home, gone)
        scored, tables = forget(home, gone)
        found |= showed | scored | forget_patients(home, gone)
        lesions = 0
        if (home / "cohort" / "index.db").exists():
            stored, lesions = Cohort.open(home).remove(gone)
            found |= stored
    return Removed(len(found), len(gone) - len(found), lesions, tables, pages, files)


def _from_spool(home: Path, gone: Collection[str], names: Pseudonyms) -> tuple[set[str], int]:
    if not (home / "spool").exists():
        return set(), 0
    quiet()
    spool = Spool(home)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's can quote a value
            removed = spool.remove_files(lambda patient: names.of("patient", patient) in gone)
    finally:
        spool.close()
    return {names.of("patient", p) for p in removed}, len(removed)


def _from_reviews(home: Path, gone: Collection[str]) -> tuple[set[str], int]:
    found: set[str] = set()
    pages = 0
    for page in (home / "reviews").glob("*.html"):
        shown = set(re.findall(r"<br>patient (\w+)</th>", page.read_text(encoding="utf-8")))
        if here := shown.intersection(gone):
            page.unlink()
            found |= here
            pages += 1
    return found, pages
