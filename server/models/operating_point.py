"""The operating point in sentences: on whom it was chosen, how well it is known, what is weak."""

from hepafed.server.formats import OperatingPoint

FEW = 50
"""Tuning patients of a class below which a reader is warned."""
NO_INTERVAL = "none: too few tuning patients of one class"


def chosen_on(point: OperatingPoint) -> str:
    """Return the patients on whom the threshold was chosen; of an old card what it states.

    `17 tuning patients (9 malignant, 8 benign) of 3 sites`.
    """
    if point.positives is None or point.negatives is None:
        return point.chosen_on
    patients = f"{point.positives + point.negatives:,} tuning patients "
    patients += f"({point.positives:,} malignant, {point.negatives:,} benign)"
    if point.sites is None:
        return patients
    return f"{patients} of {point.sites} site{'' if point.sites == 1 else 's'}"


def interval(point: OperatingPoint) -> str:
    """Return the 95 % interval of the threshold; "" where the card has none."""
    if point.low is None or point.high is None:
        return ""
    return f"{point.low:.4f} to {point.high:.4f}"


def warning(point: OperatingPoint) -> str:
    """Return what is weak in the choice of the threshold; "" where nothing is, or it is unknown."""
    if point.positives is None or point.negatives is None:
        return ""
    counts = ((point.positives, "malignant"), (point.negatives, "benign"))
    few = [f"{n} {name}" for n, name in counts if n < FEW]
    if not few:
        return ""
    return (
        f"Few tuning patients: {' and '.join(few)}, fewer than {FEW}. In other patients the "
        "balance of sensitivity and specificity may be a different one."
    )


def sentences(point: OperatingPoint) -> list[str]:
    """Return how the threshold was chosen, its interval and what is weak, a sentence each."""
    if point.positives is None:
        return [f"Rule of the threshold: {point.rule} ({point.chosen_on})."]
    made = [f"The threshold was chosen on {chosen_on(point)}. Rule: {point.rule}."]
    if point.cuts is not None:
        made.append(_places(point.cuts))
    ends = interval(point)
    made.append(
        f"95 % interval of the threshold: {ends}."
        if ends
        else "The threshold has no interval: there were too few tuning patients of one class."
    )
    return [*made, warning(point)] if warning(point) else made


def _places(cuts: int) -> str:
    if cuts == 1:
        return "The released counts part the scores at 1 place."
    return f"The released counts part the scores at {cuts:,} places."
