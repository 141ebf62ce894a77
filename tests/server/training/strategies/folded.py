"""Updates as files, and what an aggregation makes of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hepafed.common.network.weights import Flat, to_bf16
from hepafed.server.training.aggregation import Aggregation
from hepafed.server.training.pace import WHOLE, LocalWork


def wired(values: np.ndarray) -> Flat:
    """Give the numbers as they are after the wire: bf16."""
    bits = np.frombuffer(to_bf16(np.asarray(values, np.float32)), "<u2").astype(np.uint32)
    return (bits << np.uint32(16)).view(np.float32)


def write(folder: Path, name: str, update: np.ndarray) -> Path:
    path = folder / f"{name}.update"
    path.write_bytes(to_bf16(np.asarray(update, np.float32)))
    return path


def folded(
    made: Aggregation,
    folder: Path,
    updates: Sequence[np.ndarray],
    weights: Flat,
    examples: Sequence[int] = (),
    work: Sequence[LocalWork] = (),
    piece: int = 1 << 20,
) -> Flat:
    """Fold updates and return the new weights; the old ones are given in pieces of a size."""
    folder.mkdir(exist_ok=True)
    for n, update in enumerate(updates):
        path = write(folder, f"site-{n}", update)
        made.fold(path, examples[n] if examples else 1, work[n] if work else WHOLE)
    return made.onto(weights[i : i + piece] for i in range(0, weights.size, piece))
