"""The optimiser's moments at the end of a round, kept at the site: a worker that ended goes on.

`moments/` holds those of the newest two rounds of one run: the round that comes next begins with
the newest, and a round that is asked for again with the ones before. Nothing here is ever sent.

A file of moments does not wait for the disk. A kill leaves it whole or absent; after a power cut
it may be damaged, which is found when it is read, and its round is refused (docs/decisions/0006).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hepafed.client.round_files import RoundFiles
from hepafed.common.network import Flat

FOLDER = "moments"
HINT = f"restore a copy, or remove the folder {FOLDER}: the optimiser of this site then begins anew"
ROUNDS = 2
"""The rounds whose moments stay."""


class Moments:
    """What is kept of the optimiser's state, by run and round."""

    def __init__(self, home: Path) -> None:
        self._files = RoundFiles(home, FOLDER, HINT, durable=False)

    def keep(self, run: str, round: int, optimiser: str, tensors: Mapping[str, Flat]) -> None:
        """Keep the moments at the end of a round, float32 by name; without any, nothing is done.

        What is kept of the round before stays; of other rounds and runs it goes.
        """
        if tensors:
            beside = range(round - ROUNDS + 1, round)
            self._files.keep(run, round, optimiser, tensors, beside)

    def read(self, run: str, round: int, optimiser: str) -> dict[str, Flat] | None:
        """Return the moments at the end of a round by name; None where none are kept.

        Raises
        ------
        ConfigError, DataError
            They were kept, and are damaged or missing; or the list of what is kept is.
        """
        return self._files.read(run, round, optimiser)

    def faults(self, *, whole: bool = True) -> Iterator[str]:
        """Yield what is damaged or missing, with its file's name.

        Each file is read to its end; without `whole` only its header, and its length. What that
        leaves is found by `read`.
        """
        yield from self._files.faults(whole=whole)
