"""Sites, patients and lesions: two spellings of one would be counted as two, blanks as one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hepafed.common.statistics.score_files.findings import Findings, plain
from hepafed.common.statistics.score_files.values import absent

ONE_SITE, ONE_LESION = "one site", "1"
"""The names of the site and the lesions of a table that has no column for them."""
LONGEST = 200
_SHORTENED = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_NUMERAL = re.compile(r"0*(\d+)(\.0+)?")


@dataclass(frozen=True)
class Identities:
    """The site, patient and lesion of each row."""

    site: list[str]
    patient: list[str]
    lesion: list[str]


def identities(columns: Mapping[str, Sequence[tuple[int, str]]], findings: Findings) -> Identities:
    """Return the identities of the rows; `columns` are (row, text) by role.

    The site may be missing, and so may the lesion where each patient has one row.
    """
    patients = columns["patient_id"]
    rows = [i for i, _ in patients]
    if "site" not in columns:
        findings.note("The table has no column site: all its patients count as one site")
    if "lesion_id" not in columns and "score" not in columns:
        findings.note("The table has no column lesion_id: each row counts as one lesion")
    sites = columns.get("site") or [(i, ONE_SITE) for i in rows]
    lesions = columns.get("lesion_id") or [(i, ONE_LESION) for i in rows]
    for role, column in (("site", sites), ("patient_id", patients), ("lesion_id", lesions)):
        for row, text in column:
            _usable(role, row, text, findings)
    found = Identities(*([t for _, t in c] for c in (sites, patients, lesions)))
    _one_spelling("site", rows, [""] * len(rows), found.site, findings)
    sites_alike = [_alike(s) for s in found.site]
    _one_spelling("patient_id", rows, sites_alike, found.patient, findings)
    alike = [(_alike(s), _alike(p)) for s, p in zip(found.site, found.patient, strict=True)]
    _once(rows, alike, found.lesion, "lesion_id" in columns, findings)
    return found


def _usable(role: str, row: int, text: str, findings: Findings) -> None:
    if absent(text):
        findings.wrong(f"{role} is {{}}; write one in every row", row, text)
    elif _SHORTENED.fullmatch(text):
        findings.wrong(f"{role} was shortened by a spreadsheet (1.2E+11): format it as text", row)
    elif not text.isprintable():
        findings.wrong(f"{role} has characters that cannot be printed", row)
    elif len(text) > LONGEST:
        findings.wrong(f"{role} has more than {LONGEST} characters", row)


def _alike(text: str) -> str:
    """Return what spellings of one name share: capitals, kinds of hyphen, leading zeros go."""
    if number := _NUMERAL.fullmatch(text):
        return number[1]
    return re.sub(r"[\s_\u2010-\u2015-]+", "-", text.casefold())


def _one_spelling(
    role: str,
    rows: Sequence[int],
    within: Sequence[str],
    names: Sequence[str],
    findings: Findings,
) -> None:
    """Refuse names of one place that differ only in what `_alike` leaves out."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for row, place, name in zip(rows, within, names, strict=True):
        if absent(name):
            continue
        other, at = first.setdefault((place, _alike(name)), (name, row))
        if other != name:
            shown = f" {plain(name)} and {plain(other)}" if role == "site" else ""
            told = "only by capitals, hyphens for spaces, or leading zeros; write it in one way"
            findings.wrong(f"{role}{shown} differs from {{other}} {told}", row, other=at)


def _once(
    rows: Sequence[int],
    patients: Sequence[tuple[str, str]],
    lesions: Sequence[str],
    named: bool,
    findings: Findings,
) -> None:
    """Refuse a lesion that comes twice; without names of lesions, a patient."""
    seen: dict[tuple[str, str, str], int] = {}
    for row, patient, lesion in zip(rows, patients, lesions, strict=True):
        if absent(lesion) or absent(patient[1]):
            continue
        first = seen.setdefault((*patient, _alike(lesion)), row)
        if first != row and named:
            findings.wrong("the same lesion as {other}; keep one row a lesion", row, other=first)
        elif first != row:
            told = "the same patient as {other}: write the column lesion_id, one row a lesion"
            findings.wrong(told, row, other=first)
