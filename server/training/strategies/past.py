"""What the rounds before left for the next one."""

from collections.abc import Callable
from dataclasses import dataclass

from hepafed.common.network import Flat


@dataclass(frozen=True)
class Past:
    """The rounds before, as an aggregation needs them."""

    vector: Callable[[str], Flat | None] = lambda _name: None
    """Reads a vector of the checkpoint by its name, float32 [size of the layout]; None before the
    first."""
    sites: int = 0
    """How many sites have given an update in any round before."""
