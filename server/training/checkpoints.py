"""A run's checkpoints: fp32 weights after a round, and what must be known to go on from it.

A checkpoint is one safetensors file (tensors by their names in the network) whose metadata holds
the round and the history; it is written whole or not at all.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hepafed.common.errors import RunError
from hepafed.common.network import Flat, Layout, read_parts, save_safetensors
from hepafed.server.training.tuning import expected_error
from safetensors import SafetensorError, safe_open


class SiteTuning(NamedTuple):
    """The tuning AUC of one round's weights at one site, or of a masked sum of several."""

    lesions: dict[str, int]
    """By site."""
    auc: float
    """Mean over the classes of lesions."""
    se: float
    """Its standard error, above 0."""


@dataclass
class TrainingState:
    """Everything that a training run keeps between two rounds."""

    layout: Layout
    weights: Path
    """File of the fp32 weights; they are in memory only while they are worked on."""
    round: int = 0
    """Number of completed rounds."""
    scores: dict[int, float] = field(default_factory=dict)
    """Pooled tuning AUC of the weights after each round."""
    best: int = -1
    """Round whose weights would be frozen now (`selection.judge`); -1: none yet."""
    judged: dict[int, dict[str, SiteTuning]] = field(default_factory=dict)
    """What the tuning splits say of the weights after each round: by site, and by the names of the
    sites of a masked sum (`a b c`)."""
    figures: dict[int, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """The whole tuning figures of the weights that are kept, by round and as in `judged`."""
    examples: dict[str, int] = field(default_factory=dict)
    """Training examples by site, as of the newest round."""


def file_of_round(folder: Path, round_: int) -> Path:
    """Return the file of the weights after a round, whether it is still kept or not."""
    return folder / f"round-{round_:05d}.safetensors"


def parts(state: TrainingState) -> Iterator[Flat]:
    """Read the weights piece by piece, in the layout's order."""
    return read_parts(state.weights, state.layout.size)


def save(folder: Path, state: TrainingState, weights: Flat) -> None:
    """Write the state after a round; keep the files of this round, the one before and the best."""
    kept = {state.round, state.round - 1, state.best}
    state.figures = {n: f for n, f in state.figures.items() if n in kept}
    about = {
        "round": state.round,
        "scores": {str(k): v for k, v in state.scores.items()},
        "best": state.best,
        "judged": {str(n): rows for n, rows in state.judged.items()},
        "figures": {str(n): f for n, f in state.figures.items()},
        "examples": state.examples,
    }
    path = file_of_round(folder, state.round)
    save_safetensors(path, state.layout, weights, {"hepafed": json.dumps(about)})
    state.weights = path
    keep = {file_of_round(folder, n) for n in kept}
    for old in folder.glob("round-*.safetensors"):
        if old not in keep:
            old.unlink()


def load(folder: Path) -> TrainingState | None:
    """Read the newest checkpoint; None when there is none, RunError for a damaged one."""
    found = sorted(folder.glob("round-*.safetensors"))
    if not found:
        return None
    layout, about = _read(found[-1])
    return TrainingState(
        layout=layout,
        weights=found[-1],
        round=about["round"],
        scores={int(k): v for k, v in about["scores"].items()},
        best=about["best"],
        judged={
            int(n): {names: _row(names, *row) for names, row in rows.items()}
            for n, rows in about.get("judged", {}).items()
        },
        figures={int(n): f for n, f in about.get("figures", {}).items()},
        examples=about["examples"],
    )


def weights_of_round(folder: Path, state: TrainingState, round_: int) -> Flat:
    """Read the weights after one round that is still kept."""
    flat, start = np.empty(state.layout.size, np.float32), 0
    for part in read_parts(file_of_round(folder, round_), flat.size):
        flat[start : start + part.size] = part
        start += part.size
    return flat


def from_initial(path: Path) -> TrainingState:
    """Return the state before the first round, from a file of initial weights."""
    return TrainingState(layout=_read(path)[0], weights=path)


def _row(names: str, lesions: dict[str, int] | int, auc: float, se: float | None) -> SiteTuning:
    """Return a row of `judged`; one of 0.1.0 is of one site, and may lack an error above 0."""
    if not isinstance(lesions, int):
        return SiteTuning(lesions, auc, se or 0.5)
    half = lesions // 2
    return SiteTuning({names: lesions}, auc, max(se or 0.0, expected_error(auc, half, half)))


def _read(path: Path) -> tuple[Layout, dict[str, Any]]:
    """Read the layout of a checkpoint and what its metadata says, but not the weights."""
    try:
        with safe_open(str(path), framework="numpy") as f:
            about = json.loads((f.metadata() or {}).get("hepafed", "{}"))
            order = json.loads((f.metadata() or {})["order"])
            shapes = tuple(tuple(f.get_slice(n).get_shape()) for n in order)
    except (OSError, KeyError, ValueError, SafetensorError) as e:
        raise RunError(f"the checkpoint {path.name} cannot be read", "resume the run") from e
    return Layout(names=tuple(order), shapes=shapes), about
