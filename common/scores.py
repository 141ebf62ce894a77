"""Score tables, and what of them may leave a site: figures, counts and cells of a histogram."""

import csv
import io
import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hepafed.common.errors import DataError
from hepafed.common.files import write_whole
from hepafed.common.messages import Cells, Figure, SiteSummary, TaskSummary, TuningFigures
from hepafed.common.metrics import Auc, Interval, auc_from_intervals, delong_auc
from hepafed.common.vocabulary import CLASS_KEYS, CLASSES, TASKS
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
COLUMNS = ("site", "patient_id", "lesion_id", "truth", *(f"p_{k}" for k in CLASS_KEYS))
BINS = 1 << 16
LARGEST_LOGIT = 65504.0
ONE_CLASS = "all of one class"


@dataclass(frozen=True)
class ScoreTable:
    """One row a lesion; never leaves the site."""

    site: NDArray[np.str_]
    patient: NDArray[np.str_]
    lesion: NDArray[np.str_]
    truth: NDArray[np.int64]
    """Index in `CLASSES`."""
    log_probs: Floats
    """[n, 3]: natural logarithms of the class probabilities."""
    readers: dict[str, NDArray[np.int8]]
    """Reader → calls [n]: 1 malignant, 0 benign, -1 none."""


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
    """Logarithms of p and of 1 - p of a class, the latter without cancellation."""
    others = [i for i in range(table.log_probs.shape[1]) if i != index]
    own = table.log_probs[:, index]
    return own, np.logaddexp.reduce(table.log_probs[:, others], axis=1)


def task_scores(table: ScoreTable, unit: str, task: str) -> TaskScores:
    """Give the scores of a task (DESIGN §6).

    lesion `K_vs_rest`: p_K of each lesion. patient `malignant_vs_benign`: the largest
    1 - p_benign over the patient's lesions; true when any lesion is malignant.
    """
    if unit == "lesion":
        index = CLASS_KEYS.index(task.removesuffix("_vs_rest"))
        own, rest = _columns(table, index)
        return TaskScores(_logit(own, rest), table.truth == index, np.exp(own))
    benign, malignant = _columns(table, 0)
    keys = np.array([f"{s}\0{p}" for s, p in zip(table.site, table.patient, strict=True)])
    _, patient = np.unique(keys, return_inverse=True)
    count = int(patient.max()) + 1 if len(patient) else 0
    logits, log_p = np.full(count, -np.inf), np.full(count, -np.inf)
    np.maximum.at(logits, patient, _logit(malignant, benign))
    np.maximum.at(log_p, patient, malignant)
    truth = np.zeros(count, bool)
    np.logical_or.at(truth, patient, table.truth != 0)
    return TaskScores(logits, truth, np.exp(log_p))


def bin_logits(logits: Floats) -> NDArray[np.int64]:
    """Put logits into 65,536 ordered bins: the bits of their float16, made monotone."""
    clipped = np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT) + 0.0  # -0 becomes +0
    bits = clipped.astype(np.float16).view(np.uint16).astype(np.int64)
    return np.where(bits & 0x8000, bits ^ 0xFFFF, bits | 0x8000)


@dataclass(frozen=True)
class Histogram:
    """Counts int64[65536] of positives and negatives."""

    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]


def histogram_of(scores: TaskScores) -> Histogram:
    """Count a task's scores by bin."""
    bins = bin_logits(scores.logits)
    return Histogram(
        np.bincount(bins[scores.truth], minlength=BINS),
        np.bincount(bins[~scores.truth], minlength=BINS),
    )


def cells_of(histogram: Histogram, minimum: int) -> Cells | None:
    """Merge neighbouring bins until each cell holds `minimum` scores; None for fewer than that.

    The remainder joins the last cell. An edge between two cells is the roundest number (most
    trailing zero bits) that parts them, so that it tells as little as it can of any score. With
    a minimum of 1 every occupied bin is a cell of its own, and the gaps are empty cells.
    """
    total = histogram.positives + histogram.negatives
    occupied = np.flatnonzero(total)
    if len(occupied) == 0 or total.sum() < minimum:
        return None
    if minimum <= 1:
        edges = sorted({0, BINS, *occupied.tolist(), *(occupied + 1).tolist()})
    else:
        edges, held = [0], 0
        left = int(total.sum())
        for b, following in itertools.pairwise(occupied.tolist()):
            held += int(total[b])
            if held >= minimum and left - held >= minimum:
                edges.append(_roundest(b + 1, following))
                left, held = left - held, 0
        edges.append(BINS)
    starts = np.array(edges[:-1])
    return Cells(
        edges=tuple(edges),
        positives=tuple(np.add.reduceat(histogram.positives, starts).tolist()),
        negatives=tuple(np.add.reduceat(histogram.negatives, starts).tolist()),
    )


def _roundest(low: int, high: int) -> int:
    """Find the number in low…high (both included) with the most trailing zero bits."""
    for shift in range(BINS.bit_length(), -1, -1):
        candidate = (high >> shift) << shift
        if candidate >= low:
            return candidate
    return high


def intervals_of(cells: Cells) -> list[Interval]:
    """Give the cells that hold anything as intervals of bins.

    Raises
    ------
    DataError
        The edges are not ascending bins, or a count is missing or negative.
    """
    low, high = cells.edges[:-1], cells.edges[1:]
    fits = len(low) == len(cells.positives) == len(cells.negatives)
    ordered = fits and all(0 <= a < b <= BINS for a, b in zip(low, high, strict=True))
    if not ordered or min((*cells.positives, *cells.negatives), default=0) < 0:
        raise DataError("the cells of a histogram are not in order")
    rows = zip(low, high, cells.positives, cells.negatives, strict=True)
    return [Interval(a, b, p, n) for a, b, p, n in rows if p or n]


def figure_of(auc: Auc | None) -> Figure:
    """Give an AUC as a releasable figure."""
    if auc is None:
        return Figure(reason=ONE_CLASS)
    low, high = auc.interval or (None, None)
    reason = "" if auc.se is not None else "fewer than two of a class: no interval"
    return Figure(value=auc.value, low=low, high=high, reason=reason)


def _summary(
    table: ScoreTable, unit: str, task: str, threshold: float, minimum: int
) -> TaskSummary:
    scores = task_scores(table, unit, task)
    called = scores.probabilities >= threshold
    positives, negatives = int(scores.truth.sum()), int((~scores.truth).sum())
    enough = positives + negatives >= minimum
    return TaskSummary(
        unit=unit,
        task=task,
        positives=positives,
        negatives=negatives,
        auc=figure_of(delong_auc(scores.logits[scores.truth], scores.logits[~scores.truth])),
        true_positives=int((called & scores.truth).sum()) if enough else None,
        true_negatives=int((~called & ~scores.truth).sum()) if enough else None,
        cells=cells_of(histogram_of(scores), minimum),
    )


def summarise(
    table: ScoreTable, *, run: str, model: str, weights: str, threshold: float, minimum_count: int
) -> SiteSummary:
    """Make all that a site releases of a validation: figures, counts, cells; never a score."""
    tasks = tuple(
        _summary(table, unit, task, threshold if unit == "patient" else 0.5, minimum_count)
        for unit, names in TASKS.items()
        for task in names
    )
    classes = len(CLASSES)
    called = table.log_probs.argmax(1)
    counts = np.bincount(table.truth * classes + called, minlength=classes**2)
    enough = len(table.truth) >= minimum_count
    confusion = counts.reshape(classes, classes).tolist() if enough else None
    patients = task_scores(table, "patient", "malignant_vs_benign").truth
    suppressed = [f"{t.unit} {t.task}: cells" for t in tasks if t.cells is None]
    return SiteSummary(
        run=run,
        model=model,
        weights=weights,
        patients=len(patients),
        lesions=len(table.truth),
        by_class={k: int((table.truth == i).sum()) for i, k in enumerate(CLASS_KEYS)},
        minimum_count=minimum_count,
        tasks=tasks,
        confusion=tuple(map(tuple, confusion)) if confusion else None,
        suppressed=tuple(suppressed),
    )


def tuning_figures(table: ScoreTable, minimum_count: int) -> TuningFigures:
    """Make what a site releases of its tuning split."""
    aucs = []
    for task in TASKS["lesion"]:
        scores = task_scores(table, "lesion", task)
        auc = delong_auc(scores.logits[scores.truth], scores.logits[~scores.truth])
        if auc is not None:
            aucs.append(auc.value)
    patient = _summary(table, "patient", "malignant_vs_benign", 0.5, minimum_count)
    return TuningFigures(
        lesions=len(table.truth),
        macro_auc=sum(aucs) / len(aucs) if aucs else None,
        tasks=(patient,),
    )


def pooled_auc(cells: list[Cells]) -> Auc | None:
    """AUC over the cells of several sites."""
    return auc_from_intervals([i for c in cells for i in intervals_of(c)])


def choose_threshold(figures: list[TuningFigures]) -> tuple[float, str]:
    """Choose the operating point with the largest Youden index on pooled tuning cells.

    Candidates are the lower edges of the cells (Youden 1950); 0.5 where nothing can be chosen.
    """
    cells = [t.cells for f in figures for t in f.tasks if t.cells is not None]
    rows = [i for c in cells for i in intervals_of(c)]
    positives, negatives = sum(r.positives for r in rows), sum(r.negatives for r in rows)
    if positives == 0 or negatives == 0:
        return 0.5, "0.5: the tuning data hold one class only"
    best, chosen = -math.inf, 0.5
    for edge in sorted({r.low for r in rows}):
        caught = sum(r.positives for r in rows if r.low >= edge) / positives
        spared = sum(r.negatives for r in rows if r.low < edge) / negatives
        if caught + spared > best:
            best, chosen = caught + spared, logistic(logit_of_bin(edge))
    return chosen, "largest Youden index on the pooled tuning cells"


def logit_of_bin(edge: int) -> float:
    """Give the logit that a bin stands for; bins beyond ±65,504 hold nothing, and give that."""
    bits = edge ^ 0x8000 if edge & 0x8000 else edge ^ 0xFFFF
    logit = float(np.array([bits], np.uint16).view(np.float16)[0])
    if math.isfinite(logit):
        return logit
    return LARGEST_LOGIT if edge & 0x8000 else -LARGEST_LOGIT


def logistic(logit: float) -> float:
    """Give the probability of a logit."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))


def read_scores(path: Path) -> ScoreTable:
    """Read a score table (CSV, DESIGN §6).

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
    rows = list(reader)
    problems = [f"row {i}: {p}" for i, row in enumerate(rows, 2) if (p := _wrong(row, readers))]
    seen: dict[tuple[str, str, str], int] = {}
    for i, row in enumerate(rows, 2):
        key = (row["site"], row["patient_id"], row["lesion_id"])
        if (first := seen.setdefault(key, i)) != i:
            problems.append(f"row {i}: the same lesion as row {first}")
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
    )


def _wrong(row: dict[str, str | None], readers: list[str]) -> str:
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
    """Write a score table (private, whole or not at all)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = sorted(table.readers)
    writer.writerow([*COLUMNS, *names])
    for i in range(len(table.truth)):
        p = [repr(float(x)) for x in np.exp(table.log_probs[i])]
        calls = ["" if table.readers[n][i] < 0 else str(table.readers[n][i]) for n in names]
        row = [table.site[i], table.patient[i], table.lesion[i], CLASS_KEYS[table.truth[i]]]
        writer.writerow([*row, *p, *calls])
    write_whole(path, out.getvalue(), private=True)
