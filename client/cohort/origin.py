"""How the lesions came about that a protocol scores, and which were left out and why."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from hepafed.client.cohort.index import Index
from hepafed.client.cohort.records import Acquisition, Lesion
from hepafed.common.contract import LEFT_OUT, SOURCES, CohortFacts

LLD_MMRI = "lld-mmri-phase"
"""The rule that gives the series of an LLD-MMRI folder their sequences."""


def facts_of(
    found: Index,
    scored: Collection[str],
    excluded: Mapping[str, str],
    unreadable: Mapping[str, str],
    split: str,
) -> CohortFacts:
    """Return where the scored lesions of a split come from, and what of the split was left out.

    `found` is the whole index, `scored` the pseudonyms of the lesions that were scored; `excluded`
    and `unreadable` give the patient of each such lesion. A lesion has one reason, the first of
    `LEFT_OUT`; a patient who has a scored lesion is left out by none. `external` is every patient.
    Of another split an unreadable lesion counts only where its patient is in that split.
    """

    def within(patient: str) -> bool:
        return split in ("external", found.splits.get(patient))

    patient_of = {r.lesion: r.patient for r in found.lesions}
    groups = (unreadable, {k: p for k, p in excluded.items() if k in patient_of}, patient_of)
    reasons: dict[str, str] = {}
    owner: dict[str, str] = {}
    for reason, lesions in zip(LEFT_OUT, groups, strict=True):
        for lesion, patient in lesions.items():
            if lesion not in scored and within(patient):
                reasons.setdefault(lesion, reason)
                owner.setdefault(lesion, patient)
    here = {patient_of[k] for k in scored if k in patient_of}
    first: dict[str, str] = {}
    for lesion, reason in sorted(reasons.items(), key=lambda kv: LEFT_OUT.index(kv[1])):
        if owner[lesion] not in here:
            first.setdefault(owner[lesion], reason)
    lesions_by, patients_by = Counter(reasons.values()), Counter(first.values())
    return CohortFacts(
        sources=_sources([r for r in found.lesions if r.lesion in scored], found.acquisitions),
        left_out={r: (patients_by[r], lesions_by[r]) for r in LEFT_OUT},
    )


def _sources(lesions: Iterable[Lesion], acquisitions: Iterable[Acquisition]) -> tuple[str, ...]:
    """Return the sources of lesions; none where that of one of them is not known."""
    rule = {a.examination: a.rule for a in acquisitions}
    made: set[str] = set()
    for r in lesions:
        if r.examination in rule:
            made.add("lld-mmri" if rule[r.examination] == LLD_MMRI else "dicom")
        elif not r.examination and r.slices == 1 and "," not in r.sequences:
            made.add("key-images")
        else:  # cohorts of before 0.1.0 knew no examinations
            return ()
    return tuple(s for s in SOURCES if s in made)
