"""What a strategy keeps at the site between rounds: its BatchNorm, or its control variate.

`strategy/` holds the newest round of one run, and the one that it went on from: a round that is
asked for again begins where it did. Nothing here is ever sent as it is.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hepafed.client.round_files import RoundFiles
from hepafed.common.network import Flat

FOLDER = "strategy"
HINT = (
    f"restore a copy; or remove the folder {FOLDER}: with fedbn or silobn this site then begins "
    "with the federation's BatchNorm, with scaffold it takes no part in the rest of that run"
)


class StrategyState:
    """What is kept of a strategy's state, by run and round."""

    def __init__(self, home: Path) -> None:
        self._files = RoundFiles(home, FOLDER, HINT)

    def keep(
        self, run: str, round: int, strategy: str, tensors: Mapping[str, Flat], after: int
    ) -> None:
        """Keep the state at the end of a round, float32 by name.

        `after`: the round that it went on from, whose state stays; 0 for none.
        """
        self._files.keep(run, round, strategy, tensors, (after,))

    def newest(self, run: str, before: int, strategy: str) -> int:
        """Return the newest round before another one of which a state is kept; 0 for none."""
        return max((r for r in self._files.rounds(run, strategy) if r < before), default=0)

    def read(self, run: str, round: int, strategy: str) -> dict[str, Flat] | None:
        """Return the state at the end of a round by name; None where none is kept.

        Raises
        ------
        ConfigError, DataError
            It was kept, and is damaged or missing.
        """
        return self._files.read(run, round, strategy)

    def faults(self, *, whole: bool = True) -> Iterator[str]:
        """Yield what is damaged or missing, with its file's name (see `RoundFiles.faults`)."""
        yield from self._files.faults(whole=whole)
