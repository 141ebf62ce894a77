"""What a site may say of its cohort: counts of patients, small ones withheld for good."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from hepafed.client.cohort import Acquisition, Cohort, Lesion, field_strength
from hepafed.client.quality.findings import spacing_of
from hepafed.common.contract import CLASS_KEYS, PROTOCOLS, SEQUENCES, SPLITS, Spacing
from hepafed.common.contract.messages import CohortSummary
from hepafed.common.disclosure import withheld
from hepafed.common.errors import RefusedError


def summarise_cohort(
    store: Cohort, rows: Sequence[Lesion], run: str, minimum: int
) -> CohortSummary:
    """Return the counts that a site may share of these lesions of its cohort.

    Raises
    ------
    RefusedError
        There are fewer patients than the site's minimum count.
    """
    acquired, splits = store.acquisitions(), store.splits()
    worst: dict[str, int] = {}
    has: dict[str, set[str]] = defaultdict(set)
    for r in rows:
        worst[r.patient] = max(r.label, worst.get(r.patient, 0))
        there = set(r.sequences.split(","))
        has[r.patient] |= {p for p, wanted in PROTOCOLS.items() if set(wanted) <= there}
    if len(worst) < minimum:
        raise RefusedError("this site has fewer patients than its minimum count")
    strength: dict[str, str] = dict.fromkeys(worst, "not stated")
    for a in sorted(acquired, key=lambda a: (a.patient, a.examination, a.sequence)):
        if strength.get(a.patient) == "not stated":
            strength[a.patient] = field_strength(a.field_strength)
    split_of = {p: splits.get(p, "") for p in worst}
    return CohortSummary(
        run=run,
        minimum_count=minimum,
        patients=len(worst),
        lesions=len(rows),
        by_class=withheld(_tally(CLASS_KEYS, (CLASS_KEYS[k] for k in worst.values())), minimum),
        by_split=withheld(
            _tally([s for s in SPLITS if s != "external"], split_of.values()), minimum
        ),
        by_protocol=nested(
            _tally(list(PROTOCOLS), (p for found in has.values() for p in found)),
            len(worst),
            minimum,
        ),
        by_field_strength=withheld(_tally((), strength.values()), minimum),
        spacing=tuple(_spacing(acquired, set(worst), minimum)),
    )


def _tally(words: Sequence[str], found: Iterable[str]) -> dict[str, int]:
    counted = Counter(found)
    return {w: counted.get(w, 0) for w in [*words, *(w for w in sorted(counted) if w not in words)]}


def nested(counts: Mapping[str, int], total: int, minimum: int) -> dict[str, int | None]:
    """Return counts of overlapping groups, None where one is small or differs little from another.

    Each released count differs from the total and from every other released one by nothing or by
    the minimum at least: groups contained in each other give no small difference away.
    """
    released: list[int] = [0, total]
    made: dict[str, int | None] = {}
    for name, n in counts.items():
        if all(n == other or abs(n - other) >= minimum for other in released):
            made[name] = n
            released.append(n)
        else:
            made[name] = None
    return made


def _spacing(
    acquired: Sequence[Acquisition], patients: set[str], minimum: int
) -> Iterable[Spacing]:
    for sequence in SEQUENCES:
        found = [a for a in acquired if a.sequence == sequence and a.patient in patients]
        if len({a.patient for a in found}) >= minimum:
            slices, plane = spacing_of(found)
            yield Spacing(sequence=sequence, between_slices=slices, in_plane=plane)
