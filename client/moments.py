"""The optimiser's moments at the end of a round, kept at the site: a worker that ended goes on.

`moments/` holds those of the newest two rounds of one run: the round that comes next begins with
the newest, and a round that is asked for again with the ones before. Nothing here is ever sent.

A file of moments does not wait for the disk. A kill leaves it whole or absent; after a power cut
it may be damaged, which is found when it is read, and its round is refused (docs/decisions/0006).
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
    joined,
    open_weights,
    read_parts,
    save_pieces,
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

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._file = JsonFile(
            path=self._folder / "known.json",
            record=KnownMoments,
            hint=HINT,
            name=f"{FOLDER}/known.json",
        )

    def keep(self, run: str, round: int, optimiser: str, tensors: Mapping[str, Flat]) -> None:
        """Keep the moments at the end of a round, float32 by name; without any, nothing is done.

        What is kept of the round before stays; of other rounds and runs it goes.
        """
        if not tensors:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if not self._file.path.exists():  # first of all: files without it are a fault
            self._file.write(KnownMoments())
        before = self._file.read()
        same = (before.run, before.optimiser) == (run, optimiser)
        rounds = {round, *(r for r in before.rounds if same and round - ROUNDS < r < round)}
        layout = Layout(tuple(tensors), tuple(t.shape for t in tensors.values()))
        path = self._path(run, round)
        about = {"run": run, "round": str(round)}

        def write() -> None:
            save_pieces(path, layout, joined(tensors.values()), about, durable=False)

        in_room(self._folder, 4 * layout.size, write)
        self._file.write(KnownMoments(run=run, optimiser=optimiser, rounds=tuple(sorted(rounds))))
        kept = {self._path(run, r) for r in rounds}
        for other in self._files():
            if other not in kept:
                other.unlink(missing_ok=True)

    def read(self, run: str, round: int, optimiser: str) -> dict[str, Flat] | None:
        """Return the moments at the end of a round by name; None where none are kept.

        Raises
        ------
        ConfigError, DataError
            They were kept, and are damaged or missing; or the list of what is kept is.
        """
        known = self._known()
        if (known.run, known.optimiser) != (run, optimiser) or round not in known.rounds:
            return None
        path = self._path(run, round)
        try:
            layout = open_weights(path).layout
            flat, start = np.empty(layout.size, np.float32), 0
            for part in read_parts(path, layout.size):
                flat[start : start + part.size] = part
                start += part.size
        except PayloadError as e:
            raise DataError(f"{FOLDER}/{path.name} {_fault(path)}", HINT) from e
        tensors, start = {}, 0
        for name, shape in zip(layout.names, layout.shapes, strict=True):
            tensors[name] = flat[start : start + prod(shape)].reshape(shape)
            start += prod(shape)
        return tensors

    def faults(self, *, whole: bool = True) -> Iterator[str]:
        """Yield what is damaged or missing, with its file's name.

        Each file is read to its end; without `whole` only its header, and its length. What that
        leaves is found by `read`.
        """
        try:
            known = self._known()
        except HepaFedError as e:
            yield e.message
            return
        for path in (self._path(known.run, r) for r in known.rounds):
            if not (is_whole_file(path) if whole else _has_header(path)):
                yield f"{FOLDER}/{path.name} {_fault(path)}"

    def _known(self) -> KnownMoments:
        """Return what is kept; without its list there must be none."""
        return self._file.read(missing=None if self._files() else KnownMoments())

    def _files(self) -> list[Path]:
        return [*self._folder.glob("*.safetensors")]

    def _path(self, run: str, round: int) -> Path:
        """Return the file of a round; the run's id comes from the coordinator."""
        name = hashlib.sha256(run.encode()).hexdigest()[:12]
        return self._folder / f"{name}-{round:05}.safetensors"


def _has_header(path: Path) -> bool:
    try:
        open_weights(path)
    except PayloadError:
        return False
    return True


def _fault(path: Path) -> str:
    return "is damaged" if path.exists() else "is missing"
