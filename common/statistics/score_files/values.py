"""The values of a row: its class, its probabilities or score, the calls of readers."""

import math
import re
from collections.abc import Mapping, Sequence

from hepafed.common.contract import CLASS_KEYS
from hepafed.common.statistics.score_files.findings import Findings
from hepafed.common.statistics.score_files.label_map import MALIGNANT, word

MISSING = frozenset(
    (
        *("", "na", "n/a", "nan", "<na>", "nat", "null", "none", "nil", "missing", "unknown"),
        *("-", "--", ".", "?", "#n/a", "#na", "#value!", "#ref!", "#name?"),
    )
)
"""What spreadsheets and statistics programs write where there is nothing."""
YES = {"1": 1, "yes": 1, "true": 1, "positive": 1, "pos": 1, MALIGNANT: 1}
NO = {"0": 0, "no": 0, "false": 0, "negative": 0, "neg": 0, "benign": 0}
CALLS = YES | NO
EXACT_SUM, NEAREST_SUM = 2e-6, 1e-3
"""Probabilities whose sum is off by less are taken as written; by less than the second are taken
in any case; those rounded to two or three decimals may be off by what rounding can do."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)


def absent(text: str) -> bool:
    """Return whether a cell says nothing."""
    return text.casefold() in MISSING


def number(text: str) -> float | None:
    """Return the number that a cell states, None where it states none."""
    return float(text) if _NUMBER.fullmatch(text) else None


def truths(
    column: Sequence[tuple[int, str]],
    labels: Mapping[str, str],
    two_classes: bool,
    findings: Findings,
) -> list[int]:
    """Return the class of each (row, text): an index in `CLASS_KEYS`, or 1 for malignant.

    `labels` goes before the words that are known.
    """
    known = {k: i for i, k in enumerate(CLASS_KEYS)}
    if two_classes:
        known = {k: min(i, 1) for k, i in known.items()} | CALLS
    given = {w: known.get(label) for w, label in labels.items()}
    if not two_classes and MALIGNANT in labels.values():
        findings.wrong(
            f"the label map says {MALIGNANT}; the table has the classes {', '.join(CLASS_KEYS)}"
        )
    names = f"benign (0), {MALIGNANT} (1)" if two_classes else ", ".join(CLASS_KEYS)
    made = []
    for row, text in column:
        key = word(_whole(text))
        found = given[key] if key in given else known.get(key)
        if found is None:
            told = "truth is {}, not one of " + names
            findings.wrong(f"{told}; use --label-map", row, text)
        made.append(found or 0)
    if two_classes and any(key in ("0", "1") for key in {_whole(t) for _, t in column}):
        findings.note("In the column truth, 1 was read as malignant and 0 as benign")
    for key in labels.keys() - {word(_whole(t)) for _, t in column}:
        findings.note(f"No row has the word {key} of the label map")
    return made


def calls(name: str, column: Sequence[tuple[int, str]], findings: Findings) -> list[int]:
    """Return a reader's call of each (row, text): 1 malignant, 0 benign, −1 none."""
    known = CALLS | {k: min(i, 1) for i, k in enumerate(CLASS_KEYS)}
    made = []
    for row, text in column:
        key = word(_whole(text))
        if absent(text):
            made.append(-1)
            if text:
                findings.note(f"{name} is {{}}; it was read as no call", row, text)
        elif key in known:
            made.append(known[key])
        else:
            told = f"{name} is {{}}; a reader's call is 1 (malignant), 0 (benign) or empty"
            findings.wrong(told, row, text)
            made.append(-1)
    if made and max(made) < 0:
        findings.note(f"{name} has no call, and no figure")
    words = {word(_whole(t)) for _, t in column if not absent(t)} - {"0", "1"}
    if words & CALLS.keys():
        said = [f"{w} as {CALLS[w]}" for w in sorted(words & CALLS.keys())]
        findings.note(f"{name}: read {', '.join(said)}")
    return made


def _whole(text: str) -> str:
    """Return a whole number as such also where a program wrote 1.0."""
    return text.partition(".")[0] if re.fullmatch(r"\d+\.0+", text) else text


def with_points(columns: Sequence[list[tuple[int, str]]], findings: Findings) -> None:
    """Bring decimal commas of the columns to points, where no number of them has a point."""
    cells = [(row, text) for column in columns for row, text in column]
    commas = [c for c in cells if _COMMA.fullmatch(c[1])]
    if not commas:
        return
    if any("." in text for _, text in cells):
        for row, text in commas:
            told = "{} has a decimal comma, other numbers have a point; use one of them"
            findings.wrong(told, row, text)
        return
    findings.note("Decimal commas were read as points")
    for column in columns:
        column[:] = [(r, t.replace(",", ".") if _COMMA.fullmatch(t) else t) for r, t in column]


def scores(column: Sequence[tuple[int, str]], findings: Findings) -> list[list[float]]:
    """Return [1 − score, score] of each (row, text)."""
    made = []
    for row, text in column:
        value = _probability("score", row, text, findings, "a probability of malignancy")
        made.append([1 - value, value])
    return made


def probabilities(
    columns: Mapping[str, Sequence[tuple[int, str]]], findings: Findings
) -> list[list[float]]:
    """Return the probabilities of each row, which add up to 1.

    They are made to add up where rounding explains why they do not; a note says so.
    """
    decimals = max((_decimals(t) for c in columns.values() for _, t in c), default=0)
    slack = 1.5 * 10**-decimals if decimals >= 2 else 0  # three roundings by half a last digit
    made = []
    for cells in zip(*columns.values(), strict=True):
        before = findings.wrong_rows()
        row = [
            _probability(name, i, text, findings, "a probability")
            for name, (i, text) in zip(columns, cells, strict=True)
        ]
        total = math.fsum(row)
        fine = before == findings.wrong_rows()
        if fine and abs(total - 1) > max(NEAREST_SUM, slack) + 1e-9:
            told = "the probabilities add up to {}, not to 1"
            findings.wrong(told, cells[0][0], f"{total:.6g}")
        elif fine and abs(total - 1) > EXACT_SUM:
            told = "The rounded probabilities added up to {}; they were divided by their sum"
            findings.note(told, cells[0][0], f"{total:.6g}")
            row = [v / total for v in row]
        made.append(row)
    return made


def _probability(name: str, row: int, text: str, findings: Findings, what: str) -> float:
    value = number(text.removesuffix("%"))
    if value is not None and 0 <= value <= 1 and "%" not in text:
        return value
    if value is None:
        findings.wrong(f"{name} is {{}}, not a number", row, text)
    else:
        told = f"{name} is {{}}; {what} is 0 to 1 (divide percent by 100)"
        findings.wrong(told, row, text)
    return 0.5


def _decimals(text: str) -> int:
    mantissa, _, exponent = text.lower().partition("e")
    return len(mantissa.partition(".")[2]) if not exponent else 9
