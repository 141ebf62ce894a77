"""When an answer would tell of a few patients only: pure rules over scores and ranks.

The coordinator chooses the network, so an answer's scores are what it wants them to be. Refused are
scores that are nearly an earlier answer's but for a few patients, and scores that are the same for
nearly all patients, in both cases also where those few are none. No rule refuses because of one
patient: else the refusal would tell whether a person is here (docs/decisions/0020).
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
MOST_SHARE, FULL_SHARE = 0.1, 120
"""Ranks are nearly the same that differ by no more than this share of the cohort; in one of fewer
than so many patients by the smaller share, in proportion: there chance alone makes orders alike."""
GAP = 4.0
"""Scores stand apart whose distance from the others is more than this many times their range."""
POINTS, PARTS = 3, 50
"""Scores at few points: all but a few lie in this many ranges of a fiftieth of the whole range."""


def limit_of(secret: bytes, question: Question, minimum: int, patients: int) -> int:
    """Return the fewest patients of whom an answer must tell.

    It is at least `minimum`, less only in a cohort of fewer than four times that many. In a cohort
    of more than four times that many it is drawn by a key that stays at the site, from `minimum` to
    3 × `minimum` - 1, and up to a quarter of the cohort: somebody who knows minimum - 1 patients of
    the cohort cannot count with a refusal whether the next one is a patient too.
    """
    least = min(minimum, max(1, patients // 4))
    most = min(3 * minimum - 1, patients // 4)
    if most <= least:
        return least
    drawn = hmac.new(secret, repr(question).encode(), hashlib.sha256).digest()
    return least + int.from_bytes(drawn[:8], "big") % (most - least + 1)


def look_at(table: ScoreTable, least: int) -> tuple[bool, bool]:
    """Return whether nearly all patients have few different scores, and whether a few stand apart.

    A network that gives nearly all the same score tells of those for whom it does not: it is
    refused. Fewer than `least` patients who stand apart are set aside before that is judged, so
    that the refusal does not tell whether they are here. That they stand apart is for the site to
    know. Scores are compared as logits, up to a factor and a shift.
    """
    patient, count = patients_of(table)
    if count < FEWEST:
        return False, False
    rows = logits_of(table)
    rest = [_without_few_apart(r, patient, least) for r in rows]
    return (
        any(_few_points(r[kept], patient[kept], least) for r, kept in zip(rows, rest, strict=True)),
        any(len(kept) < len(patient) for kept in rest),
    )


def _without_few_apart(scores: Floats, patient: Ranks, least: int) -> Ranks:
    """Return the lesions without those beyond gaps that are wide for the range of all others.

    Fewer than `least` patients are taken out, at both ends together; of several ways the one that
    takes out most lesions.
    """
    order = np.argsort(scores, kind="stable")
    ordered, owner, count = scores[order], patient[order].tolist(), len(order)
    best = order
    for low in range(count):
        if len(set(owner[:low])) >= least:
            break
        for high in range(count, low, -1):
            if len({*owner[:low], *owner[high:]}) >= least:
                break
            wide = GAP * (ordered[high - 1] - ordered[low])
            below = low == 0 or ordered[low] - ordered[low - 1] > wide
            above = high == count or ordered[high] - ordered[high - 1] > wide
            if below and above and high - low < len(best):
                best = order[low:high]
    return best


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
    """Tell whether two answers are nearly the same but for fewer than `least` patients, or none.

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
    return any(_near(a, turned, p, least) for a, b, p in pairs for turned in (b, -b))


def _least_benign(benign: Ranks, patient: Ranks) -> Ranks:
    """Return each patient's score of malignancy, upside down: the lowest rank of a lesion's."""
    made = np.full(int(patient.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(made, patient, benign)
    return made


def _near(first: Ranks, second: Ranks, patient: Ranks, least: int) -> bool:
    """Tell whether, without fewer than `least` patients, none changes ranks by much.

    Those who change most are left out one after the other, and the ranks of the others made anew:
    one patient who goes from one end to the other moves all others by a rank.
    """
    count = len(first)
    most, rows = MOST_SHARE * min(1.0, count / FULL_SHARE) * count, np.arange(count)
    for left in range(least):
        a, b = _middle_ranks(first[rows]), _middle_ranks(second[rows])
        change = np.abs(a - b)
        if change.max() <= most:
            return True
        if left == least - 1:
            break
        rows = rows[patient[rows] != patient[rows[int(np.argmax(change))]]]
    return False


def _middle_ranks(values: Ranks) -> Floats:
    """Return the middle rank of each value, 0.5 for the lowest of distinct ones."""
    ordered = np.sort(values)
    ends = [np.searchsorted(ordered, values, side) for side in ("left", "right")]
    made: Floats = (ends[0] + ends[1]) / 2
    return made
