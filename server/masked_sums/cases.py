"""An opened sum of score counts, held to the numbers of cases that its sites stated."""

from collections.abc import Sequence

from hepafed.common.errors import PayloadError
from hepafed.common.statistics import Additive, check_additive


def check_cases(sums: Additive, cases: Sequence[int], what: str) -> None:
    """Check that sums are possible, and over just these cases.

    Parameters
    ----------
    cases
        Patients (benign, malignant), then lesions by class, added up over the sites.
    what
        Whose the sums are, for the message.

    Raises
    ------
    PayloadError
        They are impossible, or over others.
    """
    check_additive(sums, what)
    patients, lesions = list(cases[:2]), list(cases[2:])
    if sums.size.tolist() != [sum(patients), sum(lesions)]:
        raise PayloadError(f"the sums of {what} are not over the announced patients")
    by_class = sums.patient_scores.sum(1).tolist(), sums.confusion.sum(1).tolist()
    if by_class != (patients, lesions):
        raise PayloadError(f"the sums of {what} are not over the announced classes")
