"""What a site keeps of a validation for its own eyes: the score table, what was asked, the weights.

`scores/RUN.csv` and `scores/RUN.json` stay for every run; `models/DIGEST.bf16` stays for the
newest models. Nothing here is ever sent.
"""

import csv
import hashlib
import io
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.contract.messages import ValidateRequest
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.files import write_whole
from hepafed.common.kept_files import fault_of, faults_in, is_noted, note_gone, note_kept
from hepafed.common.network import Flat, Layout, from_bf16, to_bf16
from hepafed.common.records import read_record, write_record
from hepafed.common.statistics import ScoreTable, scores_text, stored_scores

MODELS = 3
"""Number of models whose weights stay."""


@dataclass(frozen=True)
class KeptValidation:
    """One validation as this site took part in it."""

    request: ValidateRequest
    table: ScoreTable


def keep(home: Path, request: ValidateRequest, table: ScoreTable, weights: Flat) -> None:
    """Write a validation down, each file whole or not at all; what is there stays as it is.

    Other scores under the id of an earlier run get a name with the digits of their SHA-256.

    Raises
    ------
    PayloadError
        The run's id cannot be a file's name.
    """
    stem = _file_name(request.run)
    asked = json.dumps(write_record(request)).encode()
    folder = home / "scores"
    content = scores_text(table).encode()
    digest = hashlib.sha256(asked + content).hexdigest()
    for name in (stem, f"{stem}-{digest[:12]}", f"{stem}-{digest}"):
        files = {folder / f"{name}.csv": content, folder / f"{name}.json": asked}
        if all(not p.exists() or p.read_bytes() == c for p, c in files.items()):
            break
    else:
        raise PayloadError("the scores of that run are stored already, with other content")
    for path, held in files.items():
        if not path.exists():
            write_whole(path, held, private=True)
        if not is_noted(path):
            note_kept(path)
    _keep_weights(home / "models", request.weights, weights)


def recall(home: Path, run: str) -> KeptValidation:
    """Read a validation back.

    Raises
    ------
    DataError
        This site kept nothing of that run, or a file of it is missing or damaged.
    PayloadError
        The run's id cannot be a file's name.
    """
    path = home / "scores" / f"{_file_name(run)}.json"
    for file in (path, path.with_suffix(".csv")):
        if path.exists() and (fault := fault_of(file)):
            raise DataError(f"scores/{file.name} {fault}", "restore a copy of it")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.json"))[-5:]) or "none"
        raise DataError(
            f"no validation {run} is stored here", f"stored validations: {known}"
        ) from e
    return KeptValidation(
        read_record(ValidateRequest, values, DataError, path.name),
        stored_scores(path.with_suffix(".csv")),
    )


def recall_weights(home: Path, digest: str, layout: Layout) -> Flat:
    """Read the weights of a validation back: float32 [layout.size].

    Raises
    ------
    DataError
        They are kept no longer, or the file is damaged.
    """
    hint = "ask the coordinator to validate the model here again"
    try:
        content = (home / "models" / f"{digest}.bf16").read_bytes()
    except OSError as e:
        raise DataError("the weights of that validation are no longer stored", hint) from e
    if hashlib.sha256(content).hexdigest() != digest:
        raise DataError("the stored weights are damaged", hint)
    return from_bf16(content, layout)


def forget(home: Path, patients: Collection[str]) -> tuple[set[str], int]:
    """Take patients, by pseudonym, out of every score table; a table left empty goes whole.

    Return those that were found, and the number of tables that had rows of theirs.
    """
    found: set[str] = set()
    tables = 0
    for path in sorted((home / "scores").glob("*.csv")):
        head, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        place = head.index("patient_id")
        here = {r[place] for r in rows}.intersection(patients)
        if not here:
            continue
        left = [r for r in rows if r[place] not in here]
        if left:
            out = io.StringIO()
            csv.writer(out, lineterminator="\n").writerows([head, *left])
            write_whole(path, out.getvalue(), private=True)
            note_kept(path)
        else:
            for file in (path, path.with_suffix(".json")):
                file.unlink(missing_ok=True)
                note_gone(file)
        found |= here
        tables += 1
    return found, tables


def damaged_validations(home: Path) -> Iterator[tuple[str, str]]:
    """Yield each file that is kept of a validation and damaged, and what is wrong with it."""
    for name, fault in faults_in(home / "scores"):
        yield f"scores/{name}", fault
    for path in sorted((home / "models").glob("*.bf16")):
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            found = ""
        if found != path.stem:
            yield f"models/{path.name}", "is damaged"


def _keep_weights(models: Path, digest: str, weights: Flat) -> None:
    """Keep a model's weights as the newest, and remove the oldest ones."""
    path = models / f"{digest}.bf16"
    if path.is_dir():  # client check names it; the validation goes on
        return
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
        path.touch()
    else:
        write_whole(path, bytes(to_bf16(weights)), private=True)
    newest = sorted(models.glob("*.bf16"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    for old in newest[MODELS:]:
        old.unlink()


def _file_name(run: str) -> str:
    """Return a run's id when it can be a file's name; it comes from the coordinator."""
    if not run.replace("-", "").isalnum() or not run.isascii() or len(run) > 80:
        raise PayloadError("the run id is not valid")
    return run
