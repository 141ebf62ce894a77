"""What a site keeps of a validation for its own eyes: the score table, what was asked, the weights.

`scores/RUN.csv` and `scores/RUN.json` stay for every run; `models/DIGEST.bf16` for the newest ones.
"""

import csv
import hashlib
import io
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.contract import ValidateRequest
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.files import write_whole
from hepafed.common.network import Flat, Layout, from_bf16, to_bf16
from hepafed.common.records import read_record, write_record
from hepafed.common.statistics import COLUMNS, ScoreTable, read_scores, write_scores

MODELS = 3
"""Weights of how many models stay."""


@dataclass(frozen=True)
class Kept:
    """One validation as this site took part in it."""

    request: ValidateRequest
    table: ScoreTable


def _file_name(run: str) -> str:
    if not run.replace("-", "").isalnum() or not run.isascii() or len(run) > 80:
        raise PayloadError("a run id that is not one")
    return run


def keep(home: Path, request: ValidateRequest, table: ScoreTable, weights: Flat) -> None:
    """Write a validation down, each file whole or not at all."""
    run = _file_name(request.run)
    write_scores(table, home / "scores" / f"{run}.csv")
    text = json.dumps(write_record(request))
    write_whole(home / "scores" / f"{run}.json", text, private=True)
    models = home / "models"
    path = models / f"{request.weights}.bf16"
    if path.exists():
        path.touch()
    else:
        write_whole(path, bytes(to_bf16(weights)), private=True)
    newest = sorted(models.glob("*.bf16"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    for old in newest[MODELS:]:
        old.unlink()


def recall(home: Path, run: str) -> Kept:
    """Read a validation back.

    Raises
    ------
    DataError
        This site kept nothing of that run.
    """
    path = home / "scores" / f"{_file_name(run)}.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.json"))[-5:]) or "none"
        raise DataError(
            f"nothing is kept of a validation {run}", f"validations kept here: {known}"
        ) from e
    return Kept(
        read_record(ValidateRequest, values, DataError, path.name),
        read_scores(path.with_suffix(".csv")),
    )


def forget(home: Path, patients: Collection[str]) -> tuple[set[str], int]:
    """Take patients, by pseudonym, out of every kept score table; a table left empty goes whole.

    Gives those that were found, and how many tables had rows of theirs.
    """
    found: set[str] = set()
    tables, place = 0, COLUMNS.index("patient_id")
    for path in sorted((home / "scores").glob("*.csv")):
        head, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        here = {r[place] for r in rows}.intersection(patients)
        if not here:
            continue
        left = [r for r in rows if r[place] not in here]
        if left:
            out = io.StringIO()
            csv.writer(out, lineterminator="\n").writerows([head, *left])
            write_whole(path, out.getvalue(), private=True)
        else:
            path.unlink()
            path.with_suffix(".json").unlink(missing_ok=True)
        found |= here
        tables += 1
    return found, tables


def recall_weights(home: Path, digest: str, layout: Layout) -> Flat:
    """Read the weights of a kept validation.

    Raises
    ------
    DataError
        They are kept no longer, or the file is damaged.
    """
    hint = "have the coordinator validate the model here again"
    try:
        content = (home / "models" / f"{digest}.bf16").read_bytes()
    except OSError as e:
        raise DataError("the weights of that validation are kept no longer", hint) from e
    if hashlib.sha256(content).hexdigest() != digest:
        raise DataError("the kept weights are damaged", hint)
    return from_bf16(content, layout)
