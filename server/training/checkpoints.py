"""A run's checkpoints: fp32 weights after a round, and what must be known to go on from it.

A checkpoint is one safetensors file (tensors by their names in the network) whose metadata holds
the round and the history; it is written whole or not at all, and held to its digests when it is
read. A damaged one costs what it holds: the newest whole one is gone on from.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hepafed.common.errors import PayloadError, RunError
from hepafed.common.network import (
    Flat,
    Layout,
    is_whole_file,
    open_weights,
    read_parts,
    save_safetensors,
)
from hepafed.server.training.participation import Participation, participation_from
from hepafed.server.training.tuning import expected_error


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
    taken: Participation = field(default_factory=Participation)
    """Who took part in each round."""
    vectors: tuple[str, ...] = ()
    """Names of the vectors that the round left for the next one, each in a file of its own."""
    made: dict[str, Flat] = field(default_factory=dict, compare=False)
    """Those vectors, until `save` has written them."""
    said: dict[str, Any] = field(default_factory=dict)
    """What the history says of the newest round, once its checkpoint is on disk."""
    lost: tuple[str, ...] = ()
    """Files that were found damaged when this state was read."""


def file_of_round(folder: Path, round_: int) -> Path:
    """Return the file of the weights after a round, whether it is still kept or not."""
    return folder / f"round-{round_:05d}.safetensors"


def file_of_vector(folder: Path, name: str, round_: int) -> Path:
    """Return the file of a vector that a round left for the next one."""
    return folder / f"{name}-{round_:05d}.safetensors"


def vector(folder: Path, state: TrainingState, name: str) -> Flat | None:
    """Read a vector that the newest round left, float32 [size]; None where it left none.

    Raises
    ------
    PayloadError
        Its file is damaged.
    """
    if name not in state.vectors:
        return None
    return _whole(file_of_vector(folder, name, state.round), state.layout.size)


def parts(state: TrainingState) -> Iterator[Flat]:
    """Read the weights piece by piece, in the layout's order."""
    return read_parts(state.weights, state.layout.size)


def save(folder: Path, state: TrainingState, weights: Flat) -> None:
    """Write the state after a round; keep the files of this round, the one before and the best.

    Of the vectors those of the last two rounds stay: no round goes on from the best.
    """
    kept = {state.round, state.round - 1, state.best}
    state.vectors = tuple(sorted(state.made))
    for name, flat in state.made.items():
        save_safetensors(file_of_vector(folder, name, state.round), state.layout, flat)
    state.figures = {n: f for n, f in state.figures.items() if n in kept}
    about = {
        "round": state.round,
        "scores": {str(k): v for k, v in state.scores.items()},
        "best": state.best,
        "judged": {str(n): rows for n, rows in state.judged.items()},
        "figures": {str(n): f for n, f in state.figures.items()},
        "examples": state.examples,
        "taken": state.taken.plain(),
        "said": state.said,
        **({"vectors": state.vectors} if state.vectors else {}),
    }
    path = file_of_round(folder, state.round)
    save_safetensors(path, state.layout, weights, {"hepafed": json.dumps(about)})
    state.weights, state.made = path, {}
    keep = {file_of_round(folder, n) for n in kept}
    for old in folder.glob("round-*.safetensors"):
        if old not in keep and old.is_file():
            old.unlink()
    for old in folder.glob("*-[0-9]*.safetensors"):
        name, _, number = old.stem.rpartition("-")
        if name != "round" and int(number) not in {state.round, state.round - 1}:
            old.unlink()


def load(folder: Path) -> TrainingState | None:
    """Read the newest checkpoint that is whole; None when there is none.

    `lost` names the damaged files: newer checkpoints, and kept weights that the state would choose
    from, of which the figures are left out.
    """
    lost: list[str] = []
    for path in sorted(folder.glob("round-*.safetensors"), reverse=True):
        state, damaged = _state_of(path)
        lost += damaged
        if state is None:
            continue
        for number in sorted(state.figures):
            file = file_of_round(folder, number)
            if number != state.round and not is_whole_file(file):
                del state.figures[number]
                lost.append(file.name)
        state.lost = tuple(dict.fromkeys(lost))
        return state
    return None


def has_checkpoint(folder: Path) -> bool:
    """Return whether a training's folder has a whole checkpoint."""
    return load(folder) is not None


def resumed(folder: Path) -> TrainingState:
    """Return the state of the newest whole checkpoint, or that before the first round.

    Raises
    ------
    RunError
        No file is whole.
    """
    state = load(folder)
    if state is not None:
        return state
    found = sorted(folder.glob("round-*.safetensors"))
    state = from_initial(folder / "initial.safetensors")
    state.lost = tuple(name for path in found for name in _state_of(path)[1])
    return state


def _state_of(path: Path) -> tuple[TrainingState | None, list[str]]:
    """Return the state that a checkpoint holds, or which of its files are damaged."""
    state = _read(path)
    if state is None:
        return None, [path.name]
    files = [file_of_vector(path.parent, name, state.round) for name in state.vectors]
    torn = [p.name for p in files if not is_whole_file(p)]
    return (None if torn else state), torn


def _read(path: Path) -> TrainingState | None:
    """Return the state that a round's file holds; None where it is damaged anywhere."""
    if not is_whole_file(path):
        return None
    try:
        known = open_weights(path)
        about = json.loads(known.metadata.get("hepafed", "{}"))
        return TrainingState(
            layout=known.layout,
            weights=path,
            round=about["round"],
            scores={int(k): v for k, v in about["scores"].items()},
            best=about["best"],
            judged={
                int(n): {names: _row(names, *row) for names, row in rows.items()}
                for n, rows in about.get("judged", {}).items()
            },
            figures={int(n): f for n, f in about.get("figures", {}).items()},
            examples=about["examples"],
            taken=participation_from(about.get("taken", {})),
            vectors=tuple(about.get("vectors", ())),
            said=dict(about.get("said", {})),
        )
    except (PayloadError, ValueError, KeyError, TypeError, AttributeError):
        return None


def weights_of_round(folder: Path, state: TrainingState, round_: int) -> Flat:
    """Read the weights after one round that is still kept."""
    return _whole(file_of_round(folder, round_), state.layout.size)


def _whole(path: Path, size: int) -> Flat:
    flat, start = np.empty(size, np.float32), 0
    for part in read_parts(path, size):
        flat[start : start + part.size] = part
        start += part.size
    return flat


def from_initial(path: Path) -> TrainingState:
    """Return the state before the first round, from a file of initial weights.

    Raises
    ------
    RunError
        The file is missing or damaged.
    """
    where = f"runs/{path.parent.name}/{path.name}"
    if not is_whole_file(path):
        raise RunError(
            f"{where} is missing or damaged, and there is no whole checkpoint to go on from",
            f"restore a copy of {where}, then server resume {path.parent.name}; without one, start "
            "the training anew: server train PLAN",
        )
    return TrainingState(layout=open_weights(path).layout, weights=path)


def _row(names: str, lesions: dict[str, int] | int, auc: float, se: float | None) -> SiteTuning:
    """Return a row of `judged`; one of 0.1.0 is of one site, and may lack an error above 0."""
    if not isinstance(lesions, int):
        return SiteTuning(lesions, auc, se or 0.5)
    half = lesions // 2
    return SiteTuning({names: lesions}, auc, max(se or 0.0, expected_error(auc, half, half)))
