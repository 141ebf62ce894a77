"""Over which lesions scores were released, so that no answers differ by a few patients.

Two sums over nearly the same lesions, subtracted, are a sum over the few that differ; so are two
AUCs, nearly. A set of scores (a model's, of a split) goes into masked sums over one set of lesions
only: the rest of another could be one hospital's alone. Its figures are released over further
sets, such as those that every compared model could score, as long as each part that the sets cut
the cohort into holds lesions of `minimum_count` patients: sums of several answers give no less.
The file released.json holds the lesions' pseudonyms, shortened; it never leaves the site.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hepafed.client.release.past_sums import RESET
from hepafed.common.errors import ConfigError, RefusedError
from hepafed.common.files import write_whole
from hepafed.common.records import read_record, write_record
from hepafed.common.statistics import ScoreTable

MOST_SETS = 4
"""Sets of lesions over which a set of scores is released: one a protocol."""


@dataclass(frozen=True, kw_only=True)
class _Memory:
    """Everything that released.json holds; lesions as `patient.lesion`, in order."""

    summed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Scores (split and weights) → the lesions that went into masked sums."""
    sets: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """Scores → each set of lesions that figures were released of."""


class Released:
    """The file released.json of a site."""

    def __init__(self, home: Path) -> None:
        self._path = home / "released.json"

    def hold(
        self, tables: Mapping[str, ScoreTable], split: str, minimum: int, *, summed: bool
    ) -> None:
        """Write down that scores, by the digest of their weights, are about to leave.

        Raises
        ------
        RefusedError
            With earlier answers they would tell of fewer than `minimum` patients; they left over
            too many sets of lesions already; or, to be `summed` under masks, in a sum over
            others. Nothing is written down then.
        """
        memory = before = self._load()
        for weights, table in tables.items():
            memory = _held(memory, f"{split} {weights}", _set_of(table), minimum, summed)
        if memory != before:
            self._store(memory)

    def forget(self) -> None:
        """Forget every set."""
        self._store(_Memory())

    def _load(self) -> _Memory:
        if not self._path.exists():
            return _Memory()
        try:
            values = json.loads(self._path.read_text())
        except ValueError as e:
            raise ConfigError("released.json is damaged", RESET) from e
        return read_record(_Memory, values, ConfigError, "released.json")

    def _store(self, memory: _Memory) -> None:
        write_whole(self._path, json.dumps(write_record(memory)), private=True)


def _held(memory: _Memory, key: str, now: tuple[str, ...], minimum: int, summed: bool) -> _Memory:
    before = memory.sets.get(key, ())
    if summed and memory.summed.get(key, now) != now:
        raise RefusedError("these scores went into a masked sum over other lesions", RESET)
    sets = before if now in before else (*before, now)
    if len(sets) > 1 and _smallest_part(sets) < minimum:
        raise RefusedError(
            "these scores were released over other lesions before, which differ in a few "
            "patients only: the difference would tell of those",
            RESET,
        )
    if len(sets) > MOST_SETS:
        raise RefusedError(
            f"these scores were released over {MOST_SETS} sets of lesions before", RESET
        )
    held = {**memory.summed, key: now} if summed else memory.summed
    return replace(memory, summed=held, sets={**memory.sets, key: sets})


def _smallest_part(sets: Sequence[tuple[str, ...]]) -> int:
    """Cut all lesions by the sets that hold them; gives the fewest patients of a part."""
    held = [frozenset(s) for s in sets]
    parts: dict[tuple[bool, ...], set[str]] = {}
    for lesion in frozenset().union(*held):
        part = tuple(lesion in s for s in held)
        parts.setdefault(part, set()).add(lesion.split(".")[0])
    return min(len(patients) for patients in parts.values())


def _set_of(table: ScoreTable) -> tuple[str, ...]:
    pairs = zip(table.patient.tolist(), table.lesion.tolist(), strict=True)
    return tuple(sorted(f"{_short(p)}.{_short(p, lesion)}" for p, lesion in pairs))


def _short(*names: str) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:10]
