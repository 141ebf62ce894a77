"""Tensors that a site keeps from round to round of one run, in files that are held to digests."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
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


@dataclass(frozen=True, kw_only=True)
class KnownRounds:
    """Of which run and rounds tensors are kept."""

    run: str = ""
    optimiser: str = ""
    """What made them: an optimiser, or a strategy."""
    rounds: tuple[int, ...] = ()


class RoundFiles:
    """A folder of a site's home with tensors at the end of some rounds of one run."""

    def __init__(self, home: Path, folder: str, hint: str, *, durable: bool = True) -> None:
        """`hint`: what to do about a damaged file; `durable`: files wait for the disk."""
        self._name, self._folder, self._hint = folder, home / folder, hint
        self._durable = durable
        self._file = JsonFile(
            path=self._folder / "known.json",
            record=KnownRounds,
            hint=hint,
            name=f"{folder}/known.json",
        )

    def keep(
        self, run: str, round: int, kind: str, tensors: Mapping[str, Flat], beside: Collection[int]
    ) -> None:
        """Keep the tensors at the end of a round, float32 by name.

        Of the rounds `beside` those of the same run and kind stay; all others go.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if not self._file.path.exists():  # first of all: files without it are a fault
            self._file.write(KnownRounds())
        rounds = {round, *({*self.rounds(run, kind)} & {*beside})}
        layout = Layout(tuple(tensors), tuple(t.shape for t in tensors.values()))
        path = self._path(run, round)
        about = {"run": run, "round": str(round)}

        def write() -> None:
            save_pieces(path, layout, joined(tensors.values()), about, durable=self._durable)

        in_room(self._folder, 4 * layout.size, write)
        self._file.write(KnownRounds(run=run, optimiser=kind, rounds=tuple(sorted(rounds))))
        kept = {self._path(run, r) for r in rounds}
        for other in self._files():
            if other not in kept:
                other.unlink(missing_ok=True)

    def rounds(self, run: str, kind: str) -> tuple[int, ...]:
        """Return the rounds of which tensors are kept, ascending.

        Raises
        ------
        ConfigError
            The list of them is damaged.
        """
        known = self._known()
        return known.rounds if (known.run, known.optimiser) == (run, kind) else ()

    def read(self, run: str, round: int, kind: str) -> dict[str, Flat] | None:
        """Return the tensors at the end of a round by name; None where none are kept.

        Raises
        ------
        ConfigError, DataError
            They were kept, and are damaged or missing; or the list of what is kept is.
        """
        if round not in self.rounds(run, kind):
            return None
        path = self._path(run, round)
        try:
            layout = open_weights(path).layout
            flat, start = np.empty(layout.size, np.float32), 0
            for part in read_parts(path, layout.size):
                flat[start : start + part.size] = part
                start += part.size
        except PayloadError as e:
            raise DataError(f"{self._name}/{path.name} {_fault(path)}", self._hint) from e
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
                yield f"{self._name}/{path.name} {_fault(path)}"

    def _known(self) -> KnownRounds:
        """Return what is kept; ConfigError where files are there and nothing says whose."""
        return self._file.read(missing=None if self._files() else KnownRounds())

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
