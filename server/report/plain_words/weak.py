"""First page: what is weak. Each rule names one weakness, and is silent where it is not there."""

import math

from hepafed.common.statistics import Z, expected_variance
from hepafed.server.formats import Report
from hepafed.server.models import operating_point
from hepafed.server.report.facts import (
    exploratory,
    is_federated,
    is_placeholder,
    listed,
    patients,
    pooled,
    sites_without_subgroups,
    tuning_patients,
)
from hepafed.server.report.plain_words.risks import FEWEST_CASES, harm_at_threshold, slope_agrees
from hepafed.server.report.plain_words.risks import calibration_of as calibration
from hepafed.server.report.tables import (
    auc_places,
    bound,
    endpoints,
    hundredfold,
    interval,
    is_headline,
    number,
    preferred,
)

DOMINANT = 0.6
"""Share of the patients above which one site makes the pooled figures."""
CHANCE = 0.5
"""AUC of scores that say nothing of the truth."""
NOT_REACHED = ("missed", "not shown", "not judged")
"""Verdicts on a goal that was not reached."""
WIDE_BOUND = 0.005
"""Pooling error of the AUC above which it is named."""


def few_of_a_class(report: Report) -> str:
    """Speak where a class has fewer than `FEWEST_CASES` patients."""
    row = pooled(report)
    if row is None or row.positives is None:
        return ""
    classes = {"malignant": row.positives, "benign": row.n - row.positives}
    small = [f"{n:,} {name}" for name, n in classes.items() if n < FEWEST_CASES]
    if not small:
        return ""
    return (
        f"Few patients: {listed(small)}. A validation should have at least {FEWEST_CASES} of each "
        "class."
    )


def wrong_way_round(report: Report) -> str:
    """Speak where the whole interval of the AUC is below 0.5."""
    row = pooled(report)
    ends = preferred(row.auc) if row is not None else None
    if ends is None or ends.high is None or ends.high >= CHANCE:
        return ""
    return (
        f"The AUC is below 0.5 (95 % CI {interval(ends, auc_places(report))}): malignant patients "
        "have lower scores than benign ones. Check that truth and scores are not exchanged."
    )


def chance_not_excluded(report: Report) -> str:
    """Speak where the interval of the AUC includes 0.5."""
    row = pooled(report)
    ends = preferred(row.auc) if row is not None else None
    if ends is None or ends.low is None or ends.high is None:
        return ""
    if not ends.low <= CHANCE <= ends.high:
        return ""
    return (
        f"The interval of the AUC includes 0.5 (95 % CI {interval(ends, auc_places(report))}): "
        "these patients do not show that the scores are better than chance."
    )


def goal_not_reached(report: Report) -> str:
    """Speak where a registered primary goal was not reached."""
    lost = dict.fromkeys(v for *_, v, _ in endpoints.primary(report) if v in NOT_REACHED)
    return f"A registered primary goal was {listed(list(lost))}." if lost else ""


def further_site(report: Report) -> str:
    """Speak where the AUC of a further site can be that of chance."""
    for h in report.heterogeneity:
        ends = h.prediction
        if not is_headline(h) or ends is None or ends.low is None or ends.high is None:
            continue
        if ends.low <= CHANCE:
            return (
                "The AUC of a further site is hardly known: its 95 % prediction interval is "
                f"{interval(ends, auc_places(report))}, from {h.sites} sites."
            )
    return ""


def scores_moved(report: Report) -> str:
    """Speak where the pooled scores of a class differ from those of the tuning data."""
    if not any(d.differs for d in report.drift if d.site is None):
        return ""
    return (
        "The scores differ from those of the tuning data, on which the threshold was chosen, by "
        "more than chance. Expect another balance of errors than there."
    )


def all_called_alike(report: Report) -> str:
    """Speak where the threshold gives every patient the same call."""
    row = pooled(report)
    if row is None or row.sensitivity is None or row.specificity is None:
        return ""
    calls = {(1.0, 0.0): "malignant", (0.0, 1.0): "benign"}
    rates = (row.sensitivity.value, row.specificity.value)
    if None in rates or rates not in calls:
        return ""
    return f"The threshold calls every patient {calls[rates]}. It separates nobody."


def few_tuning_patients(report: Report) -> str:
    """Speak where the card keeps tuning scores of fewer than `operating_point.FEW` of a class."""
    found = tuning_patients(report)
    if found is None or min(found) >= operating_point.FEW or is_placeholder(report):
        return ""
    positives, negatives = found
    return (
        f"The threshold was chosen on few patients: {positives:,} malignant and {negatives:,} "
        "benign. Expect another balance of errors elsewhere. A better threshold may have been "
        "missed."
    )


def tuning_not_known(report: Report) -> str:
    """Speak of a model whose card keeps no tuning scores."""
    if not is_federated(report) or tuning_patients(report) is not None or is_placeholder(report):
        return ""
    return "It is not known on how many patients the threshold was chosen."


def placeholder_threshold(report: Report) -> str:
    """Speak where the card says that the threshold is a placeholder."""
    if not is_placeholder(report):
        return ""
    at = report.model.operating_point.threshold
    return f"The threshold {at:g} is a placeholder. It was not chosen on any data."


def threshold_of_table(report: Report) -> str:
    """Speak of a table of scores, of which nothing is known."""
    if is_federated(report):
        return ""
    return "It is not known how the threshold was chosen, nor which analyses were made before."


def seen_before(report: Report) -> str:
    """Speak from the second look on."""
    if report.look is None or report.look.number < 2:
        return ""
    last = report.look.earlier[-1].created[:10] if report.look.earlier else ""
    when = f" The last one was asked for on {last}." if last else ""
    return (
        f"This is look {report.look.number}: results of this model at some of these sites were "
        f"asked for before.{when}"
    )


def registered_late(report: Report) -> str:
    """Speak where a registered plan does not come before the first look."""
    why = exploratory(report)
    return f"The verdicts on the goals are exploratory: {why}." if why else ""


def not_registered(report: Report) -> str:
    """Speak of a run of a federation without a registered plan."""
    if report.evaluation or not is_federated(report):
        return ""
    return "No analysis plan was registered. These results can suggest but not confirm."


def slope_off(report: Report) -> str:
    """Speak where the interval of the calibration slope does not hold 1."""
    row = calibration(report)
    if row is None or slope_agrees(report):
        return ""
    slope = number(row.slope.value, 2)
    backwards = row.slope.high is not None and row.slope.high < 0
    then = (
        "The scores rank patients the wrong way round."
        if backwards
        else "The probabilities need recalibration."
    )
    return f"The calibration slope is {slope}, not 1. {then}"


def one_site(report: Report) -> str:
    """Speak where the figures come from one site."""
    if len(report.sites) != 1:
        return ""
    return "All patients are of one site. Differences between sites cannot be seen."


def dominant_site(report: Report) -> str:
    """Speak where one of several sites has more than `DOMINANT` of the patients."""
    total, known = patients(report), {s.site: s.patients or 0 for s in report.sites}
    largest = max(known, key=lambda s: known[s])
    if len(known) < 2 or total == 0 or known[largest] <= DOMINANT * total:
        return ""
    return (
        f"{largest} has {hundredfold(known[largest] / total)} % of the patients. The pooled "
        "figures are mostly those of this site."
    )


def drowned_in_noise(report: Report) -> str:
    """Speak where the noise in the counts makes the interval of the AUC twice as wide, or hides it.

    Without noise it would be 2 · 1.96 standard errors wide, as expected of so many patients.
    """
    row = pooled(report)
    if report.noise is None or row is None:
        return ""
    ends = preferred(row.auc)
    if ends.value is None or ends.low is None or ends.high is None:
        return "The noise hides the figures. More patients, or a larger epsilon, are needed."
    positives = row.positives or 0
    alone = expected_variance(ends.value, max(positives, 1), max(row.n - positives, 1))
    if ends.high - ends.low <= 4 * Z * math.sqrt(alone):
        return ""
    return "The noise, not the number of patients, decides how wide the interval of the AUC is."


def harmful_threshold(report: Report) -> str:
    """Speak where acting on the model at its threshold does less good than not using it."""
    return harm_at_threshold(report)


def subgroups_withheld(report: Report) -> str:
    """Speak of sites that refused or withheld figures of a subgroup."""
    names = sites_without_subgroups(report)
    if not names:
        return ""
    known = (v.value for g in report.subgroups for v in (g.auc, g.sensitivity, g.specificity))
    if all(v is None for v in known):
        return f"No figure of a subgroup is known. Not released by: {listed(names)}."
    return f"Figures of subgroups are incomplete. Some were not released by: {listed(names)}."


def wide_pooling_error(report: Report) -> str:
    """Speak where the counts leave the pooled AUC open by more than `WIDE_BOUND`."""
    row = pooled(report)
    if row is None or row.auc.value is None or row.auc.binning_error <= WIDE_BOUND:
        return ""
    return (
        f"The counts that the sites released leave the pooled AUC open by {bound(row.auc)}. The "
        "interval of the AUC does not include this."
    )


def remark_on_auc(report: Report) -> str:
    """Speak where the headline AUC carries a remark."""
    row = pooled(report)
    if row is None or row.auc.value is None or not row.auc.reason:
        return ""
    return f"Remark on the AUC: {row.auc.reason}."
