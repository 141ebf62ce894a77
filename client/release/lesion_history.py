"""Over which lesions scores were released, so that no answers differ by a few patients.

Two sums over nearly the same lesions, subtracted, are a sum over the few that differ; so are two
AUCs, nearly. A set of scores (a model's, of a split) goes into masked sums over one set of lesions
only: the rest of another could be one hospital's alone. Its figures are released over further
sets, such as those that every compared model could score, as long as each part that the sets cut
the cohort into holds lesions of `minimum_count` patients: sums of several answers give no less.
A lesion that was labelled anew, or has other images, is another lesion of its patient. The file
released.json holds the lesions' pseudonyms, shortened; it never leaves the site.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hepafed.client.release.questions import lesion_of, names_of, patient_of
from hepafed.client.release.sum_history import RESET
from hepafed.common.errors import RefusedError
from hepafed.common.kept_files import KeptJsonFile
from hepafed.common.statistics import ScoreTable

MOST_SETS = 4
"""The most sets of lesions over which a set of scores is released: one for each protocol."""


@dataclass(frozen=True, kw_only=True)
class PastLesions:
    """The lesions over which a site released scores, as `names_of` names them, in order."""

    summed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The lesions that went into masked sums, by split and weights."""
    sets: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """Each set of lesions over which figures were released, by split and weights."""


class LesionHistory:
    """The file released.json of a site."""

    def __init__(self, home: Path) -> None:
        self._file = KeptJsonFile(path=home / "released.json", record=PastLesions, hint=RESET)

    def must_be_known(self) -> None:
        """Raise ConfigError where the file is damaged, or missing though it was written."""
        self._file.read(missing=PastLesions())

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
        past = before = self._file.read(missing=PastLesions())
        for weights, table in tables.items():
            past = _with(past, f"{split} {weights}", _set_of(table), minimum, summed)
        if past != before:
            self._file.write(past)

    def forget(self) -> None:
        """Forget every set."""
        self._file.write(PastLesions())


def _with(
    past: PastLesions, key: str, now: tuple[str, ...], minimum: int, summed: bool
) -> PastLesions:
    """Return the history with one more release of the scores `key`, or raise RefusedError."""
    full = {lesion_of(x): x for x in now}
    before = tuple(_full(s, full) for s in past.sets.get(key, ()))
    if summed and _full(past.summed.get(key, now), full) != now:
        raise RefusedError("these scores were used in a masked sum over other lesions", RESET)
    sets = before if now in before else (*before, now)
    if len(sets) > 1 and _smallest_part(sets) < minimum:
        raise RefusedError(
            "these scores were released over other lesions before, which differ in a few "
            "patients only: the difference would reveal those patients",
            RESET,
        )
    if len(sets) > MOST_SETS:
        raise RefusedError(
            f"these scores were released over {MOST_SETS} sets of lesions before", RESET
        )
    held = {**past.summed, key: now} if summed else past.summed
    return replace(past, summed=held, sets={**past.sets, key: sets})


def _full(held: tuple[str, ...], full: Mapping[str, str]) -> tuple[str, ...]:
    """Return lesions that 0.1.0 wrote down, without their content, by the names they have now."""
    return tuple(sorted(full.get(x, x) for x in held))


def _smallest_part(sets: Sequence[tuple[str, ...]]) -> int:
    """Return the fewest patients of a part, where the sets cut all lesions into parts."""
    held = [frozenset(s) for s in sets]
    parts: dict[tuple[bool, ...], set[str]] = {}
    for lesion in frozenset().union(*held):
        part = tuple(lesion in s for s in held)
        parts.setdefault(part, set()).add(patient_of(lesion))
    return min(len(patients) for patients in parts.values())


def _set_of(table: ScoreTable) -> tuple[str, ...]:
    return tuple(sorted(names_of(table)))
