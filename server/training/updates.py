"""Updates as sites upload them: files in the plan's encoding, checked and read piece by piece."""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import numpy as np
from hepafed.common.errors import PayloadError
from hepafed.common.network import Flat, read_parts_of
from numpy.typing import NDArray

_CHUNK = 1 << 18
"""How many numbers are worked on at a time."""


def read_update(
    path: Path, size: int, block: int = _CHUNK
) -> Generator[NDArray[np.float32], None, None]:
    """Read an update of `size` numbers piece by piece, of at most `block` numbers each.

    Mapped into memory it would count twice. Its file says in which encoding it is.

    Raises
    ------
    PayloadError
        Wrong length, or a scale or code that cannot be.
    """
    return read_parts_of(path, size, block)


def check_update(path: Path, size: int, largest_norm: float, part: float = 1.0) -> float:
    """Check an update of `size` numbers; return its L2 norm.

    The norm of an update of a `part` of its round (0 to 1) is taken as if the round were whole.

    Raises
    ------
    PayloadError
        Wrong length, NaN or infinity, or a norm above `largest_norm`.
    """
    total = 0.0
    for piece in read_update(path, size):
        with np.errstate(over="ignore"):  # infinity is above every norm
            square = float(np.dot(piece, piece))
        if not np.isfinite(square) and not np.isfinite(piece).all():
            raise PayloadError("the update contains NaN or infinity")
        total += square
    norm = float(np.sqrt(total)) / part
    if not norm <= largest_norm:
        whole = "" if part == 1 else " (as of a whole round)"
        raise PayloadError(
            f"the update's norm {norm:.3g}{whole} is above the plan's {largest_norm:.3g}"
        )
    return norm


def add_weights(made: Flat, weights: Iterable[Flat], scale: Callable[[Flat, int], None]) -> Flat:
    """Scale a vector and add `weights`, which come piece by piece, in order; return the vector.

    `scale(piece, start)` changes the piece of the vector that begins at `start`.

    Raises
    ------
    ValueError
        The pieces are not as many numbers as the vector has.
    """
    start = 0
    for part in weights:
        here = made[start : start + part.size]
        scale(here, start)
        here += part
        start += part.size
    if start != made.size:
        raise ValueError(f"{start} weights, not {made.size}")
    return made
