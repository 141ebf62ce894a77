"""Over which lesions a cohort is answered, so that totals of two answers tell of no few patients.

Two answers over nearly the same lesions, of whatever models, show by their totals of which class
the few are that only one of them holds. So the lesions of a new answer are chosen such that every
part into which all answers divide the cohort has lesions of `minimum` patients, or none: further
lesions are left out, drawn by a key that stays at the site (complementary suppression).
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable

from hepafed.client.release.questions.asked import patient_of


def answerable(
    wanted: Collection[str], earlier: Iterable[tuple[str, ...]], minimum: int, secret: bytes
) -> frozenset[str]:
    """Return the lesions (see `name_of`) of `wanted` over which a new answer may be.

    `earlier`: the lesions of each earlier answer. May be none at all.
    """
    sets = [frozenset(s) for s in dict.fromkeys(earlier)]
    asked = frozenset(wanted)
    parts: dict[tuple[bool, ...], set[str]] = {}
    for lesion in asked.union(*sets):
        parts.setdefault(tuple(lesion in s for s in sets), set()).add(lesion)
    kept: set[str] = set()
    for where, part in parts.items():
        inside, outside = part & asked, part - asked
        if any(where) and outside:  # lesions that no answer holds are known to nobody
            inside = _with_enough_outside(inside, outside, minimum, secret)
        if len(_patients(inside)) >= minimum or (any(where) and inside == part):
            kept |= inside
    return frozenset(kept) if sets else asked


def _with_enough_outside(
    inside: set[str], outside: set[str], minimum: int, secret: bytes
) -> set[str]:
    """Return the lesions of `inside` that stay when patients go until `minimum` are outside."""

    def draw(patient: str) -> bytes:
        return hmac.new(secret, patient.encode(), hashlib.sha256).digest()

    gone = _patients(outside)
    queue = sorted(_patients(inside) - gone, key=draw)
    gone |= set(queue[: max(0, minimum - len(gone))])
    return {x for x in inside if patient_of(x) not in gone}


def _patients(lesions: Collection[str]) -> set[str]:
    return {patient_of(x) for x in lesions}
