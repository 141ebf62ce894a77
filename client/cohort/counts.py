"""Patients and lesions of a cohort, counted for the site's own eyes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hepafed.client.cohort.records import Acquisition, Lesion
from hepafed.common.contract import CLASSES, PROTOCOLS, SPLITS


def count(
    lesions: Sequence[Lesion], acquired: Iterable[Acquisition], splits: Mapping[str, str]
) -> dict[str, Any]:
    """Count patients, examinations and lesions.

    Lesions are counted by class, split, protocol (those that have all of its sequences) and
    sequence; examinations by manufacturer.
    """
    has = [set(r.sequences.split(",")) for r in lesions]
    scanners = {(a.examination, a.manufacturer) for a in acquired}
    return {
        "patients": len({r.patient for r in lesions}),
        "examinations": len({r.examination for r in lesions if r.examination}),
        "lesions": len(lesions),
        "class": {c: sum(r.label == i for r in lesions) for i, c in enumerate(CLASSES)},
        "split": {
            s: sum(splits.get(r.patient) == s for r in lesions) for s in SPLITS if s != "external"
        },
        "protocol": {p: sum(set(s) <= h for h in has) for p, s in PROTOCOLS.items()},
        "sequence": dict(sorted(Counter(s for h in has for s in h).items())),
        "scanner": dict(sorted(Counter(m for _, m in scanners).items())),
    }
