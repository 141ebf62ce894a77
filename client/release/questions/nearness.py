"""When an answer would tell of a few patients only: pure rules over scores and ranks.

The coordinator chooses the network, so an answer's scores are what it wants them to be. Two forms
of the same attack are refused (docs/decisions/0020): scores that are nearly the same for all but a
few patients, and scores that are nearly an earlier answer's but for a few patients. Both are
refused also when those few are none: else the refusal itself would tell whether a person is here.
"""

import hashlib
import hmac
from itertools import product

import numpy as np
from hepafed.client.release.questions.asked import (
    Answered,
    Floats,
    Question,
    Ranks,
    in_common,
    logits_of,
    patient_numbers,
)
from hepafed.common.statistics import ScoreTable, patients_of

FEWEST = 6
"""Fewest patients of whom the rules speak: fewer are in the same order by chance."""
SHARE = 0.05
"""A patient has moved who changed their rank by more than this share of the cohort."""
GAP = 4.0
"""Scores stand apart whose distance from the others is more than this many times their range."""
POINTS, PARTS = 3, 50
"""Scores at few points: all but a few lie in this many ranges of a fiftieth of the whole range."""


def limit_of(secret: bytes, question: Question, minimum: int, patients: int) -> int:
    """Return the fewest patients of whom an answer must tell.

    It is at least `minimum`, less only in a cohort of fewer than three times that many. In a cohort
    of more than four times that many it is drawn by a key that stays at the site, from `minimum` to
    3 × `minimum` - 1, and up to a quarter of the cohort: somebody who knows minimum - 1 patients of
    the cohort cannot count with a refusal whether the next one is a patient too.
    """
    least = min(minimum, max(1, patients // 3))
    most = min(3 * minimum - 1, patients // 4)
    if most <= least:
        return least
    drawn = hmac.new(secret, repr(question).encode(), hashlib.sha256).digest()
    return least + int.from_bytes(drawn[:8], "big") % (most - least + 1)


def singles_out(table: ScoreTable, least: int) -> bool:
    """Tell whether fewer than `least` patients' scores stand apart from all others', or none's do.

    None do where nearly all scores are the same: such a network tells of those for whom they are
    not. Scores are compared as logits, up to a factor and a shift.
    """
    patient, count = patients_of(table)
    if count < FEWEST:
        return False
    rows = logits_of(table)
    return not np.isfinite(rows).all() or any(
        _few_apart(r, patient, least) or _few_points(r, patient, least) for r in rows
    )


def _few_apart(scores: Floats, patient: Ranks, least: int) -> bool:
    """Tell whether a few patients lie beyond a gap that is wide for the range of all others."""
    for signed in (scores, -scores):
        order = np.argsort(-signed, kind="stable")
        ordered, beyond = signed[order], set[int]()
        for i in range(len(ordered) - 1):
            beyond.add(int(patient[order[i]]))
            if len(beyond) >= least:
                break
            if ordered[i] - ordered[i + 1] > GAP * (ordered[i + 1] - ordered[-1]):
                return True
    return False


def _few_points(scores: Floats, patient: Ranks, least: int) -> bool:
    """Tell whether all but a few patients' scores lie in `POINTS` narrow ranges."""
    order = np.argsort(scores, kind="stable")
    ordered, owner = scores[order], patient[order]
    width = (ordered[-1] - ordered[0]) / PARTS
    for _ in range(POINTS):
        ends = np.searchsorted(ordered, ordered + width, "right")
        at = int(np.argmax(ends - np.arange(len(ordered))))
        keep = np.r_[:at, ends[at] : len(ordered)]
        ordered, owner = ordered[keep], owner[keep]
        if len(set(owner.tolist())) < least:
            return True
    return False


def too_near(before: Answered, now: Answered, least: int) -> bool:
    """Tell whether fewer than `least` patients moved between two answers, or none did.

    Ranks are compared, of the lesions that both answers hold, so that no monotone change of the
    scores matters; of any class with any class, in both directions, and of patients as well.
    """
    lesions, first, second = in_common(before, now)
    patient = patient_numbers(lesions)
    if len(set(patient.tolist())) < FEWEST:
        return False
    pairs = [(a, b, patient) for a, b in product(first, second)]
    alone = np.arange(int(patient.max()) + 1)
    pairs.append((_least_benign(first[0], patient), _least_benign(second[0], patient), alone))
    return any(_moved(a, b, owner) < least for a, b, owner in pairs)


def _least_benign(benign: Ranks, patient: Ranks) -> Ranks:
    """Return each patient's score of malignancy, upside down: the lowest rank of a lesion's."""
    made = np.full(int(patient.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(made, patient, benign)
    return made


def _moved(first: Ranks, second: Ranks, patient: Ranks) -> int:
    """Return how many patients changed ranks by more than `SHARE` of all, in either direction."""
    a, b, most = _middle_ranks(first), _middle_ranks(second), SHARE * len(first)
    same, turned = np.abs(a - b) > most, np.abs(a + b - len(first)) > most
    return min(len(set(patient[same].tolist())), len(set(patient[turned].tolist())))


def _middle_ranks(values: Ranks) -> Floats:
    """Return the middle rank of each value, 0.5 for the lowest of distinct ones."""
    ordered = np.sort(values)
    ends = [np.searchsorted(ordered, values, side) for side in ("left", "right")]
    made: Floats = (ends[0] + ends[1]) / 2
    return made
