"""Rules that need the updates of all sites at once: they are read from disk block by block.

Coordinate median and trimmed mean: Yin et al., "Byzantine-robust distributed learning: towards
optimal statistical rates", ICML 2018. Krum: Blanchard et al., "Machine learning with adversaries:
Byzantine tolerant gradient descent", NeurIPS 2017. Each site counts once, whatever it states.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from hepafed.common.network import Flat
from hepafed.server.training.pace import WHOLE, LocalWork
from hepafed.server.training.updates import add_weights, read_update
from numpy.typing import NDArray

BLOCK = 1 << 18
"""How many numbers of all updates together are in memory at a time."""
_LEAST = 1 << 10

Combine = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Makes one block of the blocks of all sites, [sites, numbers]; it may change them."""


def median(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of each coordinate; of an even number of sites the mean of the middle two.

    `blocks` [sites, numbers].
    """
    return np.median(blocks, axis=0, overwrite_input=True).astype(np.float32)


def trimmed_mean(faulty: int) -> Combine:
    """Return the mean of each coordinate without its `faulty` smallest and largest values."""

    def combine(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(blocks) <= 2 * faulty:
            raise ValueError(f"{len(blocks)} updates, of which {2 * faulty} are left out")
        blocks.sort(axis=0)
        kept: NDArray[np.float32] = blocks[faulty : len(blocks) - faulty].mean(axis=0)
        return kept

    return combine


class BlockwiseRule:
    """Keeps the files of the updates until the round is over; then combines them block by block."""

    keeps_files = True
    chosen: int | None = None

    def __init__(self, size: int, combine: Combine, block: int = BLOCK) -> None:
        """`block`: how many numbers of all updates together are in memory at a time."""
        self.vectors: dict[str, Flat] = {}
        self._size, self._combine, self._block = size, combine, block
        self._paths: list[Path] = []

    def fold(self, path: Path, _examples: int, _work: LocalWork = WHOLE) -> None:
        """Take over the file of a checked update; neither examples nor steps count."""
        self._paths.append(path)

    def onto(self, weights: Iterable[Flat]) -> Flat:
        """Add what the rule makes of the updates to `weights`, and delete the files.

        Raises
        ------
        ValueError
            Nothing was folded, too few updates, or the pieces are not `size` numbers.
        """
        if not self._paths:
            raise ValueError("no update was folded")
        made, start = np.empty(self._size, np.float32), 0
        for blocks in self._blocks(self._paths):
            made[start : start + blocks.shape[1]] = self._combine(blocks)
            start += blocks.shape[1]
        for path in self._paths:
            path.unlink()
        return add_weights(made, weights, lambda _here, _start: None)

    def _blocks(self, paths: list[Path]) -> Iterator[NDArray[np.float32]]:
        """Yield the updates block by block, each [sites, numbers]."""
        block = max(_LEAST, self._block // len(paths))
        with ExitStack() as stack:
            read = [stack.enter_context(closing(read_update(p, self._size, block))) for p in paths]
            for parts in zip(*read, strict=True):
                yield np.stack(parts)


class Krum(BlockwiseRule):
    """Takes the one update that is nearest to the most others, and no other.

    Its score is the sum of the squared distances to its n - f - 2 nearest ones; the lowest wins, of
    equal ones the first.
    """

    def __init__(self, size: int, faulty: int, block: int = BLOCK) -> None:
        super().__init__(size, lambda blocks: blocks[0], block)
        self._faulty = faulty

    def onto(self, weights: Iterable[Flat]) -> Flat:
        """Add the chosen update to `weights`; `chosen` is then its number."""
        near = len(self._paths) - self._faulty - 2
        if near < self._faulty + 1:
            raise ValueError(f"{len(self._paths)} updates, of which {self._faulty} may be faulty")
        apart = self._distances()
        np.fill_diagonal(apart, np.inf)
        scores = np.sort(apart, axis=1)[:, :near].sum(axis=1)
        self.chosen = int(np.argmin(scores))
        for number, path in enumerate(self._paths):
            if number != self.chosen:
                path.unlink()
        self._paths = [self._paths[self.chosen]]
        return super().onto(weights)

    def _distances(self) -> NDArray[np.float64]:
        """Return the squared distances between the updates, [sites, sites]."""
        count = len(self._paths)
        apart = np.zeros((count, count))
        for blocks in self._blocks(self._paths):
            wide = blocks.astype(np.float64)
            for i in range(count):
                difference = wide[i + 1 :] - wide[i]
                apart[i, i + 1 :] += np.einsum("ij,ij->i", difference, difference)
        return apart + apart.T
