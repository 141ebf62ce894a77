"""The optimiser's moments at the end of a round, kept at the site: a worker that ended goes on.

`moments/` holds those of the newest two rounds of one run: the round that comes next begins with
the newest, and a round that is asked for again with the ones before. Nothing here is ever sent.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from hepafed.common.errors import DataError, HepaFedError, PayloadError
from hepafed.common.json_file import JsonFile
from hepafed.common.network import (
    Flat,
    Layout,
    is_whole_file,
    open_weights,
    read_parts,
    save_safetensors,
)
from hepafed.common.room import in_room

FOLDER = "moments"
HINT = f"restore a copy, or remove the folder {FOLDER}: the optimiser of this site then begins anew"
ROUNDS = 2
"""The rounds whose moments stay."""


@dataclass(frozen=True, kw_only=True)
class KnownMoments:
    """Of which run and rounds moments are kept."""

    run: str = ""
    optimiser: str = ""
    rounds: tuple[int, ...] = ()


class Moments:
    """What is kept of the optimiser's state, by run and round."""

    def __init__(self, home: Path, folder: str = FOLDER, hint: str = HINT) -> None:
        """`folder` of the home, and what to do where a file in it is damaged."""
        self._folder, self._hint = home / folder, hint
        self._file = JsonFile(
            path=self._folder / "known.json",
            record=KnownMoments,
            hint=hint,
            name=f"{folder}/known.json",
        )

    def keep(self, run: str, round: int, optimiser: str, tensors: Mapping[str, Flat]) -> None:
        """Keep the moments at the end of a round, float32 by name; without any, nothing is done.

        What is kept of the round before stays; of other rounds and runs it goes.
        """
        if not tensors:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        before = self._known()
        if before == KnownMoments():
            self._file.write(before)  # so that the list is never missing beside what it lists
        same = (before.run, before.optimiser) == (run, optimiser)
        rounds = {round, *(r for r in before.rounds if same and round - ROUNDS < r < round)}
        layout = Layout(tuple(tensors), tuple(t.shape for t in tensors.values()))
        flat = np.concatenate([t.ravel() for t in tensors.values()])
        path = self._path(run, round)
        about = {"run": run, "round": str(round)}
        in_room(self._folder, flat.nbytes, lambda: save_safetensors(path, layout, flat, about))
        self._file.write(KnownMoments(run=run, optimiser=optimiser, rounds=tuple(sorted(rounds))))
        kept = {self._path(run, r) for r in rounds}
        for other in self._folder.glob("*.safetensors"):
            if other not in kept:
                other.unlink()

    def read(self, run: str, round: int, optimiser: str) -> dict[str, Flat] | None:
        """Return the moments at the end of a round by name; None where none are kept.

        Raises
        ------
        ConfigError, DataError
            They were kept, and are damaged or missing.
        """
        known = self._known()
        if (known.run, known.optimiser) != (run, optimiser) or round not in known.rounds:
            return None
        path = self._path(run, round)
        try:
            layout = open_weights(path).layout
            flat = np.concatenate([*read_parts(path, layout.size)])
        except PayloadError as e:
            raise DataError(f"{self._folder.name}/{path.name} {_fault(path)}", self._hint) from e
        tensors, start = {}, 0
        for name, shape in zip(layout.names, layout.shapes, strict=True):
            tensors[name] = flat[start : start + prod(shape)].reshape(shape)
            start += prod(shape)
        return tensors

    def faults(self) -> Iterator[str]:
        """Yield what is damaged or missing, with its file's name; each file is read."""
        try:
            known = self._known()
        except HepaFedError as e:
            yield e.message
            return
        for path in (self._path(known.run, r) for r in known.rounds):
            if not is_whole_file(path):
                yield f"{self._folder.name}/{path.name} {_fault(path)}"

    def _known(self) -> KnownMoments:
        """Return what is kept; ConfigError where only the list of it is missing."""
        nothing = None if any(self._folder.glob("*.safetensors")) else KnownMoments()
        return self._file.read(missing=nothing)

    def _path(self, run: str, round: int) -> Path:
        """Return the file of a round; the run's id comes from the coordinator."""
        name = hashlib.sha256(run.encode()).hexdigest()[:12]
        return self._folder / f"{name}-{round:05}.safetensors"


def _fault(path: Path) -> str:
    return "is damaged" if path.exists() else "is missing"
