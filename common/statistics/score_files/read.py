"""A score table's file as rows whose every value is known to be usable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.statistics.score_files.cells import Cells, cells_of, clean
from hepafed.common.statistics.score_files.columns import PROBABILITIES, Columns, columns_of
from hepafed.common.statistics.score_files.findings import Findings, plain, refuse
from hepafed.common.statistics.score_files.groups import groups
from hepafed.common.statistics.score_files.identities import Identities, identities
from hepafed.common.statistics.score_files.values import (
    calls,
    probabilities,
    scores,
    truths,
    with_points,
)

Column = list[tuple[int, str]]
"""The cells of a column with the number of their row."""


@dataclass(frozen=True)
class ScoreRows:
    """The rows of a score table, checked; lists of one entry a row."""

    identities: Identities
    truth: list[int]
    """Index of the class; of two classes 1 is malignant."""
    probabilities: list[list[float]]
    """Of three classes, or of benign and malignant."""
    readers: dict[str, list[int]]
    groups: dict[str, list[str]]
    two_classes: bool
    lesions: bool
    """Whether rows are lesions; of two classes without `lesion_id` each is a patient."""
    notes: tuple[str, ...]
    """What was read otherwise than written, one sentence each."""


def score_rows(path: Path, labels: Mapping[str, str]) -> ScoreRows:
    """Return the rows of a table (docs/statistics.md, 'Score tables'); `labels` is its label map.

    Raises
    ------
    DataError
        The file cannot be read, a column is missing, or rows are wrong: all problems, with rows.
    """
    findings = Findings()
    cells = cells_of(path, findings)
    if not cells:
        refuse(path, ["it is empty"], "write a line of column names, and one row a lesion")
    header = [clean(c) for c in cells[0][1]]
    columns = columns_of(header, findings)
    findings.refuse(path)
    if not cells[1:]:
        refuse(path, ["no rows"], "write one row a lesion")
    take = _columns(cells, header, findings)
    numeric = ["score"] if columns.two_classes else list(PROBABILITIES)
    found = {role: take(i) for role, i in columns.places.items()}
    with_points([found[n] for n in numeric], findings)
    made = _made(columns, found, take, labels, findings)
    findings.refuse(path)
    return made


def _made(
    columns: Columns,
    found: Mapping[str, Column],
    take: "Taking",
    labels: Mapping[str, str],
    findings: Findings,
) -> ScoreRows:
    who = identities(found, findings)
    patients = list(zip(who.site, who.patient, strict=True))
    truth = truths(found["truth"], labels, columns.two_classes, findings)
    values = (
        scores(found["score"], findings)
        if columns.two_classes
        else probabilities({n: found[n] for n in PROBABILITIES}, findings)
    )
    readers = {n: calls(n, take(i), findings) for n, i in columns.readers.items()}
    levels = {n: groups(n, take(i), patients, findings) for n, i in columns.groups.items()}
    return ScoreRows(
        identities=who,
        truth=truth,
        probabilities=values,
        readers=readers,
        groups=levels,
        two_classes=columns.two_classes,
        lesions="lesion_id" in columns.places or not columns.two_classes,
        notes=findings.note_lines(),
    )


class Taking:
    """The columns of a table's rows, cleaned; says once of which column spaces were removed."""

    def __init__(self, cells: Cells, header: Sequence[str], findings: Findings) -> None:
        self._rows, self._header, self._findings = cells, header, findings

    def __call__(self, place: int) -> Column:
        """Return the column at a place of the header."""
        made = []
        for row, texts in self._rows:
            text = texts[place] if place < len(texts) else ""
            kept = clean(text)
            if kept != text:
                name = plain(self._header[place])
                told = f"Spaces or invisible characters round {name} were removed"
                self._findings.note(told, row)
            made.append((row, kept))
        return made


def _columns(cells: Cells, header: Sequence[str], findings: Findings) -> Taking:
    """Return the rows below the header by column; say which have another shape."""
    width, names = len(header), [h.casefold() for h in header]
    for row, texts in cells[1:]:
        if [clean(t).casefold() for t in texts] == names:
            findings.wrong("the line of column names again: remove it", row)
        elif any(clean(t) for t in texts[width:]):
            told = f"{{}} cells, the line of column names has {width}"
            findings.wrong(f"{told}; is a comma part of a value?", row, str(len(texts)))
        elif len(texts) < width:
            told = f"{{}} cells, the line of column names has {width}; missing ones count as empty"
            findings.note(told, row, str(len(texts)))
        if any("\n" in t or "\r" in t for t in texts):
            findings.wrong("a value has a line break: is a quotation mark missing?", row)
    return Taking(cells[1:], header, findings)
