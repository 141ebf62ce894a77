"""Score tables: one row for each lesion, with tasks and patients; they never leave the site."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hepafed.common.contract import CLASS_KEYS, PREFIX
from hepafed.common.errors import DataError
from hepafed.common.files import write_whole
from hepafed.common.statistics.score_files import READER, score_rows
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
COLUMNS = ("site", "patient_id", "lesion_id", "truth", *(f"p_{k}" for k in CLASS_KEYS))


@dataclass(frozen=True)
class ScoreTable:
    """The scores of a site, one row for each lesion; they never leave the site."""

    site: NDArray[np.str_]
    patient: NDArray[np.str_]
    lesion: NDArray[np.str_]
    truth: NDArray[np.int64]
    """The true class, an index in `CLASSES`."""
    log_probs: Floats
    """Natural logarithms of the class probabilities, [n, 3]."""
    readers: dict[str, NDArray[np.int8]]
    """The calls [n] of each reader: 1 malignant, 0 benign, -1 none."""
    groups: dict[str, NDArray[np.str_]] = field(default_factory=dict)
    """The values [n] of each variable of subgroups; "" where one is not stated."""
    two_classes: bool = False
    """Whether the classes are benign and malignant alone: then class 1 is malignant, and the
    probability of class 2 is 0."""
    lesions: bool = True
    """Whether rows are lesions; else each is a patient."""
    notes: tuple[str, ...] = ()
    """What the table's reader should know of how its file was read, one sentence each."""
    content: NDArray[np.str_] = field(default_factory=lambda: np.array([], np.str_))
    """Digest [n] of what each row was scored and judged from: images, label, readings; empty where
    that is not known."""


@dataclass(frozen=True)
class TaskScores:
    """The scores of one binary task."""

    logits: Floats
    truth: Bools
    probabilities: Floats


TIE_DECIMALS = 9
"""Logits closer than this are one score: sums of rounded probabilities differ in their last bit."""


def _logit(own: Floats, rest: Floats) -> Floats:
    made: Floats = np.round(own - rest, TIE_DECIMALS)
    return made


def _columns(table: ScoreTable, index: int) -> tuple[Floats, Floats]:
    """Return the logarithms of p and of 1 - p of a class, the latter without cancellation."""
    others = [i for i in range(table.log_probs.shape[1]) if i != index]
    own = table.log_probs[:, index]
    return own, np.logaddexp.reduce(table.log_probs[:, others], axis=1)


def patients_of(table: ScoreTable) -> tuple[NDArray[np.int64], int]:
    """Return each row the number of its patient (site and id), and how many there are."""
    if len(table.patient) == 0:
        return np.zeros(0, np.int64), 0
    _, site = np.unique(table.site, return_inverse=True)
    names, patient = np.unique(table.patient, return_inverse=True)
    _, number = np.unique(site * len(names) + patient, return_inverse=True)
    return number.astype(np.int64), int(number.max()) + 1


def rows_of(table: ScoreTable, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> ScoreTable:
    """Return some rows of a table (a mask, or indices in the order wanted)."""
    return ScoreTable(
        site=table.site[chosen],
        patient=table.patient[chosen],
        lesion=table.lesion[chosen],
        truth=table.truth[chosen],
        log_probs=table.log_probs[chosen],
        readers={k: v[chosen] for k, v in table.readers.items()},
        groups={k: v[chosen] for k, v in table.groups.items()},
        two_classes=table.two_classes,
        lesions=table.lesions,
        notes=table.notes,
        content=table.content[chosen] if table.content.size else table.content,
    )


def reader_calls(table: ScoreTable, reader: str) -> NDArray[np.int8]:
    """Return a reader's call of each patient, the largest over its lesions; -1: none."""
    patient, count = patients_of(table)
    calls = np.full(count, -1, np.int8)
    if reader in table.readers:
        np.maximum.at(calls, patient, table.readers[reader])
    return calls


def logit_of(probability: float) -> float:
    """Return the logit of a threshold in [0, 1], rounded as scores are; ±inf at the ends."""
    if not 0 < probability < 1:
        return math.inf if probability >= 1 else -math.inf
    return round(math.log(probability) - math.log1p(-probability), TIE_DECIMALS)


def task_scores(table: ScoreTable, unit: str, task: str) -> TaskScores:
    """Return the scores of a task (docs/statistics.md).

    lesion `K_vs_rest`: p_K of each lesion. patient `malignant_vs_benign`: the largest
    1 - p_benign over the patient's lesions; true when any lesion is malignant.
    """
    if unit == "lesion":
        index = CLASS_KEYS.index(task.removesuffix("_vs_rest"))
        own, rest = _columns(table, index)
        return TaskScores(
            logits=_logit(own, rest), truth=table.truth == index, probabilities=np.exp(own)
        )
    benign, malignant = _columns(table, 0)
    patient, count = patients_of(table)
    logits, log_p = np.full(count, -np.inf), np.full(count, -np.inf)
    np.maximum.at(logits, patient, _logit(malignant, benign))
    np.maximum.at(log_p, patient, malignant)
    truth = np.zeros(count, bool)
    np.logical_or.at(truth, patient, table.truth != 0)
    return TaskScores(logits=logits, truth=truth, probabilities=np.exp(log_p))


def read_scores(path: Path, labels: Mapping[str, str] | None = None) -> ScoreTable:
    """Return the score table of a CSV file or workbook (docs/statistics.md, 'Score tables').

    `labels` is a label map: a class, or `malignant`, by the word of the column `truth`.

    Raises
    ------
    DataError
        A column is missing, or a row is wrong (all problems, with row numbers).
    """
    rows = score_rows(path, labels or {})
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.array(rows.probabilities, np.float64))
    if rows.two_classes:
        p = np.array(rows.probabilities, np.float64)[:, 1]
        nothing = np.full(len(p), -np.inf)
        with np.errstate(divide="ignore"):
            log_probs = np.column_stack([np.log1p(-p), np.log(p), nothing])
    return ScoreTable(
        site=np.array(rows.identities.site),
        patient=np.array(rows.identities.patient),
        lesion=np.array(rows.identities.lesion),
        truth=np.array(rows.truth, np.int64),
        log_probs=log_probs,
        readers={n: np.array(c, np.int8) for n, c in rows.readers.items()},
        groups={n: np.array(v) for n, v in rows.groups.items()},
        two_classes=rows.two_classes,
        lesions=rows.lesions,
        notes=rows.notes,
    )


def stored_scores(path: Path) -> ScoreTable:
    """Return the table of a file that `write_scores` wrote, as it is.

    A site's own lesions are what the site says they are: nothing is read otherwise or refused.

    Raises
    ------
    DataError
        The file cannot be read, or was not written by `write_scores`.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
        names = tuple(rows[0]) if rows else COLUMNS
        probabilities = np.array([[float(r[f"p_{k}"]) for k in CLASS_KEYS] for r in rows])
        with np.errstate(divide="ignore"):
            log_probs = np.log(probabilities.reshape(len(rows), len(CLASS_KEYS)))
        return ScoreTable(
            site=np.array([r["site"] for r in rows], str),
            patient=np.array([r["patient_id"] for r in rows], str),
            lesion=np.array([r["lesion_id"] for r in rows], str),
            truth=np.array([CLASS_KEYS.index(r["truth"]) for r in rows], np.int64),
            log_probs=log_probs,
            readers={
                n: np.array([int(r[n] or -1) for r in rows], np.int8)
                for n in names
                if n.startswith(READER)
            },
            groups={
                n.removeprefix(PREFIX): np.array([r[n] for r in rows])
                for n in names
                if n.startswith(PREFIX)
            },
        )
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as e:
        raise DataError(
            f"the stored scores {path.name} cannot be read", "validate the model here again"
        ) from e


def scores_text(table: ScoreTable) -> str:
    """Return a score table as the text of its file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names, groups = sorted(table.readers), sorted(table.groups)
    writer.writerow([*COLUMNS, *names, *(PREFIX + g for g in groups)])
    for i in range(len(table.truth)):
        p = [repr(float(x)) for x in np.exp(table.log_probs[i])]
        calls = ["" if table.readers[n][i] < 0 else str(table.readers[n][i]) for n in names]
        row = [table.site[i], table.patient[i], table.lesion[i], CLASS_KEYS[table.truth[i]]]
        writer.writerow([*row, *p, *calls, *(table.groups[g][i] for g in groups)])
    return out.getvalue()


def write_scores(table: ScoreTable, path: Path) -> None:
    """Write a score table to a private file, whole or not at all."""
    write_whole(path, scores_text(table), private=True)
