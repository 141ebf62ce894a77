"""Score tables: one row for each lesion, with tasks and patients; they never leave the site."""

import csv
import io
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hepafed.common.contract import CLASS_KEYS, CLASSES, MOST_LEVELS, NAME, PREFIX, plain_level
from hepafed.common.errors import DataError
from hepafed.common.files import write_whole
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


def read_scores(path: Path) -> ScoreTable:
    """Return the score table of a CSV file (docs/statistics.md).

    Raises
    ------
    DataError
        A column is missing, or a row is wrong (all problems, with row numbers).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise DataError(f"cannot read {path}", "name a CSV file in UTF-8") from e
    reader = csv.DictReader(io.StringIO(text))
    names = tuple(reader.fieldnames or ())
    missing = [c for c in COLUMNS if c not in names]
    if missing:
        raise DataError(
            f"{path} lacks the column {', '.join(missing)}", f"columns: {', '.join(COLUMNS)}"
        )
    readers = [c for c in names if c.startswith("reader_")]
    groups = [c for c in names if c.startswith(PREFIX)]
    rows = list(reader)
    problems = [f"row {i}: {p}" for i, row in enumerate(rows, 2) if (p := _wrong(row, readers))]
    seen: dict[tuple[str, str, str], int] = {}
    for i, row in enumerate(rows, 2):
        key = (row["site"], row["patient_id"], row["lesion_id"])
        if (first := seen.setdefault(key, i)) != i:
            problems.append(f"row {i}: the same lesion as row {first}")
    problems += _wrong_groups(rows, groups)
    if problems or not rows:
        shown = "; ".join(problems[:20]) or "no rows"
        raise DataError(f"{path}: {shown}", "correct these rows and try again")
    keys = [c.replace("-", "_") for c in CLASSES]
    probabilities = np.array([[float(r[f"p_{k}"]) for k in CLASS_KEYS] for r in rows])
    with np.errstate(divide="ignore"):
        log_probs = np.log(probabilities)
    return ScoreTable(
        site=np.array([r["site"] for r in rows]),
        patient=np.array([r["patient_id"] for r in rows]),
        lesion=np.array([r["lesion_id"] for r in rows]),
        truth=np.array([keys.index(r["truth"].replace("-", "_")) for r in rows], np.int64),
        log_probs=log_probs,
        readers={n: np.array([int(r[n]) if r[n] else -1 for r in rows], np.int8) for n in readers},
        groups={n.removeprefix(PREFIX): np.array([r[n] or "" for r in rows]) for n in groups},
    )


def _wrong_groups(rows: list[dict[str, str]], groups: list[str]) -> list[str]:
    problems = []
    for n in groups:
        if not NAME.fullmatch(n.removeprefix(PREFIX)):
            problems.append("a column group_… has a name that is not a plain word")
        elif len({r[n] for r in rows}) > MOST_LEVELS + 2:
            problems.append(f"the column {n} has more than {MOST_LEVELS} different values")
        problems += [
            f"row {i}: {n} is not a short plain word or a band"
            for i, r in enumerate(rows, 2)
            if r[n] and not plain_level(r[n])
        ]
    return problems


def _wrong(row: dict[str, str | None], readers: list[str]) -> str:
    if not all((row[c] or "").strip() for c in ("site", "patient_id", "lesion_id")):
        return "site, patient_id or lesion_id is empty"
    if (row["truth"] or "").replace("-", "_") not in CLASS_KEYS:
        return f"truth is not one of {', '.join(CLASS_KEYS)}"
    try:
        values = [float(row[f"p_{k}"] or "") for k in CLASS_KEYS]
    except ValueError:
        return "a probability is not a number"
    if not all(0 <= v <= 1 for v in values) or abs(sum(values) - 1) > 1e-3:
        return "the probabilities are outside 0…1 or do not add up to 1"
    if any((row[n] or "") not in ("", "0", "1") for n in readers):
        return "a reader's call is not 0, 1 or empty"
    return ""


def write_scores(table: ScoreTable, path: Path) -> None:
    """Write a score table to a private file, whole or not at all."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names, groups = sorted(table.readers), sorted(table.groups)
    writer.writerow([*COLUMNS, *names, *(PREFIX + g for g in groups)])
    for i in range(len(table.truth)):
        p = [repr(float(x)) for x in np.exp(table.log_probs[i])]
        calls = ["" if table.readers[n][i] < 0 else str(table.readers[n][i]) for n in names]
        row = [table.site[i], table.patient[i], table.lesion[i], CLASS_KEYS[table.truth[i]]]
        writer.writerow([*row, *p, *calls, *(table.groups[g][i] for g in groups)])
    write_whole(path, out.getvalue(), private=True)
