"""How far a masked sum is: its files in the run's folder, so that a restart goes on from them."""

import hashlib
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from hepafed.common.contract.messages import Terms
from hepafed.common.disclosure import Counts, counts_from_bytes, counts_to_bytes
from hepafed.common.errors import ConfigError
from hepafed.common.files import write_whole
from hepafed.common.json_file import JsonFile
from hepafed.common.records import optional

HINT = "restore a copy of it; without one the sum cannot go on: start another validation"


@dataclass(frozen=True, kw_only=True)
class SumProgress:
    """The content of masked-SUBJECT.json."""

    attempt: int = 0
    """Number of attempts that were begun."""
    lost: dict[str, str] = field(default_factory=dict)
    """Sites that dropped out, with the reason."""
    terms: Terms | None = None
    """Terms of the attempt whose vectors have all arrived."""
    done: bool = False
    """Whether the sum has been opened."""
    bands: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    """Bands of the AUCs that each site released at the opening."""
    totals: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The numbers of cases that each participant signed with its key, as in `KeyOffer`."""
    sha256: str = optional("")
    """SHA-256 of the opened sum; "" before, and in one of 0.1.0."""


class SumFolder:
    """Where one masked sum keeps its progress, its total and, until then, its vectors."""

    def __init__(self, run_folder: Path, name: str) -> None:
        self._progress = JsonFile(
            path=run_folder / f"masked-{name}.json",
            record=SumProgress,
            hint=HINT,
            private=False,
            name=f"runs/{run_folder.name}/masked-{name}.json",
        )
        self._total = run_folder / f"masked-{name}.sum"
        self.vectors = run_folder / f"masked-{name}"

    def load(self) -> SumProgress:
        """Read the progress; that of a sum which was not begun when there is no file."""
        return self._progress.read(SumProgress())

    def store(self, progress: SumProgress) -> SumProgress:
        """Write the progress down and return it."""
        self._progress.write(progress)
        return progress

    def finish(self, progress: SumProgress, total: Counts) -> SumProgress:
        """Keep the opened sum and delete the vectors; return the progress, done."""
        content = counts_to_bytes(total)
        write_whole(self._total, content)
        digest = hashlib.sha256(content).hexdigest()
        done = self.store(replace(progress, done=True, sha256=digest))
        shutil.rmtree(self.vectors, ignore_errors=True)
        return done

    def remove(self) -> None:
        """Delete the sum and all that belongs to it."""
        self._progress.path.unlink(missing_ok=True)
        self._total.unlink(missing_ok=True)
        shutil.rmtree(self.vectors, ignore_errors=True)

    def total(self, length: int) -> Counts:
        """Read the opened sum of `length` counts; ConfigError where its file is damaged."""
        stated = self.load().sha256
        try:
            content = self._total.read_bytes()
        except OSError:
            content = b""
        damaged = not content or (stated and hashlib.sha256(content).hexdigest() != stated)
        if damaged:
            name = f"runs/{self._total.parent.name}/{self._total.name}"
            raise ConfigError(f"{name} is missing or damaged", HINT)
        return counts_from_bytes(content, length)
